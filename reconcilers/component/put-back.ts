/** When a new generation is given up and the last good one returns. Pure. */
import type { Scene } from './scene.js';
import type { DriftFinding, Verdict } from './types.js';
import { eventOf } from './verdicts.js';

/** True when there is another good generation, or image, to go back to. */
export function canPutBack(scene: Scene): boolean {
  const { effective, status } = scene;
  if (effective.holding || status.goodSpec === null) return false;
  return status.goodGeneration !== effective.generation || status.goodDigest !== effective.digest;
}

/** True when the roll-out has had its `ready_timeout_s`. */
export function rolloutExpired(scene: Scene): boolean {
  const { rolloutStartedAtMs } = scene.status;
  if (rolloutStartedAtMs === null) return false;
  return scene.world.nowMs >= rolloutStartedAtMs + scene.effective.spec.readyTimeoutS * 1_000;
}

/**
 * What a start of a changed spec writes down: from here on it has `ready_timeout_s`. While it is held back (stopped,
 * waiting for others, out of sight) its time does not run.
 */
export function rolloutBegins(scene: Scene): { readonly rolloutStartedAtMs?: number } {
  return canPutBack(scene) ? { rolloutStartedAtMs: scene.status.rolloutStartedAtMs ?? scene.world.nowMs } : {};
}

/** Why a replacement is given up that never got ready: in the words of what failed last, else `otherwise`. */
export function whyNotReady(scene: Scene, otherwise = 'it did not become ready'): string {
  const { reason, message } = scene.world.record.status;
  return reason === 'StepFailed' || reason === 'NotStarted' ? message : otherwise;
}

/** Gives this generation up for good. The decision is durable before anything is touched. */
export function putBack(scene: Scene, why: string, drift: readonly DriftFinding[] = []): Verdict {
  const { generation } = scene.world.record;
  const good = String(scene.status.goodGeneration);
  const message = `generation ${String(generation)} is put back to ${good}: ${why}`;
  return {
    verb: 'WAIT',
    reason: 'PuttingBack',
    message,
    drift,
    patch: { failedGeneration: generation, restarts: 0, failures: 0, nextTryAtMs: null, rolloutStartedAtMs: null },
    events: [eventOf(scene, 'error', 'PutBack', message)],
    requeueAtMs: scene.world.nowMs,
  };
}
