/** A workload that is up and was made as it should be: limits, pause, restart, the end of a roll-out. Pure. */
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { FieldDifference } from '../../src/core/workload-diff.js';
import { findingsOf, mend } from './drift.js';
import { backoffMs } from '../../src/core/backoff.js';
import { effectiveLimits } from '../../src/core/spec.js';
import { canPutBack, putBack } from './put-back.js';
import { isBooting, programSinceMs, proven, readiness, type Readiness } from './readiness.js';
import type { Scene } from './scene.js';
import type { DriftFinding, Verdict } from './types.js';
import { eventOf, evidenceOf, stopStep, waitForNextTry } from './verdicts.js';

/** One step for a workload that is up. */
export function planUp(scene: Scene, main: ObservedWorkload, differences: readonly FieldDifference[]): Verdict {
  if (main.state === 'stopping') return stuckStopping(scene, main);
  if (scene.restartAsked) {
    const message = 'stop it for the restart that was asked for';
    return waitForNextTry(scene) ?? { verb: 'STOP', reason: 'Restarting', message, step: stopStep(scene, main) };
  }
  if (main.state === 'paused') return unpause(scene, main);
  const updates = differences.filter((item) => item.mend === 'update');
  if (updates.length > 0) return putLimitsBack(scene, main, differences);
  return settle(scene, main, differences);
}

/** Somebody else stops it, or its monitor died: wait as long as a stop may take, then stop it with force. */
function stuckStopping(scene: Scene, main: ObservedWorkload): Verdict {
  const { nowMs, settings, record } = scene.world;
  const since = record.status.reason === 'BeingStopped' ? record.status.updatedAtMs : nowMs;
  const patienceMs = scene.effective.spec.stopTimeoutS * 1_000 + settings.stuckStoppingMs;
  if (nowMs - since >= patienceMs) {
    return {
      verb: 'STOP',
      reason: 'StuckStopping',
      message: 'it never ends stopping: stop it with force',
      step: stopStep(scene, main),
    };
  }
  return { verb: 'WAIT', reason: 'BeingStopped', message: 'somebody is stopping it', requeueAtMs: since + patienceMs };
}

function unpause(scene: Scene, main: ObservedWorkload): Verdict {
  const finding: DriftFinding = {
    field: 'state',
    desired: 'running',
    observed: 'paused',
    evidence: evidenceOf(scene, main),
    action: 'is being resumed',
  };
  const tooEarly = waitForNextTry(scene, [finding]);
  if (tooEarly) return tooEarly;
  const step = { kind: 'unpause', nativeId: main.nativeId } as const;
  return mend(scene, 'state', { verb: 'START', reason: 'Resuming', message: 'resume it', step, drift: [finding] });
}

function putLimitsBack(scene: Scene, main: ObservedWorkload, differences: readonly FieldDifference[]): Verdict {
  const { record, nowMs } = scene.world;
  const { spec } = scene.effective;
  const restored = asMade(scene, main);
  const asked = restored || record.status.observedGeneration !== record.generation;
  const evidence = asked ? `wanted since generation ${String(scene.effective.generation)}` : evidenceOf(scene, main);
  const shown = restored ? differences.filter((item) => item.mend !== 'update') : differences;
  const drift = findingsOf(shown, evidence, 'is being set in place');
  const tooEarly = waitForNextTry(scene, drift);
  if (tooEarly) return { ...tooEarly, verb: 'UP' };
  const step = {
    kind: 'update',
    nativeId: main.nativeId,
    limits: effectiveLimits(spec),
  } as const;
  const verdict: Verdict = {
    verb: 'UP',
    reason: 'UpdatingLimits',
    message: 'set its limits in place',
    step,
    drift,
    requeueAtMs: nowMs,
  };
  const [first] = differences.filter((item) => item.mend === 'update');
  return asked || !first ? verdict : mend(scene, first.field, verdict);
}

/** True right after a start: the runtime has restored the limits that the workload was made with, which is no drift. */
function asMade(scene: Scene, main: ObservedWorkload): boolean {
  return scene.world.record.status.startedAtMs !== main.startedAtMs;
}

/** It runs and is right: end the roll-out if there is one, then rest. */
function settle(scene: Scene, main: ObservedWorkload, differences: readonly FieldDifference[]): Verdict {
  const { nowMs, settings } = scene.world;
  const { previous } = scene.roles;
  const drift = findingsOf(differences, evidenceOf(scene, main), '');
  if (isBooting(main)) return boot(scene, main, drift);
  const proof = proven(main, nowMs, settings.settleMs);
  if (previous) return endRollout(scene, previous, proof, drift);
  const patch = {
    nextTryAtMs: null,
    completedGeneration: null,
    ...(proof.ready ? goodPatch(scene) : {}),
    ...(nowMs >= healthyAtMs(scene, main) ? { failures: 0 } : {}),
  };
  if (scene.effective.holding) return holdGood(scene, drift, patch);
  const { ready } = readiness(main);
  const requeue = nextLook(scene, main, proof);
  return { verb: 'UP', reason: ready ? 'Running' : 'NotReady', message: 'runs as specified', drift, patch, ...requeue };
}

