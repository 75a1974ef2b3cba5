/** Time and chance, injected everywhere, so that a simulation can own them. */

export interface Clock {
  /** Unix time in milliseconds. */
  now(): number;
  /** Monotonic milliseconds, for durations. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; answers what cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export interface Chance {
  /** A number in [0, 1). */
  random(): number;
  /** A fresh identifier (UUID form). */
  id(): string;
}
