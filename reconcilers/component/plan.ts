/**
 * The planner of a component: one world in, one verdict out, the first rule that applies wins. It
 * observes first, takes at most one step, and does nothing on ignorance. Pure.
 */
import { planDeleting } from './plan-deleting.js';
import { planRunning } from './plan-running.js';
import { planStopped } from './plan-stopped.js';
import type { Scene } from './scene.js';
import type { Verb, Verdict } from './types.js';
import { evidenceOf, isUp } from './verdicts.js';

/** Decides about one component. */
export function planComponent(scene: Scene): Verdict {
  return unseen(scene) ?? planByWish(scene);
}

/** The only node that there is so far. */
const thisNode = 'local';

/** What cannot be seen, or is not this node's, is not touched. */
function unseen(scene: Scene): Verdict | undefined {
  const { driver, record } = scene.world;
  if (record.service.node !== thisNode) {
    const message = `its service belongs on node "${record.service.node}"; this is "${thisNode}", and leaves it alone`;
    return { verb: 'BLOCK', reason: 'OtherNode', message };
  }
  if (!driver && needsDriver(scene)) {
    const message = `no driver of this node serves runtime "${scene.effective.spec.runtime}"; see: berth doctor`;
    return { verb: 'BLOCK', reason: 'RuntimeUnavailable', message };
  }
  if (!driver || driver.answering) return undefined;
  const seen = driver.lastObserved ? `last seen ${driver.lastObserved}` : 'not seen since the agent started';
  const message = `${seen}; ${driver.error ?? `${driver.name} has not answered yet`}; nothing is done until it answers`;
  return { verb: 'LOSE_SIGHT', reason: 'DriverUnreachable', message, drift: scene.world.record.status.drift };
}

/** What is to go away, or to rest, needs no driver for what it would have become. */
function needsDriver(scene: Scene): boolean {
  const { record } = scene.world;
  return !record.deleting && scene.wantsRunning;
}

function planByWish(scene: Scene): Verdict {
  const { record } = scene.world;
  if (record.deleting) return planDeleting(scene);
  if (record.status.phase === 'deleting') return wantedAgain(scene);
  if (record.invalid !== null) {
    return { verb: 'REJECT', reason: 'InvalidSpec', message: `${record.invalid}; what runs is left alone` };
  }
  const { foreign } = scene.roles;
  if (foreign) {
    const message = `the name ${foreign.name} is held by ${foreign.nativeId.slice(0, 12)}, which this home did not make; rename or remove it, or set a name prefix`;
    return { verb: 'BLOCK', reason: 'NameTaken', message };
  }
  if (record.spec.reconcile === 'ignore') {
    const notMade = neverMade(scene) ? 'not created: ' : '';
    const message = `${notMade}reconcile = "ignore": Berth looks and does nothing`;
    return { verb: restVerb(scene), reason: 'Ignored', message };
  }
  const verdict = scene.wantsRunning ? planRunning(scene) : planStopped(scene);
  return record.spec.reconcile === 'observe' ? watchOnly(scene, verdict) : verdict;
}

/** Its deletion was called off before it was gone: it begins anew with whatever is left of it. */
function wantedAgain(scene: Scene): Verdict {
  const message = 'it is wanted again, before its deletion was done';
  return { verb: 'WAIT', reason: 'WantedAgain', message, requeueAtMs: scene.world.nowMs };
}

/** In `observe` mode a verdict keeps its findings and loses its hands. */
function watchOnly(scene: Scene, verdict: Verdict): Verdict {
  if (verdict.verb !== 'BLOCK' && neverMade(scene)) return held(scene);
  if (!verdict.step && verdict.verb !== 'CONTEST' && verdict.verb !== 'BACK_OFF') return verdict;
  const drift = (verdict.drift ?? []).map((item) => ({ ...item, action: reportedOnly }));
  const would = 'reconcile = "observe": would ';
  // A wait repeats what was said before.
  const message = verdict.message.startsWith(would) ? verdict.message : `${would}${verdict.message}`;
  return { verb: restVerb(scene), reason: 'Observing', message, drift };
}

const reportedOnly = 'reconcile = "observe": reported only';

/** It should run, and no workload of it ever was, nor is one now. */
function neverMade({ wantsRunning, observed, status, roles }: Scene): boolean {
  const { main, next, previous, strays } = roles;
  const none = (main ?? next ?? previous) === undefined && strays.length === 0;
  return wantsRunning && none && observed === 'missing' && status.nativeId === null;
}

/** What would have to be found, built or waited for first does not matter: nothing is on its way. */
function held(scene: Scene): Verdict {
  const message = 'not created: reconcile = "observe" reports and makes nothing';
  const evidence = evidenceOf(scene, undefined);
  const missing = { field: 'state', desired: 'running', observed: 'missing', evidence, action: reportedOnly };
  return { verb: 'DOWN', reason: 'Held', message, drift: [missing] };
}

/** The phase that fits what is seen, when nothing is to be done about it: at rest is also what is not there. */
function restVerb({ roles }: Scene): Verb {
  return roles.main && isUp(roles.main) ? 'UP' : 'DOWN';
}
