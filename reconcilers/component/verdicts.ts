/** Verdicts that several planners give. Pure. */
import type { EventReason, NewEvent, Severity } from '../../src/core/event.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { Scene } from './scene.js';
import type { DriftFinding, Step, Verdict } from './types.js';

/** An event about the component of a scene. */
export function eventOf(scene: Scene, severity: Severity, reason: EventReason, message: string): NewEvent {
  return { ...scene.world.record.key, severity, reason, message };
}

/** A verdict to wait for the next try, when one is set and has not come yet. */
export function waitForNextTry(scene: Scene, drift: readonly DriftFinding[] = []): Verdict | undefined {
  const { nextTryAtMs } = scene.status;
  if (nextTryAtMs === null || isDue(scene, nextTryAtMs)) return undefined;
  const { reason, message } = scene.world.record.status;
  const verb = reason === 'RuntimeUnavailable' ? 'BLOCK' : 'BACK_OFF';
  return { verb, reason, message, requeueAtMs: nextTryAtMs, drift };
}

/** True when it is time for the next try; also when no wait is that long, because the clock was set back. */
export function isDue(scene: Scene, nextTryAtMs: number): boolean {
  const { nowMs, settings } = scene.world;
  return nowMs >= nextTryAtMs || nextTryAtMs - nowMs > 2 * settings.backoff.longestMs;
}

/** Stops a running or paused workload with the grace of the spec that runs. */
export function stopStep(scene: Scene, workload: ObservedWorkload): Extract<Step, { readonly kind: 'stop' }> {
  return { kind: 'stop', nativeId: workload.nativeId, graceMs: scene.effective.spec.stopTimeoutS * 1_000 };
}

/** True while a workload holds its ports and its memory. */
export function isUp(workload: ObservedWorkload): boolean {
  return workload.state === 'running' || workload.state === 'paused' || workload.state === 'stopping';
}

/** A verdict on a workload that the runtime does not tell enough of. */
export function unreadable(workload: ObservedWorkload, otherwise: string): Verdict {
  const message = `nothing is done until it can be read: ${workload.problem ?? otherwise}`;
  return { verb: 'LOSE_SIGHT', reason: 'WorkloadUnreadable', message };
}

/** Such a verdict on a replacement that is up and does not tell what it was made with: it may well be the right one. */
export function unreadableNext({ roles }: Scene): Verdict | undefined {
  const { next } = roles;
  return next?.config === null && isUp(next)
    ? unreadable(next, `${next.name} does not tell what it was made with`)
    : undefined;
}

/** The state of a workload in words, for evidence. */
export function evidenceOf(scene: Scene, workload: ObservedWorkload | undefined): string {
  const { lastRuntimeEvent, driver } = scene.world;
  const state = workload
    ? `${workload.driver} says ${workload.state}${workload.exitCode === null ? '' : `, exit code ${String(workload.exitCode)}`}${workload.oomKilled ? ', out of memory' : ''}`
    : `${driver?.name ?? 'runtime'} lists no such workload`;
  return lastRuntimeEvent === null ? state : `${state}; last event: ${lastRuntimeEvent}`;
}

/** Drift of the state that stands until the workload is up again, whatever steps lie between. */
export function standingStateDrift(scene: Scene): readonly DriftFinding[] {
  return scene.world.record.status.drift.filter((item) => item.field === 'state' && item.desired === 'running');
}
