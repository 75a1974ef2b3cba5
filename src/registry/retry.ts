/** Waiting for SQLite's lock without blocking the event loop. */
import type { Clock } from '../core/ports/clock.js';
import { busyError, isBusy, registryError } from './sqlite-errors.js';

const firstDelayMs = 2;
const longestDelayMs = 50;

/** The pause after the `tries`-th refusal (from 0), in milliseconds: 2, 4, 8 … 50. */
export function retryDelayMs(tries: number): number {
  return Math.min(firstDelayMs * 2 ** Math.min(tries, 16), longestDelayMs);
}

/** Resolves after `delayMs`. */
export function waitFor(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly path: string;
  /** How long to try in all, in milliseconds. */
  readonly deadlineMs: number;
}

/** Runs `work` until it is not busy. E_REGISTRY_BUSY after the deadline; other errors as `registryError` has them. */
export async function untilFree<T>(options: RetryOptions, work: () => T): Promise<T> {
  const startMs = options.clock.monotonic();
  for (let tries = 0; ; tries += 1) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw registryError(error, options.path);
      const waitedMs = options.clock.monotonic() - startMs;
      if (waitedMs >= options.deadlineMs) throw busyError(options.path, waitedMs, error);
    }
    await waitFor(options.clock, retryDelayMs(tries));
  }
}
