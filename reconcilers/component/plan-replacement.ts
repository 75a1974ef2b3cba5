/**
 * A workload that must be made anew: the replacement is created under a temporary name before the old
 * one stops, takes its place, and the old one is kept, stopped, until the new one has proven itself.
 * Each step can be told from what is on the host, so a roll-out goes on after a crash at any point. Pure.
 */
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { FieldDifference } from '../../src/core/workload-diff.js';
import { findingsOf, mend } from './drift.js';
import { createStep, renameStep } from './create-step.js';
import { canPutBack, putBack, rolloutExpired, whyNotReady } from './put-back.js';
import { proven } from './readiness.js';
import { matches, matchesGood, type Scene } from './scene.js';
import type { DriftFinding, Verdict } from './types.js';
import { evidenceOf, isUp, stopStep, unreadableNext, waitForNextTry } from './verdicts.js';

/** One step of a replacement of `main`, which differs in `wrong`. */
export function planReplacement(scene: Scene, main: ObservedWorkload, wrong: readonly FieldDifference[]): Verdict {
  const { effective, roles, status } = scene;
  const asked = wasAsked(scene, main);
  const evidence = asked
    ? `made for generation ${String(main.owner?.generation ?? 'unknown')}, wanted is ${String(effective.generation)}`
    : evidenceOf(scene, main);
  const drift = findingsOf(wrong, evidence, 'is being replaced');
  if (effective.holding && roles.previous) return restorePrevious(scene, main, drift);
  if (canPutBack(scene) && (rolloutExpired(scene) || status.failures >= scene.world.settings.failuresBeforePutBack)) {
    return putBack(scene, whyNotReady(scene), drift);
  }
  const tooEarly = unreadableNext(scene) ?? waitForNextTry(scene, drift) ?? proveFirst(scene, main, drift);
  if (tooEarly) return tooEarly;
  return prepareNext(scene, drift, asked) ?? changePlaces(scene, main, drift);
}

/** The user, a followed tag or a restart asked for it, as against somebody's meddling. */
function wasAsked(scene: Scene, main: ObservedWorkload): boolean {
  return (
    main.owner?.generation !== scene.effective.generation ||
    scene.effective.followed !== null ||
    scene.restartAsked ||
    scene.effective.digest !== main.imageDigest ||
    scene.effective.holding
  );
}

/**
 * A workload that has only just been started is let prove itself before it is replaced, so that there is something
 * to go back to.
 */
function proveFirst(scene: Scene, main: ObservedWorkload, drift: readonly DriftFinding[]): Verdict | undefined {
  const { nowMs, settings, earlier } = scene.world;
  if (main.state !== 'running' || earlier === null || matchesGood(scene, main)) return undefined;
  const proof = proven(main, nowMs, settings.settleMs);
  const message = 'is replaced once it has proven itself';
  if (proof.againAtMs !== null) return { verb: 'UP', reason: 'Proving', message, drift, requeueAtMs: proof.againAtMs };
  if (!proof.ready) return undefined;
  const patch = {
    goodGeneration: earlier.generation,
    goodSpec: JSON.stringify(earlier.spec),
    goodDigest: main.imageDigest,
  };
  return { verb: 'UP', reason: 'Proving', message, drift, patch, requeueAtMs: nowMs };
}

/** The put-back: the failed one goes, so that the good one can have its name again. */
function restorePrevious(scene: Scene, main: ObservedWorkload, drift: readonly DriftFinding[]): Verdict {
  const tooEarly = waitForNextTry(scene, drift);
  if (tooEarly) return tooEarly;
  if (isUp(main)) {
    return {
      verb: 'STOP',
      reason: 'PuttingBack',
      message: 'stop the generation that failed',
      step: stopStep(scene, main),
      drift,
    };
  }
  const step = { kind: 'remove', nativeId: main.nativeId } as const;
  return { verb: 'CREATE', reason: 'PuttingBack', message: 'remove the generation that failed', step, drift };
}

/** The replacement comes first: nothing stops before it is there. */
function prepareNext(scene: Scene, drift: readonly DriftFinding[], asked: boolean): Verdict | undefined {
  const { next } = scene.roles;
  if (next && matches(scene, next)) return undefined;
  if (next) {
    const step = { kind: 'remove', nativeId: next.nativeId } as const;
    return {
      verb: 'CREATE',
      reason: 'RemovingLeftover',
      message: `remove ${next.name}, made for another spec`,
      step,
      drift,
    };
  }
  const step = createStep(scene, 'next');
  const verdict: Verdict = {
    verb: 'CREATE',
    reason: 'Replacing',
    message: 'create its replacement',
    step,
    drift,
  };
  const [first] = drift;
  return asked || !first ? verdict : mend(scene, first.field, verdict);
}

/** The old one stops and steps aside, or goes when it never proved itself. */
function changePlaces(scene: Scene, main: ObservedWorkload, drift: readonly DriftFinding[]): Verdict {
  const { roles, world } = scene;
  if (isUp(main)) {
    if (world.waitsFor.length > 0) {
      const message = `runs on as it was until ${world.waitsFor.join(', ')}`;
      return { verb: 'UP', reason: 'WaitsForDependencies', message, drift };
    }
    return {
      verb: 'STOP',
      reason: 'Replacing',
      message: 'stop it, its replacement stands ready',
      step: stopStep(scene, main),
      drift,
    };
  }
  const good = matchesGood(scene, main);
  if (good && !roles.previous) {
    const step = renameStep(main, 'previous');
    return { verb: 'CREATE', reason: 'Replacing', message: 'put the old one aside', step, drift };
  }
  const goes = good && roles.previous ? roles.previous : main;
  const step = { kind: 'remove', nativeId: goes.nativeId } as const;
  return { verb: 'CREATE', reason: 'Replacing', message: `remove ${goes.name}`, step, drift };
}
