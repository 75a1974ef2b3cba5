/**
 * Follows the log of a component through every loss of its stream: no line lost, none told twice. The stream and the
 * timer are arguments.
 */
import type { Problem } from '../../api/http/contract.js';
import type { LogEntry } from '../../api/views.js';

export interface LogPorts {
  /** Lines as they come, several at a time; none at all is a sign of life. Throws what the agent refused. */
  readonly read: (query: Readonly<Record<string, string>>, signal: AbortSignal) => AsyncIterable<readonly LogEntry[]>;
  /** Answers what calls it off. */
  readonly after: (delayMs: number, then: () => void) => () => void;
  /** New lines. With `isAnew` they stand for all that were told before. */
  readonly onLines: (lines: readonly LogEntry[], isAnew: boolean) => void;
  /** Why no lines come; null: they may come again. */
  readonly onError: (error: unknown) => void;
}

const linesAtFirst = '200';
const againMs = 2_000;

/** Reads on from the place until what it answers is called, and tries again when the stream ends. */
export function followLog(place: LogPlace, { read, after, onLines, onError }: LogPorts): () => void {
  const control = new AbortController();
  const { signal } = control;
  let cancel = (): void => undefined;
  const readOnce = async (): Promise<void> => {
    const query = place.resume();
    let isAnew = !('since' in query);
    for await (const lines of read({ ...query, follow: 'true' }, signal)) {
      if (signal.aborted) return;
      onError(null);
      const fresh = lines.filter((line) => place.accept(line));
      if (fresh.length > 0) onLines(fresh, isAnew);
      isAnew &&= fresh.length === 0;
    }
  };
  const begin = (): void => {
    readOnce()
      .catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      })
      .finally(() => {
        if (!signal.aborted) cancel = after(againMs, begin);
      });
  };
  begin();
  return () => {
    control.abort();
    cancel();
  };
}

/**
 * How far the log was read. Lines are told apart by their time and their place among the lines of the same millisecond;
 * those without a time are counted.
 */
export class LogPlace {
  /** Of the last line, by time; null: none had one. ISO 8601 in UTC, and so in order as text. */
  #since: string | null = null;
  readonly #read = { atSince: 0, untimed: 0 };
  /** Lines of the next reading that were told already. */
  #skip = { atSince: 0, untimed: 0 };
  #isCatchingUp = false;

  /** What to ask for; to be called before each reading. While no line bears a time, all begins anew. */
  resume(): Readonly<Record<string, string>> {
    if (this.#since === null) {
      this.#read.untimed = 0;
      return { tail: linesAtFirst };
    }
    this.#isCatchingUp = true;
    this.#skip = { ...this.#read };
    return { since: this.#since };
  }

  /** True when the line is new. One that is late is new too, once what was read before has gone by. */
  accept({ at }: Pick<LogEntry, 'at'>): boolean {
    if (at === null) return this.#isNew('untimed');
    if (this.#isCatchingUp && this.#since !== null) {
      if (at < this.#since) return false;
      if (at === this.#since && this.#skip.atSince > 0) return this.#isNew('atSince');
      this.#isCatchingUp = false;
    }
    if (this.#since === null || at > this.#since) {
      this.#since = at;
      this.#read.atSince = 1;
    } else if (at === this.#since) this.#read.atSince += 1;
    return true;
  }

  #isNew(kind: 'atSince' | 'untimed'): boolean {
    if (this.#skip[kind] > 0) {
      this.#skip[kind] -= 1;
      return false;
    }
    this.#read[kind] += 1;
    return true;
  }
}

/** What the lines of a stream say. The agent tells a failure on the way in a line of its own, the last. */
export function entriesOf(lines: readonly string[]): {
  readonly entries: readonly LogEntry[];
  readonly problem: Problem | null;
} {
  const said = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Partial<LogEntry & Problem>);
  return {
    entries: said.filter((line): line is LogEntry & Problem => typeof line.text === 'string'),
    problem: said.find((line): line is LogEntry & Problem => typeof line.code === 'string') ?? null,
  };
}
