/** Something slow that many ask for at once is done once, and its answer holds for a moment. */
import type { Clock } from '../../core/ports/clock.js';

const holdsMs = 2_000;

export function shareRuns(clock: Clock): <T>(run: () => Promise<T>) => Promise<T> {
  let shared: { readonly answer: Promise<unknown>; endedAtMs: number | null } | undefined;
  return async <T>(run: () => Promise<T>): Promise<T> => {
    const held = shared;
    const fresh = held !== undefined && (held.endedAtMs === null || clock.monotonic() - held.endedAtMs < holdsMs);
    if (fresh) return held.answer as Promise<T>;
    const answer = run();
    const mine = { answer, endedAtMs: null as number | null };
    shared = mine;
    try {
      return await answer;
    } finally {
      mine.endedAtMs = clock.monotonic();
    }
  };
}
