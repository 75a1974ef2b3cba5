/** A reader's connection in memory: it takes all, or stops reading for a while, or is cut off anywhere. */
import type { WatchEnd, WatchSink } from '../../src/api/http/watch/index.js';

export class TestSink implements WatchSink {
  /** Characters that are kept while nobody reads. */
  readonly limit: number;
  /** How it ended; undefined: it has not. */
  ended: WatchEnd | undefined;
  /** Characters that were handed over. */
  sent = 0;
  chunks = 0;
  readonly #deliver: (text: string) => void;
  #kept: string[] = [];
  #keptLength = 0;
  #paused = false;
  #waiting: (() => void)[] = [];

  constructor(deliver: (text: string) => void, limit = 1_048_576) {
    this.#deliver = deliver;
    this.limit = limit;
  }

  send(chunk: string): boolean {
    if (this.ended !== undefined) throw new Error('sent after the end');
    if (this.#keptLength > this.limit) return false;
    this.sent += chunk.length;
    this.chunks += 1;
    if (this.#paused) {
      this.#kept.push(chunk);
      this.#keptLength += chunk.length;
    } else this.#deliver(chunk);
    return true;
  }

  drained(): Promise<void> {
    if (this.#keptLength === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(reason: WatchEnd): void {
    if (this.ended !== undefined) throw new Error('closed twice');
    this.ended = reason;
    this.#letGo();
  }

  /** Stops reading. */
  pause(): void {
    this.#paused = true;
  }

  /** Reads what has come, and goes on. */
  resume(): void {
    this.#paused = false;
    for (const chunk of this.#kept) this.#deliver(chunk);
    this.#letGo();
  }

  /** The connection breaks: of what was kept only so many characters arrive. */
  cut(characters: number): void {
    this.#deliver(this.#kept.join('').slice(0, characters));
    this.#letGo();
  }

  #letGo(): void {
    this.#kept = [];
    this.#keptLength = 0;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
