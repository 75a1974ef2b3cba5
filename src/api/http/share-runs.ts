/** Something slow that many ask for at once is done once, and its answer holds for a moment. */
import type { Clock } from '../../core/ports/clock.js';

const holdsMs = 2_000;

/** What is asked about another state of things, as `of` says, is asked anew. */
export function shareRuns(clock: Clock): <T>(run: () => Promise<T>, of?: number) => Promise<T> {
  let shared: { readonly answer: Promise<unknown>; readonly of: number; endedAtMs: number | null } | undefined;
  return async <T>(run: () => Promise<T>, of = 0): Promise<T> => {
    const held = shared;
    const fresh = held?.of === of && (held.endedAtMs === null || clock.monotonic() - held.endedAtMs < holdsMs);
    if (fresh) return held.answer as Promise<T>;
    const answer = run();
    const mine = { answer, of, endedAtMs: null as number | null };
    shared = mine;
    try {
      return await answer;
    } finally {
      mine.endedAtMs = clock.monotonic();
    }
  };
}
