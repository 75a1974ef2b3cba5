/** From a world to a decision: the planner's verdict, taken through the machine, made into a status. Pure. */
import type { EventReason, NewEvent } from '../../src/core/event.js';
import { sameStatus, type ComponentStatus } from '../../src/core/status.js';
import { driftEvents, movedTag, stampDrift } from './drift.js';
import { turn } from './machine.js';
import { pinPatch } from './create-step.js';
import { planComponent } from './plan.js';
import { readiness } from './readiness.js';
import { readScene, standIn, type Scene } from './scene.js';
import type { Decision, DriftFinding, Verdict, World } from './types.js';
import { eventOf } from './verdicts.js';

/** Decides about one component: the new status, what explains it, and at most one step. */
export function decide(world: World): Decision {
  const scene = readScene(world);
  const verdict = planComponent(scene);
  const before = world.record.status;
  const move = turn(before.phase, { type: verdict.verb, step: verdict.step ?? null });
  const status = statusOf(scene, verdict, move.phase);
  const changed = !sameStatus(status, before);
  return {
    status: changed ? status : before,
    changed,
    events: changed ? eventsOf(scene, verdict, status) : [],
    step: move.step,
    requeueAtMs: verdict.requeueAtMs ?? null,
    irregular: move.irregular ? `${before.phase} does not understand ${verdict.verb}` : null,
  };
}

function statusOf(scene: Scene, verdict: Verdict, phase: ComponentStatus['phase']): ComponentStatus {
  const { world, status, effective, roles } = scene;
  const { record, nowMs } = world;
  const workload = world.driver?.answering ? standIn(roles) : undefined;
  const seen = workload
    ? {
        nativeId: workload.nativeId,
        startedAtMs: workload.startedAtMs,
        exitCode: workload.state === 'exited' ? workload.exitCode : (workload.exitCode ?? status.exitCode),
        ready: workload === roles.main && readiness(workload).ready,
      }
    : { ready: false };
  if (verdict.verb === 'LOSE_SIGHT') return unseenStatus(scene, verdict, phase);
  const moved = record.generation !== status.observedGeneration;
  return {
    ...status,
    ...(moved ? { restarts: 0 } : {}),
    ...(effective.followed === null ? {} : { failedGeneration: null }),
    ...seen,
    ...(effective.holding || effective.digest === null || !world.driver?.answering ? {} : pinPatch(scene)),
    phase,
    observed: scene.observed,
    observedGeneration: record.generation,
    observedRevision: record.revision,
    reason: verdict.reason,
    message: verdict.message,
    drift: stampDrift(findingsOfAll(scene, verdict), record.status.drift, nowMs),
    ...verdict.patch,
    updatedAtMs: nowMs,
  };
}

/** What the planner found, what still stands from before, and whether the image's tag has moved meanwhile. */
function findingsOfAll(scene: Scene, verdict: Verdict): readonly DriftFinding[] {
  const found = [...(verdict.drift ?? []), ...standing(scene, verdict)];
  const silent = !scene.wantsRunning || scene.world.record.spec.reconcile === 'ignore' || verdict.verb === 'DELETE';
  if (silent || found.some((item) => item.field === 'image')) return found;
  return [...found, ...movedTag(scene)];
}

/** Verbs of a replacement that is under way. */
const underWay: readonly Verdict['verb'][] = ['CREATE', 'START', 'STOP', 'WAIT', 'BACK_OFF'];

/** While a replacement is under way, what it mends is not mended yet, whatever stands in its place. */
function standing(scene: Scene, verdict: Verdict): readonly DriftFinding[] {
  const { roles, world } = scene;
  if (!scene.wantsRunning || !underWay.includes(verdict.verb) || !(roles.next ?? roles.previous)) return [];
  const found = new Set((verdict.drift ?? []).map((item) => item.field));
  return world.record.status.drift.filter((item) => !found.has(item.field) && item.field !== 'image');
}

/** What is not seen is not decided upon: what the user edited meanwhile stays to be looked at. */
function unseenStatus(scene: Scene, verdict: Verdict, phase: ComponentStatus['phase']): ComponentStatus {
  const { record, nowMs } = scene.world;
  const { reason, message } = verdict;
  return {
    ...record.status,
    rolloutStartedAtMs: null,
    phase,
    reason,
    message,
    observed: 'unknown',
    ready: false,
    updatedAtMs: nowMs,
  };
}

/** Phases whose coming is news by itself; the others show in the events of steps and drift. */
const told: Partial<
  Record<ComponentStatus['phase'], { readonly reason: EventReason; readonly severity: NewEvent['severity'] }>
> = {
  blocked: { reason: 'Blocked', severity: 'error' },
  invalid: { reason: 'Invalid', severity: 'error' },
  unknown: { reason: 'Unknown', severity: 'warning' },
  contested: { reason: 'Contested', severity: 'error' },
  backoff: { reason: 'BackOff', severity: 'warning' },
};

function eventsOf(scene: Scene, verdict: Verdict, after: ComponentStatus): readonly NewEvent[] {
  const before = scene.world.record.status;
  const events: NewEvent[] = [...driftEvents(scene, before.drift, after.drift), ...(verdict.events ?? [])];
  const { followed, generation } = scene.effective;
  if (followed !== null && before.imageDigest !== after.imageDigest) {
    events.push(
      eventOf(scene, 'info', 'ImageFollowed', `the tag names ${followed} now; followed, as update = "auto" says`),
    );
  }
  if (before.observedGeneration !== 0 && before.observedGeneration !== generation && !scene.effective.holding) {
    events.push(
      eventOf(
        scene,
        'info',
        'SpecChanged',
        `generation ${String(generation)} takes the place of ${String(before.observedGeneration)}`,
      ),
    );
  }
  const news = told[after.phase];
  if (news && (before.phase !== after.phase || before.reason !== after.reason)) {
    events.push(eventOf(scene, news.severity, news.reason, after.message));
  }
  if (before.phase === 'unknown' && after.phase !== 'unknown') {
    events.push(
      eventOf(
        scene,
        'info',
        'SeenAgain',
        `${scene.world.driver?.name ?? 'the runtime'} answers again; observed ${after.observed}`,
      ),
    );
  }
  return events;
}
