/**
 * Directed worlds for the component machine: ways to bring a component into each phase, and hands that make the next
 * decision come down to each verb. All of it goes through the product's own planner; no status is made up.
 */
import type { Verb } from '../../reconcilers/component/types.js';
import type { Phase } from '../../src/core/status.js';
import type { ToyComponent, ToyWorkload } from '../support/toy-component.js';
import { completed, endMain, fought, proven, revive, stopped } from './component-pasts.js';

type Act = (toy: ToyComponent) => void;

/** Leads from any phase into `phase`, if the past allows it. */
export interface PhaseWay {
  readonly name: string;
  readonly phase: Phase;
  readonly lead: Act;
}

/** Makes the next decision come down to `verb`, if past and phase allow it. */
export interface VerbWay {
  readonly name: string;
  readonly verb: Verb;
  readonly force: Act;
}

/** What the component has, or what one like it had that ran well. */
function ownWorkloads(toy: ToyComponent): readonly ToyWorkload[] {
  if (toy.main) return toy.workloads;
  return proven().workloads.map((item) => ({ ...item, nativeId: 'again' }));
}

const lookAt =
  (state: ToyWorkload['state']): Act =>
  (toy) => {
    toy.workloads = ownWorkloads(toy).map((item) => ({ ...item }));
    if (toy.main) toy.main.state = state;
  };

/** One decision in a world that is as it was again afterwards. */
function glance(toy: ToyComponent, change: Act, back: Act): void {
  change(toy);
  toy.turn();
  back(toy);
}

function takeName(toy: ToyComponent): void {
  const [own] = ownWorkloads(toy);
  if (own) toy.workloads = [{ ...own, nativeId: 'theirs', owner: null, state: 'running' }];
}

function blocked(toy: ToyComponent): void {
  const { workloads } = toy;
  takeName(toy);
  toy.turn();
  toy.workloads = workloads;
}

function unknown(toy: ToyComponent): void {
  glance(
    toy,
    () => (toy.answering = false),
    () => (toy.answering = true),
  );
}

function invalid(toy: ToyComponent): void {
  glance(
    toy,
    () => (toy.record.invalid = 'another component took its port'),
    () => (toy.record.invalid = null),
  );
}

/** A decision whose step is never taken: the agent dies. */
const diesAfter =
  (change: Act): Act =>
  (toy) => {
    change(toy);
    toy.turn('crash-before-step');
  };

function beingStoppedForEver(toy: ToyComponent): void {
  lookAt('stopping')(toy);
  toy.turn();
  toy.nowMs += 30_000;
}

function restartAsked(toy: ToyComponent): void {
  lookAt('running')(toy);
  toy.edit(undefined, { restartToken: toy.record.restartToken + 1 });
}

function meddle(toy: ToyComponent): void {
  lookAt('running')(toy);
  if (toy.main) toy.main.memoryMb = 16;
}

function edited(toy: ToyComponent): void {
  toy.edit({ env: { B: '2' } });
}

/** The time of the next try has come. */
function waited(toy: ToyComponent): void {
  toy.nowMs = Math.max(toy.nowMs, toy.status.nextTryAtMs ?? 0);
}

function nothingLeft(toy: ToyComponent): void {
  toy.workloads = [];
}

export const phaseWays: readonly PhaseWay[] = [
  { name: 'nobody looked yet, or as it is', phase: 'pending', lead: () => undefined },
  { name: 'somebody removes it', phase: 'pending', lead: (toy) => glance(toy, lookAt('removing'), lookAt('running')) },
  { name: 'its name is taken', phase: 'blocked', lead: blocked },
  { name: 'a rule is broken', phase: 'invalid', lead: invalid },
  { name: 'the driver hangs', phase: 'unknown', lead: unknown },
  {
    name: 'another image, and back',
    phase: 'building',
    lead: (toy) => {
      const { image } = toy.record.spec;
      diesAfter(() => toy.edit({ image: 'localhost/web:3' }))(toy);
      toy.edit({ image });
    },
  },
  { name: 'another image', phase: 'building', lead: diesAfter((toy) => toy.edit({ image: 'localhost/web:3' })) },
  { name: 'at first', phase: 'building', lead: diesAfter(() => undefined) },
  { name: 'it is gone', phase: 'creating', lead: diesAfter(nothingLeft) },
  { name: 'it never ran', phase: 'starting', lead: diesAfter(lookAt('created')) },
  { name: 'it is right', phase: 'running', lead: (toy) => glance(toy, lookAt('running'), () => undefined) },
  { name: 'somebody meddles with its limits', phase: 'running', lead: (toy) => glance(toy, meddle, () => undefined) },
  { name: 'it never ends stopping', phase: 'stopping', lead: diesAfter(beingStoppedForEver) },
  { name: 'a restart was asked for', phase: 'stopping', lead: diesAfter(restartAsked) },
  { name: 'it is to stop', phase: 'stopped', lead: (toy) => void stopped(toy) },
  { name: 'as it is', phase: 'stopped', lead: () => undefined },
  { name: 'its program has done its work', phase: 'completed', lead: (toy) => void completed(toy) },
  { name: 'as it is', phase: 'completed', lead: () => undefined },
  {
    name: 'it crashed again',
    phase: 'backoff',
    lead: (toy) =>
      glance(
        toy,
        (one) => endMain(one, 1),
        () => undefined,
      ),
  },
  { name: 'as it is', phase: 'backoff', lead: () => undefined },
  { name: 'as it is', phase: 'failed', lead: (toy) => toy.settle() },
  { name: 'somebody pauses it', phase: 'contested', lead: (toy) => void fought(toy, 1) },
  {
    name: 'it is deleted',
    phase: 'deleting',
    lead: (toy) => {
      toy.edit(undefined, { deleting: true });
      toy.turn('crash-before-step');
    },
  },
];

