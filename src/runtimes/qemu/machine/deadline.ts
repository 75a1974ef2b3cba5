/** Waiting for a promise, but not for ever. */
import { BerthError } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';

export const late: unique symbol = Symbol('late');

/** What a call ends with whose caller no longer waits. */
export function cancelled(signal?: AbortSignal): BerthError {
  return new BerthError('E_DRIVER_TIMEOUT', 'it was cancelled', { cause: signal?.reason });
}

export function throwIfCancelled(signal?: AbortSignal): void {
  if (signal?.aborted) throw cancelled(signal);
}

/** As `promise` settles, or `late` when `delayMs` have passed; E_DRIVER_TIMEOUT as soon as the signal fires. */
export function within<T>(
  clock: Clock,
  promise: Promise<T>,
  delayMs: number,
  signal?: AbortSignal,
): Promise<T | typeof late> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      finish();
      reject(cancelled(signal));
    };
    const stop = clock.after(delayMs, () => {
      finish();
      resolve(late);
    });
    function finish(): void {
      stop();
      signal?.removeEventListener('abort', abort);
    }
    promise.then(
      (value) => {
        finish();
        resolve(value);
      },
      (error: unknown) => {
        finish();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
