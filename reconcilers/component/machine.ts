/**
 * The life of a component as a state machine: its states are the phases, its events the verbs of the
 * planner. It is used as a pure function of phase and event: the phase in the registry is the state, no
 * actor lives between two decisions, and a restarted agent goes on from the row.
 * Acting states perform the step that their event carries; the others never touch the world.
 */
import { setup } from 'xstate';
import { phases, type Phase } from '../../src/core/status.js';
import { verbs, type Step, type Verb } from './types.js';

/** The phase that each verb leads to. */
export const phaseOf: Readonly<Record<Verb, Phase>> = {
  WAIT: 'pending',
  BLOCK: 'blocked',
  REJECT: 'invalid',
  LOSE_SIGHT: 'unknown',
  BUILD: 'building',
  CREATE: 'creating',
  START: 'starting',
  UP: 'running',
  STOP: 'stopping',
  DOWN: 'stopped',
  COMPLETE: 'completed',
  BACK_OFF: 'backoff',
  GIVE_UP: 'failed',
  CONTEST: 'contested',
  DELETE: 'deleting',
};

/**
 * Why a phase understands a verb. `usual`: the course of a life that nobody disturbs; `always`: what may come
 * over a component in any phase; `surprise`: the world changed by another hand, or while nobody looked, so
 * that the next look finds something else than the last step led to.
 */
export type TransitionKind = 'usual' | 'always' | 'surprise';

/** What may come over a component in any phase. */
const always: readonly Verb[] = ['REJECT', 'LOSE_SIGHT', 'BLOCK', 'DELETE'];

/** The course of a life that nobody disturbs, but for what its own program and its user do. */
const usual: Readonly<Record<Phase, readonly Verb[]>> = {
  pending: ['WAIT', 'GIVE_UP', 'COMPLETE', 'BUILD', 'CREATE', 'START', 'UP', 'DOWN'],
  building: ['BUILD', 'CREATE', 'START', 'UP', 'WAIT', 'BACK_OFF', 'DOWN', 'COMPLETE', 'STOP'],
  creating: ['CREATE', 'START', 'WAIT', 'UP', 'BACK_OFF', 'DOWN', 'STOP', 'COMPLETE'],
  starting: ['START', 'UP', 'COMPLETE', 'BACK_OFF', 'GIVE_UP', 'STOP', 'CREATE', 'BUILD', 'WAIT'],
  running: ['UP', 'WAIT', 'BUILD', 'CREATE', 'START', 'STOP', 'COMPLETE', 'BACK_OFF', 'CONTEST', 'GIVE_UP', 'DOWN'],
  stopping: ['STOP', 'COMPLETE', 'DOWN', 'CREATE', 'START', 'WAIT', 'BACK_OFF'],
  stopped: ['DOWN', 'BUILD', 'CREATE', 'START', 'WAIT', 'COMPLETE'],
  completed: ['COMPLETE', 'BUILD', 'CREATE', 'START', 'DOWN', 'WAIT'],
  backoff: ['BACK_OFF', 'BUILD', 'CREATE', 'START', 'STOP', 'UP', 'GIVE_UP', 'DOWN', 'WAIT', 'COMPLETE'],
  failed: ['GIVE_UP', 'STOP', 'CREATE', 'START', 'BUILD', 'BACK_OFF', 'DOWN', 'UP', 'COMPLETE'],
  contested: ['CONTEST', 'UP', 'BUILD', 'CREATE', 'START', 'STOP'],
  blocked: ['BUILD', 'CREATE', 'START'],
  invalid: [],
  unknown: [],
  deleting: ['WAIT'],
};

/**
 * What no world leads to, so that it would be a defect. An image is resolved for a spec that is new, and what was
 * learned of the old one (that it was given up, that a field is contested) is void then. Who rests or has done its work
 * has no failures behind it, so the next end of its program is answered at once.
 */
const never: Partial<Readonly<Record<Phase, readonly Verb[]>>> = {
  building: ['GIVE_UP', 'CONTEST'],
  stopped: ['BACK_OFF'],
  completed: ['BACK_OFF'],
};

/** Why a phase understands a verb; undefined: it does not. Nothing leads from `deleting` back to life but `pending`. */
export function kindOf(phase: Phase, verb: Verb): TransitionKind | undefined {
  if (phase === 'deleting' && verb === 'REJECT') return undefined;
  if (always.includes(verb)) return 'always';
  if (usual[phase].includes(verb)) return 'usual';
  return phase === 'deleting' || never[phase]?.includes(verb) === true ? undefined : 'surprise';
}

/** Phases that perform a step on entry. */
export const actingPhases: readonly Phase[] = ['building', 'creating', 'starting', 'running', 'stopping', 'deleting'];

export type ComponentMachineEvent = { readonly type: Verb; readonly step: Step | null };

const blueprint = setup({
  types: { events: {} as ComponentMachineEvent },
  actions: {
    /** Hands the event's step to whoever drives the machine. */
    perform: (_, params: { readonly step: Step | null }) => params,
  },
});

const performStep = {
  type: 'perform',
  params: ({ event }: { readonly event: ComponentMachineEvent }) => ({ step: event.step }),
} as const;

function stateOf(phase: Phase) {
  return {
    ...(actingPhases.includes(phase) ? { entry: performStep } : {}),
    on: Object.fromEntries(
      verbs.flatMap((verb) => {
        const description = kindOf(phase, verb);
        return description ? [[verb, { target: phaseOf[verb], reenter: true, description }]] : [];
      }),
    ),
  };
}

/** The machine itself; also the source of the diagram in docs/architecture.md. */
export const componentMachine = blueprint.createMachine({
  id: 'component',
  initial: 'pending',
  states: Object.fromEntries(phases.map((phase) => [phase, stateOf(phase)])),
});

/** What one event does in a phase: the next phase, and the step to perform, if any. */
export interface Turn {
  readonly phase: Phase;
  readonly step: Step | null;
  /** The phase had no such transition; it was taken by way of `pending`. */
  readonly irregular: boolean;
}

/**
 * Takes one event in a phase, purely. It is read off the machine's own definition, which has neither context nor guards:
 * XState's `transition` says the same (a test compares them for each phase and verb), but makes an actor each time,
 * which takes longer than all the rest of a decision.
 */
export function turn(from: Phase, { type, step }: ComponentMachineEvent): Turn {
  const irregular = kindOf(from, type) === undefined;
  const [taken] = componentMachine.states[irregular ? 'pending' : from]?.on[type] ?? [];
  const [target] = taken?.target ?? [];
  if (!target) throw new Error(`${from} leads nowhere by ${type}`);
  const performs = target.entry.some((action) => typeof action === 'object' && action.type === performStep.type);
  return { phase: target.key as Phase, step: performs ? step : null, irregular };
}
