/** Remembers how far a log was read, so that reading it again loses no line and repeats none. */
import type { LogLine } from '../core/ports/driver.js';

/**
 * Lines are told apart by their time and their place among the lines of the same millisecond. Lines
 * without a time are counted.
 */
export class LogCursor {
  /** Time of the last line; null: none was read. Unix milliseconds. */
  sinceMs: number | null = null;
  /** Lines read with exactly that time. */
  #atSince = 0;
  /** Lines read that had no time. */
  #untimed = 0;
  #skipAtSince = 0;
  #skipUntimed = 0;
  #catchingUp = false;

  /** What to ask for, to go on after the last line. */
  query(): { readonly sinceMs?: number } {
    return this.sinceMs === null ? {} : { sinceMs: this.sinceMs };
  }

  /** To be called before each reading. */
  resume(): void {
    this.#catchingUp = this.sinceMs !== null;
    this.#skipAtSince = this.#atSince;
    this.#skipUntimed = this.#untimed;
  }

  /** True when the line is new. */
  accept(line: LogLine): boolean {
    if (line.atMs === null) return this.#acceptUntimed();
    if (this.#catchingUp && this.sinceMs !== null) {
      if (line.atMs < this.sinceMs) return false;
      if (line.atMs === this.sinceMs && this.#skipAtSince > 0) {
        this.#skipAtSince -= 1;
        return false;
      }
      this.#catchingUp = false;
    }
    this.#count(line.atMs);
    return true;
  }

  #count(atMs: number): void {
    if (this.sinceMs === null || atMs > this.sinceMs) {
      this.sinceMs = atMs;
      this.#atSince = 1;
    } else if (atMs === this.sinceMs) this.#atSince += 1;
  }

  #acceptUntimed(): boolean {
    if (this.#skipUntimed > 0) {
      this.#skipUntimed -= 1;
      return false;
    }
    this.#untimed += 1;
    return true;
  }
}
