/** When this browser was here last: what has happened since is told at the top of the overview. */
import { Cell } from '../model/cell.js';

const seenKey = 'berth.seen';
/** A page that is opened again so soon is the same visit. */
const sameVisitMs = 60_000;

export interface Visit {
  /** The end of the visit before, Unix milliseconds; null: this is the first, or what happened since has been seen. */
  readonly beforeMs: Cell<number | null>;
  /** All up to now has been seen at the next visit. */
  markSeen(nowMs: number): void;
}

/** As much of what a browser keeps for a page as is needed. */
export type Memory = Readonly<{ getItem(key: string): string | null; setItem(key: string, value: string): void }>;

/** A browser that keeps nothing is always here for the first time. */
export function readVisit(storage: Memory, nowMs: number): Visit {
  let beforeMs: number | null = null;
  try {
    const kept = Number(storage.getItem(seenKey) ?? Number.NaN);
    if (Number.isFinite(kept) && nowMs - kept > sameVisitMs) beforeMs = kept;
    else if (Number.isNaN(kept)) storage.setItem(seenKey, String(nowMs));
  } catch {
    beforeMs = null;
  }
  return {
    beforeMs: new Cell(beforeMs),
    markSeen: (seenMs) => {
      try {
        storage.setItem(seenKey, String(seenMs));
      } catch {
        // It is told again at the next visit; nothing else comes of it.
      }
    },
  };
}
