/**
 * When a workload counts as ready. Probes of `[components.health]` will answer here; until then a
 * workload that runs is ready.
 */
import type { ObservedWorkload } from '../../src/core/observation.js';

export interface Readiness {
  readonly ready: boolean;
  /** When to look again, if time alone can change the answer. */
  readonly againAtMs: number | null;
}

/** Whether the program answers now. */
export function readiness(workload: ObservedWorkload): Readiness {
  return { ready: workload.state === 'running', againAtMs: null };
}

/** Whether a replacement has proven itself: ready, and up for `settleMs`. */
export function proven(workload: ObservedWorkload, nowMs: number, settleMs: number): Readiness {
  const { ready } = readiness(workload);
  if (!ready || workload.startedAtMs === null) return { ready: false, againAtMs: null };
  const provenAtMs = workload.startedAtMs + settleMs;
  // A start that lies ahead tells of a clock that was set back: it was long ago.
  return nowMs >= provenAtMs || nowMs < workload.startedAtMs
    ? { ready: true, againAtMs: null }
    : { ready: false, againAtMs: provenAtMs };
}
