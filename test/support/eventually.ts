/** Waiting for a condition, so that no test sleeps for a fixed time. */
import { setTimeout as pause } from 'node:timers/promises';

export interface EventuallyOptions {
  /** How long to go on trying. Default: 20,000 ms. */
  readonly timeoutMs?: number;
  /** Pause between two tries. Default: 10 ms. */
  readonly everyMs?: number;
  /** What is waited for, in words, or what makes them when it is over; part of the error. */
  readonly describe?: string | (() => string);
}

/**
 * Calls `check` until it passes: it neither throws nor answers `false` or `null`. A check that answers
 * nothing passes, so that it may be a block of `expect` calls. Answers what the passing check answered.
 * When time is up, throws an error that names what was waited for and the last failure, which is its cause.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 20_000, everyMs = 10, describe } = options;
  const deadline = performance.now() + timeoutMs;
  for (let tries = 1; ; tries += 1) {
    const outcome = await attempt(check);
    if (outcome.passed) return outcome.value;
    if (performance.now() >= deadline) {
      const what = (typeof describe === 'function' ? describe() : describe) ?? 'the condition';
      throw new Error(`${what}: not within ${timeoutMs} ms (${tries} tries); last: ${textOf(outcome.failure)}`, {
        cause: outcome.failure,
      });
    }
    await pause(everyMs);
  }
}

type Attempt<T> = { readonly passed: true; readonly value: T } | { readonly passed: false; readonly failure: unknown };

async function attempt<T>(check: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    const value = await check();
    if (value === false || value === null) return { passed: false, failure: `the check answered ${String(value)}` };
    return { passed: true, value };
  } catch (failure) {
    return { passed: false, failure };
  }
}

function textOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
