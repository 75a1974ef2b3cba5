/** Restarts by the hour. Pure. */
import type { EventView } from '../../api/views.js';

const hourMs = 3_600_000;

export interface Hour {
  /** Its beginning, Unix milliseconds. */
  readonly fromMs: number;
  readonly count: number;
}

/** The last `hours` hours, oldest first; the last of them is not over yet. */
export function restartsByHour(events: readonly EventView[], nowMs: number, hours = 24): readonly Hour[] {
  const lastMs = Math.floor(nowMs / hourMs) * hourMs;
  const counts = new Map<number, number>();
  for (const { reason, at } of events) {
    if (reason !== 'Restarted') continue;
    const hour = Math.floor(Date.parse(at) / hourMs) * hourMs;
    counts.set(hour, (counts.get(hour) ?? 0) + 1);
  }
  return Array.from({ length: hours }, (_, index) => {
    const fromMs = lastMs - (hours - 1 - index) * hourMs;
    return { fromMs, count: counts.get(fromMs) ?? 0 };
  });
}
