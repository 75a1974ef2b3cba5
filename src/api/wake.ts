/** Waiting for the registry to change. */
import type { Clock } from '../core/ports/clock.js';
import type { Registry } from '../core/ports/registry.js';

/** Counts commits of the registry, so that none is missed between a read and the wait after it. */
export interface Wakeups {
  /** Resolves at once when there was a commit since the last call, else at the next one, at the latest after `timeoutMs`. */
  next(timeoutMs?: number): Promise<void>;
  end(): void;
}

/** Listens for commits until `end` is called or the signal fires; `next` resolves then, too. */
export function watchCommits(registry: Registry, clock: Clock, signal: AbortSignal): Wakeups {
  let pending = false;
  let wake: (() => void) | undefined;
  const notify = (): void => {
    pending = true;
    wake?.();
  };
  const unwatch = registry.watch(notify);
  signal.addEventListener('abort', notify, { once: true });
  return {
    next: (timeoutMs) =>
      new Promise((resolve) => {
        const finish = (): void => {
          wake = undefined;
          pending = false;
          cancel?.();
          resolve();
        };
        const cancel = timeoutMs === undefined ? undefined : clock.after(timeoutMs, finish);
        wake = finish;
        if (pending || signal.aborted) finish();
      }),
    end: () => {
      unwatch();
      signal.removeEventListener('abort', notify);
    },
  };
}
