/** What this machine has of what runs out: rooms of file systems, memory, certificate files. */
import { constants } from 'node:fs';
import { open, stat, statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { Clock } from '../core/ports/clock.js';
import type { FileSystemSpace, NodeFacts, RegistryCopy } from '../core/ports/node-facts.js';

export interface NodeFactsOptions {
  readonly clock: Clock;
  readonly lastCopy: () => Promise<RegistryCopy | null>;
  /** How long a file system may take to answer, in milliseconds. Default: 1,000. */
  readonly deadlineMs?: number;
}

/** A file system that is gone, such as one of a server, may never answer: a look at it ends here by a deadline. */
export function createNodeFacts({ clock, lastCopy, deadlineMs = 1_000 }: NodeFactsOptions): NodeFacts {
  const lane = new Lane(clock, deadlineMs);
  return {
    space: (path) => lane.look(path, () => spaceAt(path)),
    memory: () => ({ totalBytes: totalmem(), availableBytes: freemem() }),
    readText: (path, maxBytes) => lane.look(path, () => readPlain(path, maxBytes)),
    lastCopy,
  };
}

/** One look at a time: a file system that hangs keeps one thread of Node's few, and those after it are not asked. */
export class Lane {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #last: Promise<unknown> = Promise.resolve();
  /** What did not answer in time and has not answered since. */
  #stuck: string | null = null;

  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /** Answers as `run` does. Fails when it does not answer in time, and at once while an earlier one still has not. */
  async look<T>(path: string, run: () => Promise<T>): Promise<T> {
    if (this.#stuck !== null) throw new Error(`not looked at: ${this.#stuck} does not answer`);
    const mine = this.#last.then(run);
    this.#last = mine.then(
      () => undefined,
      () => undefined,
    );
    let cancel = (): void => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#clock.after(this.#deadlineMs, () => {
        this.#stuck ??= path;
        void this.#last.then(() => {
          this.#stuck = null;
        });
        reject(new Error(`${path} did not answer within ${this.#deadlineMs / 1_000} s`));
      });
    });
    try {
      return await Promise.race([mine, late]);
    } finally {
      cancel();
    }
  }
}

async function spaceAt(path: string): Promise<FileSystemSpace | undefined> {
  try {
    const [{ dev }, { bsize, blocks, bfree, bavail, files, ffree }] = await Promise.all([stat(path), statfs(path)]);
    return {
      device: String(dev),
      totalBytes: (blocks - bfree + bavail) * bsize,
      freeBytes: bavail * bsize,
      inodes: files === 0 ? null : { total: files, free: ffree },
    };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Opened without waiting, so that a pipe of that name holds nobody up. */
async function readPlain(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      return found.isFile() && found.size <= maxBytes ? await file.readFile('utf8') : undefined;
    } finally {
      await file.close();
    }
  } catch {
    // Whoever mounts it will say what is wrong with it.
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
