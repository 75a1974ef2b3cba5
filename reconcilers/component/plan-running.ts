/** A component that is to run. Pure. */
import type { ObservedWorkload } from '../../src/core/observation.js';
import { createStep, renameStep } from './create-step.js';
import { findingsOf, mend } from './drift.js';
import { planExited } from './plan-exited.js';
import { planReplacement } from './plan-replacement.js';
import { planUp } from './plan-up.js';
import { differencesOf, matches, replacing, type Scene } from './scene.js';
import type { DriftFinding, Step, Verdict } from './types.js';
import { evidenceOf, isUp, stopStep, unreadable, unreadableNext, waitForNextTry } from './verdicts.js';

/** One step towards a running workload that is what its spec says. */
export function planRunning(scene: Scene): Verdict {
  const { main } = scene.roles;
  const { effective, status } = scene;
  const done = status.completedGeneration === effective.generation && !scene.restartAsked;
  if (done && (!main || !isUp(main))) return completed(scene);
  if (effective.digest === null) return resolveImage(scene);
  if ('error' in scene.env) return envUnreadable(scene, scene.env.error);
  return main ? planMain(scene, main) : planMissing(scene);
}

function completed(scene: Scene): Verdict {
  const code = scene.status.exitCode;
  const message = `its program ended${code === null ? '' : ` with exit code ${String(code)}`}, as restart = "${scene.effective.spec.restart}" allows`;
  return { verb: 'COMPLETE', reason: 'Completed', message, patch: { failures: 0, nextTryAtMs: null } };
}

function resolveImage(scene: Scene): Verdict {
  const { spec } = scene.effective;
  const tooEarly = waitForNextTry(scene);
  if (tooEarly) return tooEarly;
  const step: Step = {
    kind: 'resolve-image',
    runtime: spec.runtime,
    reference: spec.image,
    build: spec.build,
    pull: spec.pull,
  };
  const doing = spec.build ? `build ${spec.image}` : `find image ${spec.image}`;
  return { verb: 'BUILD', reason: 'ResolvingImage', message: doing, step };
}

function envUnreadable(scene: Scene, error: string): Verdict {
  const { main } = scene.roles;
  const message = `cannot read ${error}`;
  if (main?.state === 'running') return { verb: 'UP', reason: 'EnvFileUnreadable', message: `runs on; ${message}` };
  return { verb: 'BLOCK', reason: 'EnvFileUnreadable', message };
}

function planMain(scene: Scene, main: NonNullable<Scene['roles']['main']>): Verdict {
  const { next, strays } = scene.roles;
  if (main.config === null) return unreadable(main, 'the runtime does not tell what it was made with');
  // It may well be up: neither it nor a replacement is touched.
  if (main.state === 'unknown') return unreadable(main, 'the runtime does not tell its state');
  if (main.state === 'removing') {
    return {
      verb: 'WAIT',
      reason: 'BeingRemoved',
      message: 'somebody is removing it',
      requeueAtMs: scene.world.nowMs + 500,
    };
  }
  const differences = differencesOf(scene, main);
  const wrong = replacing(scene, differences);
  if (wrong.length > 0) return planReplacement(scene, main, wrong);
  const beside = stopBeside(scene, main);
  if (beside) return beside;
  const [leftover] = [next, ...strays].filter((workload) => workload !== undefined);
  if (leftover && isUp(main)) return removeLeftover(scene, leftover.nativeId, leftover.name, differences);
  return isUp(main) ? planUp(scene, main, differences) : planExited(scene, main);
}

/** Two never run at once: what somebody started beside the main workload stops before that is started, or goes on. */
function stopBeside(scene: Scene, main: ObservedWorkload): Verdict | undefined {
  const { next, previous, strays } = scene.roles;
  const others = isUp(main) ? [previous] : [previous, next, ...strays];
  const other = others.find((workload) => workload !== undefined && isUp(workload));
  if (!other) return undefined;
  const { nowMs } = scene.world;
  if (other.state === 'stopping') {
    const message = `waits until ${other.name} has stopped`;
    return { verb: 'WAIT', reason: 'BeingStopped', message, requeueAtMs: nowMs + 500 };
  }
  const message = `stop ${other.name}, which runs in its place`;
  const verdict: Verdict = { verb: 'STOP', reason: 'StoppingOther', message, step: stopStep(scene, other) };
  return waitForNextTry(scene) ?? mend(scene, 'state', verdict);
}

function removeLeftover(
  scene: Scene,
  nativeId: string,
  name: string,
  differences: Parameters<typeof findingsOf>[0],
): Verdict {
  return (
    waitForNextTry(scene) ?? {
      verb: 'UP',
      reason: 'RemovingLeftover',
      message: `remove ${name}, which is not needed any more`,
      step: { kind: 'remove', nativeId },
      drift: findingsOf(differences, evidenceOf(scene, scene.roles.main), 'is being put back'),
    }
  );
}

/** No workload bears the main name: take one that can, else make one. */
function planMissing(scene: Scene): Verdict {
  const { next, previous, strays } = scene.roles;
  const tooEarly = unreadableNext(scene) ?? waitForNextTry(scene, missingDrift(scene));
  if (tooEarly) return tooEarly;
  if (next && !matches(scene, next)) return remove(next.nativeId, `remove ${next.name}, made for another spec`);
  const candidate = [next, previous].find(
    (workload) => workload && (matches(scene, workload) || (scene.effective.holding && workload === previous)),
  );
  if (candidate) return takeName(candidate);
  const [stray] = strays;
  if (stray) return renamedByHand(scene, stray);
  const drift = missingDrift(scene);
  const verdict: Verdict = {
    verb: 'CREATE',
    reason: 'Creating',
    message: 'create its workload',
    step: createStep(scene, 'main'),
    drift,
  };
  return drift.length > 0 ? mend(scene, 'state', verdict) : verdict;
}

function remove(nativeId: string, message: string): Verdict {
  return { verb: 'CREATE', reason: 'RemovingLeftover', message, step: { kind: 'remove', nativeId } };
}

function takeName(workload: ObservedWorkload): Verdict {
  return {
    verb: 'CREATE',
    reason: 'Renaming',
    message: `give ${workload.name} its place`,
    step: renameStep(workload, 'main'),
  };
}

function renamedByHand(scene: Scene, stray: ObservedWorkload): Verdict {
  const finding: DriftFinding = {
    field: 'name',
    desired: `${scene.world.namePrefix}${scene.world.record.workload}`,
    observed: stray.name,
    evidence: evidenceOf(scene, undefined),
    action: 'gets its name back',
  };
  return mend(scene, 'name', { ...takeName(stray), drift: [finding] });
}

function missingDrift(scene: Scene): readonly DriftFinding[] {
  const { status, roles } = scene;
  if (status.nativeId === null || roles.next || roles.previous || roles.strays.length > 0) return [];
  const action = 'is being created again';
  return [{ field: 'state', desired: 'running', observed: 'missing', evidence: evidenceOf(scene, undefined), action }];
}
