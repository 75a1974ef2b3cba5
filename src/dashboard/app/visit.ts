/** When this browser was here last: what has happened since is told at the top of the overview. */

const seenKey = 'berth.seen';
/** A page that is opened again so soon is the same visit. */
const sameVisitMs = 60_000;

export interface Visit {
  /** The end of the visit before, Unix milliseconds; null: this is the first. */
  readonly beforeMs: number | null;
  /** All up to now has been seen. */
  markSeen(nowMs: number): void;
}

/** A browser that keeps nothing is always here for the first time. */
export function readVisit(storage: Storage, nowMs: number): Visit {
  let beforeMs: number | null = null;
  try {
    const kept = Number(storage.getItem(seenKey) ?? Number.NaN);
    if (Number.isFinite(kept) && nowMs - kept > sameVisitMs) beforeMs = kept;
    else if (Number.isNaN(kept)) storage.setItem(seenKey, String(nowMs));
  } catch {
    beforeMs = null;
  }
  return {
    beforeMs,
    markSeen: (seenMs) => {
      try {
        storage.setItem(seenKey, String(seenMs));
      } catch {
        // It is told again at the next visit; nothing else comes of it.
      }
    },
  };
}
