/**
 * Runs a scenario in peace, or with one mishap at one effect of the agent: it dies before the effect, it dies right
 * after it, the effect happens and its answer is lost, or the effect is refused. All must come to the same end.
 */
import { messageOf } from '../core/errors.js';
import { census, forgottenFindings, unprovenFindings } from './census.js';
import { demand, demandSame, SimulationFailure } from './demand.js';
import { SimulatedHome, type WorldEffect } from './home.js';
import type { Scenario } from './scenario.js';

export const mishaps = ['dies-before', 'dies-after', 'answer-lost', 'refused'] as const;
export type EffectMishap = (typeof mishaps)[number];

/** What goes wrong in a run, and where. */
export interface PlannedMishap {
  /** Number of the effect, from 1, counted from the beginning of the act. */
  readonly effect: number;
  readonly mishap: EffectMishap;
}

export interface ScenarioRun {
  /** The effects of the act until it had converged, in order. */
  readonly effects: readonly string[];
  readonly trace: readonly string[];
}

export interface ScenarioOptions {
  readonly mishap?: PlannedMishap | null;
  readonly seed?: number;
  readonly trace?: boolean;
  /** See `SimulatedHomeOptions.image`. */
  readonly image?: Uint8Array;
}

/** How long an agent is dead, and how long a stray answer is waited for, in milliseconds. */
const deadMs = 50;
const relistMs = 10_500;
/** Longer than what an agent does at its start, and than a relist. */
const idleMs = 15_000;

interface Mark {
  readonly id: string;
  readonly startedAtMs: number | null;
  readonly starts: number;
}

type Marks = ReadonlyMap<string, Mark>;

/** Each workload with its id and its last start. */
export function marksOf(home: SimulatedHome): Marks {
  return new Map(
    home.host.containers().map(({ name, id, startedAtMs, starts }) => [name, { id, startedAtMs, starts }]),
  );
}

/** Throws SimulationFailure, with the trace if one was wanted. */
export async function runScenario(scenario: Scenario, options: ScenarioOptions = {}): Promise<ScenarioRun> {
  const { seed = 1, trace = false, image } = options;
  const home = await SimulatedHome.open({ seed, trace, ...(image === undefined ? {} : { image }) });
  try {
    const effects = await play(home, scenario, options.mishap ?? null);
    return { effects, trace: home.trace.lines };
  } catch (error) {
    throw new SimulationFailure([messageOf(error), ...home.trace.lines].join('\n'), { cause: error });
  } finally {
    await home.close();
  }
}

async function play(
  home: SimulatedHome,
  scenario: Scenario,
  planned: PlannedMishap | null,
): Promise<readonly string[]> {
  await scenario.prepare(home);
  const before = marksOf(home);
  const effects: string[] = [];
  const carriedOut: string[] = [];
  let hasHappened = false;
  home.onEffect = (effect) => {
    (effect.moment === 'before' ? effects : carriedOut).push(effect.what);
    if (hasHappened || planned?.effect !== effects.length) return;
    if (effect.moment !== momentOf(planned.mishap)) return;
    hasHappened = true;
    bring(home, planned.mishap, effect);
  };
  await scenario.act(home);
  if (planned) {
    await home.clock.runUntil(() => hasHappened, 120_000, { describe: 'the mishap' });
    if (!home.isAlive) {
      await demandProofs(home);
      await home.clock.advance(deadMs);
      await home.start();
    }
  }
  await home.converge();
  home.onEffect = null;
  if (planned === null) {
    const refused = effects.find((what, index) => carriedOut[index] !== what);
    demand(refused === undefined, `in peace something was asked for that is refused: ${refused ?? ''}`);
    await demandTidyLedger(home);
  }
  // What is only tidied up at a relist has had its time.
  await home.clock.advance(relistMs);
  await demandEnd(home, scenario, before);
  if (planned === null || !deadly.has(planned.mishap)) await demandIdleRestart(home);
  return effects;
}

const deadly: ReadonlySet<EffectMishap> = new Set(['dies-before', 'dies-after']);

/** When in an effect a mishap has its place. */
export function momentOf(mishap: EffectMishap): WorldEffect['moment'] {
  return mishap === 'dies-before' || mishap === 'refused' ? 'before' : 'after';
}

/** To be called by `onEffect` at that moment. */
export function bring(home: SimulatedHome, mishap: EffectMishap, effect: WorldEffect): void {
  if (mishap === 'answer-lost') home.loseAnswer(effect);
  else if (mishap === 'refused') home.refuse(effect);
  else home.crashHere(effect);
}

async function demandEnd(home: SimulatedHome, scenario: Scenario, before: Marks): Promise<void> {
  const after = marksOf(home);
  for (const name of scenario.untouched) demandSame(after.get(name), before.get(name), `${name} was to be left alone`);
  const running = home.host.containers().filter(({ state }) => state === 'running');
  demandSame(running.map(({ name }) => name).sort(), [...scenario.running].sort(), 'what runs');
  const machines = [...home.host.machines.all()].map(({ name }) => name);
  demandSame(machines.sort(), [...(scenario.machines ?? [])].sort(), 'what is a machine');
  await scenario.check?.(home);
  const findings = await census(home);
  demand(findings.length === 0, findings.join('\n'));
}

/** Whenever an agent dies, the ledger proves what it leaves behind. */
async function demandProofs(home: SimulatedHome): Promise<void> {
  await home.byUser(() => undefined);
  const unproven = await unprovenFindings(home, false);
  demand(unproven.length === 0, `when the agent died: ${unproven.join('; ')}`);
}

/** In peace nothing waits for a census: what is made is written down with its id, and what is removed is forgotten. */
async function demandTidyLedger(home: SimulatedHome): Promise<void> {
  const findings = [...(await unprovenFindings(home)), ...(await forgottenFindings(home))];
  demand(findings.length === 0, `without a census: ${findings.join('; ')}`);
}

/** An agent that starts again finds nothing to do. */
async function demandIdleRestart(home: SimulatedHome): Promise<void> {
  const before = marksOf(home);
  home.crash();
  await home.start();
  await home.clock.advance(idleMs);
  demandSame([...marksOf(home)], [...before], 'what a restart of the agent leaves alone');
  demandSame(await home.unrest(), '', 'what a restart of the agent leaves at rest');
}
