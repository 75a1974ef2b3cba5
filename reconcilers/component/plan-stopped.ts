/** A component that is to be stopped. Pure. */
import { mend } from './drift.js';
import type { Scene } from './scene.js';
import type { DriftFinding, Verdict } from './types.js';
import { evidenceOf, isUp, stopStep, waitForNextTry } from './verdicts.js';

/** One step towards rest. Workloads stay, stopped: starting again is quick and keeps their ids. */
export function planStopped(scene: Scene): Verdict {
  const { main, next, previous, strays } = scene.roles;
  const up = [main, next, previous, ...strays].find((workload) => workload !== undefined && isUp(workload));
  const { record, dependentsUp } = scene.world;
  if (!up) {
    const why = record.service.active ? 'stopped, as wanted' : 'stopped: the service is not active';
    return {
      verb: 'DOWN',
      reason: 'Stopped',
      message: why,
      patch: { completedGeneration: null, restarts: 0, failures: 0, nextTryAtMs: null, rolloutStartedAtMs: null },
    };
  }
  const startedByHand = record.status.phase === 'stopped' && record.status.observedRevision === record.revision;
  const finding: DriftFinding = {
    field: 'state',
    desired: 'stopped',
    observed: scene.observed,
    evidence: evidenceOf(scene, up),
    action: 'is being stopped',
  };
  const drift = startedByHand || record.status.drift.some((item) => item.field === 'state') ? [finding] : [];
  const tooEarly = waitForNextTry(scene, drift);
  if (tooEarly) return tooEarly;
  if (dependentsUp.length > 0) {
    return {
      verb: 'UP',
      reason: 'WaitsForDependents',
      message: `is stopped once ${dependentsUp.join(', ')} has`,
      drift,
    };
  }
  const verdict: Verdict = {
    verb: 'STOP',
    reason: 'Stopping',
    message: `stop ${up.name}`,
    step: stopStep(scene, up),
    drift,
  };
  return startedByHand ? mend(scene, 'state', verdict) : verdict;
}
