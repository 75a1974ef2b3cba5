/** Looks at files that may never answer, such as those of a server that is gone. */
import { dirname } from 'node:path';
import type { Clock } from '../core/ports/clock.js';

export interface LaneOptions {
  readonly clock: Clock;
  /** How long a look may take once it is begun, in milliseconds. */
  readonly deadlineMs: number;
  /** Looks under way at once: so many of Node's four threads are kept when all of them hang. Default: 1. */
  readonly width?: number;
}

/** A file system did not answer in time, or was not asked because another look has no answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

interface UnderWay {
  readonly path: string;
  /** It did not answer in time, and has not answered since. */
  isSilent: boolean;
}

interface Waiting {
  readonly folder: string;
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * A file system that hangs keeps one thread of Node's few, and those after it are not asked: of a folder one look is under
 * way at a time, and while it has no answer nothing else of that folder is looked at.
 */
export class Lane {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #width: number;
  /** By folder. */
  readonly #underWay = new Map<string, UnderWay>();
  #waiting: Waiting[] = [];

  constructor({ clock, deadlineMs, width = 1 }: LaneOptions) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#width = width;
  }

  /**
   * Answers as `run` does. NoAnswer when that does not answer in time, and without having asked while an earlier one of the
   * same folder, or all that may be under way, still have not. Waiting for its turn does not count as its time.
   */
  look<T>(path: string, run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const folder = dirname(path);
      const begin = (): void => {
        this.#begin(folder, path, run).then(resolve, reject);
      };
      this.#waiting.push({ folder, begin, refuse: reject });
      this.#next();
    });
  }

  async #begin<T>(folder: string, path: string, run: () => Promise<T>): Promise<T> {
    const look: UnderWay = { path, isSilent: false };
    this.#underWay.set(folder, look);
    const answer = run();
    const over = (): void => {
      this.#underWay.delete(folder);
      this.#next();
    };
    answer.then(over, over);
    let cancel = (): void => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#clock.after(this.#deadlineMs, () => {
        look.isSilent = true;
        reject(new NoAnswer(`${path} did not answer within ${this.#deadlineMs / 1_000} s`));
        this.#next();
      });
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      cancel();
    }
  }

  /** Begins what may begin, and refuses what would wait for one that is silent. */
  #next(): void {
    for (const waiting of this.#waiting.splice(0)) {
      const silent = this.#silentBefore(waiting.folder);
      if (silent !== undefined) waiting.refuse(new NoAnswer(`not looked at: ${silent} does not answer`));
      else if (this.#underWay.has(waiting.folder) || this.#underWay.size >= this.#width) this.#waiting.push(waiting);
      else waiting.begin();
    }
  }

  #silentBefore(folder: string): string | undefined {
    const own = this.#underWay.get(folder);
    if (own !== undefined) return own.isSilent ? own.path : undefined;
    const all = [...this.#underWay.values()];
    return all.length >= this.#width && all.every(({ isSilent }) => isSilent) ? all[0]?.path : undefined;
  }
}