/**
 * The machine is up and its program has not been reported started. It has `ready_timeout_s` from the start of this run;
 * then the old one is put back, or the run has failed like any other.
 */
function boot(scene: Scene, main: ObservedWorkload, drift: readonly DriftFinding[]): Verdict {
  const { nowMs, chance, settings } = scene.world;
  const { readyTimeoutS } = scene.effective.spec;
  const deadlineMs = (main.startedAtMs ?? nowMs) + readyTimeoutS * 1_000;
  if (nowMs < deadlineMs) {
    const message = 'the machine is up; its program has not been reported started yet';
    return { verb: 'START', reason: 'Booting', message, drift, requeueAtMs: deadlineMs };
  }
  const why = `its program was not reported started within ${String(readyTimeoutS)} s`;
  if (canPutBack(scene)) return putBack(scene, why, drift);
  const failures = scene.status.failures + 1;
  const nextTryAtMs = nowMs + backoffMs(failures, chance, settings.backoff);
  const message = `${why}; it is stopped and tried again at ${new Date(nextTryAtMs).toISOString()}`;
  const step = { ...stopStep(scene, main), failedRun: true };
  const events = [eventOf(scene, 'warning', 'Exited', message)];
  return { verb: 'STOP', reason: 'NotStarted', message, step, drift, patch: { failures, nextTryAtMs }, events };
}

/** The old workload is kept until the new one has proven itself. */
function endRollout(
  scene: Scene,
  previous: ObservedWorkload,
  proof: Readiness,
  drift: readonly DriftFinding[],
): Verdict {
  if (!proof.ready) {
    const again = proof.againAtMs === null ? {} : { requeueAtMs: proof.againAtMs };
    return { verb: 'START', reason: 'RollingOut', message: 'the replacement is proving itself', drift, ...again };
  }
  const message = `remove ${previous.name}: its replacement has proven itself`;
  const step = { kind: 'remove', nativeId: previous.nativeId } as const;
  const good = goodPatch(scene);
  const generation = String(scene.effective.generation);
  const news = eventOf(scene, 'info', 'RolledOut', `generation ${generation} has replaced the one before`);
  const tooEarly = waitForNextTry(scene, drift);
  if (tooEarly) return tooEarly;
  return { verb: 'UP', reason: 'RollingOut', message, step, drift, patch: good ?? {}, events: good ? [news] : [] };
}

/** When long health will have made earlier failures forgotten. */
function healthyAtMs(scene: Scene, main: ObservedWorkload): number {
  const sinceMs = programSinceMs(main);
  return sinceMs === null ? Infinity : sinceMs + scene.world.settings.backoff.forgetAfterMs;
}

/** When time alone will change something about a workload that runs well. */
function nextLook(scene: Scene, main: ObservedWorkload, proof: Readiness): { readonly requeueAtMs?: number } {
  if (proof.againAtMs !== null) return { requeueAtMs: proof.againAtMs };
  const atMs = healthyAtMs(scene, main);
  const forgets = scene.status.failures > 0 && atMs !== Infinity && scene.world.nowMs < atMs;
  return forgets ? { requeueAtMs: atMs } : {};
}

function goodPatch(
  scene: Scene,
): { goodGeneration: number; goodSpec: string; goodDigest: string | null; rolloutStartedAtMs: null } | undefined {
  const { effective, status } = scene;
  if (effective.holding) return undefined;
  const same = status.goodGeneration === effective.generation && status.goodDigest === effective.digest;
  if (same && status.rolloutStartedAtMs === null) return undefined;
  return {
    goodGeneration: effective.generation,
    goodSpec: JSON.stringify(effective.spec),
    goodDigest: effective.digest,
    rolloutStartedAtMs: null,
  };
}

function holdGood(scene: Scene, drift: readonly DriftFinding[], patch: Verdict['patch']): Verdict {
  const { record } = scene.world;
  const finding: DriftFinding = {
    field: 'generation',
    desired: String(record.generation),
    observed: String(scene.effective.generation),
    evidence: 'the new generation did not become ready and was put back',
    action: 'not tried again; edit the definition',
  };
  const message = `generation ${String(record.generation)} did not become ready; generation ${String(scene.effective.generation)} runs in its place`;
  return { verb: 'GIVE_UP', reason: 'PutBack', message, drift: [...drift, finding], ...(patch ? { patch } : {}) };
}
