/** From counters of processor time to what was used between two looks. Pure. */

/** One workload, as it was seen. */
export interface Seen {
  /** Monotonic milliseconds. */
  readonly seenAtMs: number;
  /** Processor time used so far, in milliseconds. */
  readonly cpuMs: number;
  /** When this run began, Unix milliseconds; null: not known. */
  readonly startedAtMs: number | null;
}

/** Longer ago than this, two looks say nothing of how it is now. In milliseconds. */
const longestMs = 300_000;
/** Counters and looks are not of one instant: so much more than all cores is still believed. */
const slack = 1.25;

/**
 * What was used since the look before, 100 being one core; null: that cannot be told.
 *
 * Of a run that began in between counts what its own counter says; what the run before used after it was last seen is
 * not known, so this is the least. A counter that stepped back without a new run, or that says more than `cores` can do,
 * is not believed.
 */
export function cpuPercent(before: Seen | undefined, seen: Seen, cores: number): number | null {
  if (before === undefined) return null;
  const elapsedMs = seen.seenAtMs - before.seenAtMs;
  if (elapsedMs <= 0 || elapsedMs > longestMs) return null;
  const usedMs = isOtherRun(before.startedAtMs, seen.startedAtMs) ? seen.cpuMs : seen.cpuMs - before.cpuMs;
  const percent = (usedMs / elapsedMs) * 100;
  return percent < 0 || percent > cores * 100 * slack ? null : percent;
}

/** A runtime tells the same start in whole seconds at one time, and exactly at another. */
function isOtherRun(beforeMs: number | null, nowMs: number | null): boolean {
  return beforeMs !== null && nowMs !== null && Math.abs(nowMs - beforeMs) >= 1_000;
}
