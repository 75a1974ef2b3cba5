/** Waiting by the injected clock. */
import type { Clock } from '../../core/ports/clock.js';

/** Resolves after `delayMs`, or as soon as the signal fires. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const stop = clock.after(delayMs, done);
    function done(): void {
      stop();
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });
}
