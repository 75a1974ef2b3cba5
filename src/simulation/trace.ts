/** What a simulation did, line by line; the same seed gives the same bytes. */

/** Takes lines of a trace. */
export type Tell = (source: string, words: string) => void;

/** Keeps the lines of one run. Times are those since its beginning, by the clock that nobody sets. */
export class Trace {
  readonly #lines: string[] = [];
  readonly #monotonicMs: () => number;
  readonly #startMs: number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#startMs = monotonicMs();
  }

  readonly tell: Tell = (source, words) => {
    const seconds = ((this.#monotonicMs() - this.#startMs) / 1_000).toFixed(3);
    this.#lines.push(`${seconds.padStart(10)}  ${source.padEnd(8)}  ${words}`);
  };

  get lines(): readonly string[] {
    return this.#lines;
  }
}

/** Of a run that nobody wants to read about. */
export const tellNobody: Tell = () => undefined;
