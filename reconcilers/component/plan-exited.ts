/** A workload that was made as it should be and does not run: first start, crash, completion. Pure. */
import { restartDelayMs } from '../../src/core/backoff.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { RestartPolicy } from '../../src/core/spec.js';
import { canPutBack, putBack, rolloutBegins, rolloutExpired, whyNotReady } from './put-back.js';
import { programSinceMs } from './readiness.js';
import { stoppedByBerth, type Scene } from './scene.js';
import type { DriftFinding, Verdict } from './types.js';
import { eventOf, evidenceOf, isDue, standingStateDrift, waitForNextTry } from './verdicts.js';

/** One step for a workload that is down and should be up. */
export function planExited(scene: Scene, main: ObservedWorkload): Verdict {
  if (scene.restartAsked)
    return start(scene, main, 'start it, as asked', { restartToken: scene.world.record.restartToken });
  if (main.state === 'created') return firstStart(scene, main);
  if (stoppedByBerth(scene.world.record.status, main)) return firstStart(scene, main);
  if (mayEnd(scene.effective.spec.restart, main.exitCode)) return completion(scene, main);
  return crashed(scene, main);
}

function mayEnd(policy: RestartPolicy, exitCode: number | null): boolean {
  return policy === 'never' || (policy === 'on-failure' && exitCode === 0);
}

/** A start that follows from a wish: it waits for what it depends on. */
function firstStart(scene: Scene, main: ObservedWorkload): Verdict {
  const { waitsFor } = scene.world;
  if (canPutBack(scene) && (rolloutExpired(scene) || failedTooOften(scene, scene.status.failures))) {
    return putBack(scene, whyNotReady(scene, 'it could not be started'));
  }
  const drift = standingStateDrift(scene);
  const tooEarly = waitForNextTry(scene, drift);
  if (tooEarly) return tooEarly;
  if (waitsFor.length > 0) {
    return {
      verb: 'WAIT',
      reason: 'WaitsForDependencies',
      message: `waits for ${waitsFor.join(', ')}`,
      drift,
      patch: { rolloutStartedAtMs: null },
    };
  }
  return start(scene, main, 'start it');
}

function start(scene: Scene, main: ObservedWorkload, message: string, patch: Verdict['patch'] = {}): Verdict {
  const step = startStep(scene, main, false);
  return {
    verb: 'START',
    reason: 'Starting',
    message,
    step,
    patch: { ...rolloutBegins(scene), ...patch },
    drift: standingStateDrift(scene),
  };
}

function startStep(scene: Scene, main: ObservedWorkload, again: boolean): NonNullable<Verdict['step']> {
  return { kind: 'start', nativeId: main.nativeId, again, volumes: scene.effective.spec.volumes };
}

function failedTooOften(scene: Scene, failures: number): boolean {
  return failures >= scene.world.settings.failuresBeforePutBack;
}

/** It ended and its policy allows that. A roll-out ends with it: what it replaced goes. */
function completion(scene: Scene, main: ObservedWorkload): Verdict {
  const { previous } = scene.roles;
  if (previous) {
    const message = `remove ${previous.name}: its replacement has done its work`;
    const step = { kind: 'remove', nativeId: previous.nativeId } as const;
    return waitForNextTry(scene) ?? { verb: 'CREATE', reason: 'RollingOut', message, step };
  }
  const message = `its program ended with ${howItEnded(main)}, as restart = "${scene.effective.spec.restart}" allows`;
  return {
    verb: 'COMPLETE',
    reason: 'Completed',
    message,
    patch: {
      completedGeneration: scene.effective.generation,
      failures: 0,
      nextTryAtMs: null,
      goodGeneration: scene.effective.generation,
      goodSpec: JSON.stringify(scene.effective.spec),
      goodDigest: scene.effective.digest,
      rolloutStartedAtMs: null,
    },
    events: [eventOf(scene, 'info', 'Completed', message)],
  };
}

/** It ended and should not have: count it once, wait as long as its failures say, start it again. */
function crashed(scene: Scene, main: ObservedWorkload): Verdict {
  const { nowMs, chance, settings, record } = scene.world;
  const before = record.status;
  const counted =
    before.observed === 'exited' && before.nativeId === main.nativeId && before.startedAtMs === main.startedAtMs;
  const failures = counted ? scene.status.failures : countFailure(scene, main);
  const nextTryAtMs = counted
    ? (scene.status.nextTryAtMs ?? nowMs)
    : nowMs + restartDelayMs(failures, chance, settings.backoff);
  const due = isDue(scene, nextTryAtMs);
  const code = howItEnded(main);
  const when = due ? 'now' : `at ${new Date(nextTryAtMs).toISOString()}`;
  const finding: DriftFinding = {
    field: 'state',
    desired: 'running',
    observed: 'exited',
    evidence: evidenceOf(scene, main),
    action: `is started again ${when}`,
    ...(main.finishedAtMs === null ? {} : { sinceMs: main.finishedAtMs }),
  };
  const events = counted
    ? []
    : [eventOf(scene, 'warning', 'Exited', `its program ended with ${code}; it is started again ${when}`)];
  if (canPutBack(scene) && (failedTooOften(scene, failures) || rolloutExpired(scene))) {
    return putBack(scene, `its program ended with ${code}, ${times(failures)} in a row`, [finding]);
  }
  const patch = { failures, nextTryAtMs };
  if (due) {
    const step = startStep(scene, main, true);
    return {
      verb: 'START',
      reason: 'Restarting',
      message: `start it again after ${code}`,
      step,
      patch: { ...rolloutBegins(scene), ...patch },
      drift: [finding],
      events,
    };
  }
  const message = `${code}, ${times(failures)} in a row; next try ${when}`;
  return { verb: 'BACK_OFF', reason: 'CrashLoop', message, patch, drift: [finding], events, requeueAtMs: nextTryAtMs };
}

/** Its exit code, and what its runtime says beside it. */
function howItEnded({ exitCode, oomKilled, problem }: ObservedWorkload): string {
  const code = `exit code ${String(exitCode ?? 'unknown')}${oomKilled ? ' (out of memory)' : ''}`;
  return problem === null ? code : `${code} (${problem})`;
}

/** Long health forgets earlier failures. */
function countFailure(scene: Scene, main: ObservedWorkload): number {
  const { nowMs, settings } = scene.world;
  const sinceMs = programSinceMs(main);
  const upMs = sinceMs === null ? 0 : (main.finishedAtMs ?? nowMs) - sinceMs;
  return upMs >= settings.backoff.forgetAfterMs ? 1 : scene.status.failures + 1;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${String(count)} times`;
}
