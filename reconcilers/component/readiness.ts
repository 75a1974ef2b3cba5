/**
 * When a workload counts as ready. Probes of `[components.health]` will answer here; until then a
 * workload whose program runs is ready.
 */
import type { ObservedWorkload } from '../../src/core/observation.js';

export interface Readiness {
  readonly ready: boolean;
  /** When to look again, if time alone can change the answer. */
  readonly againAtMs: number | null;
}

/** Whether the program answers now. */
export function readiness(workload: ObservedWorkload): Readiness {
  return { ready: workload.state === 'running' && !isBooting(workload), againAtMs: null };
}

/** True while a machine is up whose program has not been reported started. */
export function isBooting(workload: ObservedWorkload): boolean {
  return workload.state === 'running' && workload.programStartedAtMs === null;
}

/** Since when the program of the present run has run; null: it has not been started, as far as is known. */
export function programSinceMs(workload: ObservedWorkload): number | null {
  return workload.programStartedAtMs === undefined ? workload.startedAtMs : workload.programStartedAtMs;
}

/** Whether a replacement has proven itself: ready, and up for `settleMs`. */
export function proven(workload: ObservedWorkload, nowMs: number, settleMs: number): Readiness {
  const { ready } = readiness(workload);
  const sinceMs = programSinceMs(workload);
  if (!ready || sinceMs === null) return { ready: false, againAtMs: null };
  const provenAtMs = sinceMs + settleMs;
  // A start that lies ahead tells of a clock that was set back: it was long ago.
  return nowMs >= provenAtMs || nowMs < sinceMs
    ? { ready: true, againAtMs: null }
    : { ready: false, againAtMs: provenAtMs };
}
