/** Waiting for a promise, but not for ever. */
import type { Clock } from '../../../core/ports/clock.js';

export const late: unique symbol = Symbol('late');

/** As `promise` settles, or `late` when `delayMs` have passed; rejects with the signal's reason as soon as it fires. */
export function within<T>(
  clock: Clock,
  promise: Promise<T>,
  delayMs: number,
  signal?: AbortSignal,
): Promise<T | typeof late> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      finish();
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
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