function wanted(toy: ToyComponent): void {
  toy.edit(undefined, { desired: 'running', deleting: false });
}

const together =
  (...acts: readonly Act[]): Act =>
  (toy) => {
    for (const act of acts) act(toy);
  };

/** A run that began after what the status tells of. */
function ranAgain(exitCode: number): Act {
  return (toy) => {
    lookAt('running')(toy);
    toy.nowMs += 10;
    if (toy.main) toy.main.startedAtMs = toy.nowMs - 5;
    endMain(toy, exitCode);
  };
}

export const verbWays: readonly VerbWay[] = [
  { name: 'somebody removes it', verb: 'WAIT', force: lookAt('removing') },
  { name: 'and it is wanted', verb: 'WAIT', force: together(wanted, lookAt('removing')) },
  { name: 'it is edited while somebody removes it', verb: 'WAIT', force: together(edited, lookAt('removing')) },
  { name: 'its name is taken', verb: 'BLOCK', force: takeName },
  {
    name: 'its service is moved to another node',
    verb: 'BLOCK',
    force: (toy) => toy.edit(undefined, { service: { ...toy.record.service, node: 'node-2' } }),
  },
  {
    name: 'a rule is broken',
    verb: 'REJECT',
    force: (toy) => toy.edit(undefined, { invalid: 'a rule is broken', deleting: false }),
  },
  { name: 'the driver hangs', verb: 'LOSE_SIGHT', force: (toy) => (toy.answering = false) },
  { name: 'another image', verb: 'BUILD', force: together(wanted, (toy) => toy.edit({ image: 'localhost/web:4' })) },
  { name: 'it is gone', verb: 'CREATE', force: nothingLeft },
  { name: 'it is gone, and wanted', verb: 'CREATE', force: together(wanted, nothingLeft) },
  { name: 'it is edited', verb: 'CREATE', force: together(wanted, edited) },
  { name: 'it never ran', verb: 'START', force: lookAt('created') },
  { name: 'it never ran, and is wanted', verb: 'START', force: together(wanted, lookAt('created')) },
  { name: 'somebody pauses it', verb: 'START', force: together(wanted, lookAt('paused')) },
  { name: 'it is right', verb: 'UP', force: lookAt('running') },
  { name: 'it is right, and wanted', verb: 'UP', force: together(wanted, lookAt('running')) },
  { name: 'its limits are meddled with', verb: 'UP', force: meddle },
  {
    name: 'what is meant to be is edited',
    verb: 'UP',
    force: together(wanted, (toy) => toy.edit({ image: 'localhost/web:1' }), lookAt('running')),
  },
  { name: 'a restart is asked for', verb: 'STOP', force: together(wanted, restartAsked) },
  {
    name: 'it is to stop',
    verb: 'STOP',
    force: together(lookAt('running'), (toy) => toy.edit(undefined, { desired: 'stopped', deleting: false })),
  },
  {
    name: 'it is to stop, and is gone',
    verb: 'DOWN',
    force: together(nothingLeft, (toy) => toy.edit(undefined, { desired: 'stopped', deleting: false })),
  },
  { name: 'it ended well', verb: 'COMPLETE', force: ranAgain(0) },
  { name: 'it ended well, and is wanted', verb: 'COMPLETE', force: together(wanted, ranAgain(0)) },
  { name: 'nothing happens', verb: 'COMPLETE', force: () => undefined },
  { name: 'it crashed again', verb: 'BACK_OFF', force: ranAgain(1) },
  { name: 'nothing happens', verb: 'BACK_OFF', force: () => undefined },
  { name: 'the good one runs', verb: 'GIVE_UP', force: lookAt('running') },
  { name: 'the good one runs, and is wanted', verb: 'GIVE_UP', force: together(wanted, lookAt('running')) },
  { name: 'nothing happens', verb: 'GIVE_UP', force: () => undefined },
  { name: 'somebody pauses it again', verb: 'CONTEST', force: lookAt('paused') },
  { name: 'somebody pauses it when its time has come', verb: 'CONTEST', force: together(waited, lookAt('paused')) },
  { name: 'somebody starts it again', verb: 'CONTEST', force: revive },
  { name: 'it is deleted', verb: 'DELETE', force: (toy) => toy.edit(undefined, { deleting: true }) },
];
