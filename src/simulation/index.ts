/** Runs simulations for people: storms of seeds, sweeps of scenarios, storms that were kept. */
import { BerthError, messageOf } from '../core/errors.js';
import { readSchedule } from './read-schedule.js';
import { scheduleOf, wordsOfGust, type Schedule } from './schedule.js';
import { scenarios } from './scenarios.js';
import type { Scenario } from './scenario.js';
import { shrink } from './shrink.js';
import { makeRegistryImage } from './registry-image.js';
import { rideStorm, type StormOptions } from './storm.js';
import { mishaps, runScenario, type ScenarioOptions } from './sweep.js';

export interface SimulationRequest {
  /** The first seed. */
  readonly seed: number;
  /** How many seeds. */
  readonly storms: number;
  /** Name of a scenario to sweep instead; `all` for each. */
  readonly scenario: string | null;
  /** Text of a schedule (JSON) to ride instead. */
  readonly schedule: string | null;
  /** Keep traces. */
  readonly trace: boolean;
}

/** One run, or one sweep of a scenario. */
export interface SimulationRun {
  readonly name: string;
  /** null: all held. */
  readonly failure: string | null;
  /** Of a storm that failed: the shortest one found that fails alike, to be kept and ridden again. */
  readonly schedule: unknown;
  /** What happened in it, in words; of a storm. */
  readonly gusts: readonly string[];
  readonly trace: readonly string[];
  /** Acts of the agents: writes of a status, and calls that change something. */
  readonly steps: number;
  /** Of a sweep: how many mishaps were tried. */
  readonly mishaps: number;
}

/** The names that `scenario` takes. */
export function scenarioNames(): readonly string[] {
  return scenarios.map(({ name }) => name);
}

/**
 * Runs what is asked for, one after the other, and hands over each as it ends. E_NOT_FOUND for a scenario that there
 * is not, E_DEFINITION for a schedule that is none.
 */
export async function* simulate(request: SimulationRequest): AsyncGenerator<SimulationRun> {
  const options = { trace: request.trace, image: await makeRegistryImage() };
  if (request.schedule !== null) {
    yield await storm('the schedule', readSchedule(request.schedule), options, false);
    return;
  }
  if (request.scenario !== null) {
    for (const scenario of scenariosOf(request.scenario))
      yield await sweep(scenario, { ...options, seed: request.seed });
    return;
  }
  for (let seed = request.seed; seed < request.seed + request.storms; seed += 1) {
    yield await storm(`storm of seed ${String(seed)}`, scheduleOf(seed), options, true);
  }
}

function scenariosOf(name: string): readonly Scenario[] {
  if (name === 'all') return scenarios;
  const found = scenarios.filter((scenario) => scenario.name === name);
  if (found.length > 0) return found;
  throw new BerthError('E_NOT_FOUND', `there is no scenario "${name}"`, {
    suggestion: `there are: ${scenarioNames().join('; ')}`,
  });
}

async function storm(
  name: string,
  schedule: Schedule,
  options: StormOptions,
  mayShrink: boolean,
): Promise<SimulationRun> {
  const first = await rideStorm(schedule, options);
  const failed = first.failure !== null && mayShrink ? await shrink(first, { ...options, trace: false }) : first;
  // While it was shrunk nothing was traced.
  const result = failed.failure !== null ? await rideStorm(failed.schedule, { ...options, trace: true }) : first;
  return {
    name,
    failure: result.failure,
    schedule: result.failure === null ? null : result.schedule,
    gusts: result.schedule.gusts.map(wordsOfGust),
    trace: result.trace,
    steps: first.steps,
    mishaps: 0,
  };
}

async function sweep(scenario: Scenario, options: ScenarioOptions): Promise<SimulationRun> {
  const lines: string[] = [];
  let tried = 0;
  let failure: string | null = null;
  try {
    const peace = await runScenario(scenario, options);
    lines.push(...peace.trace);
    for (const [index, what] of peace.effects.entries()) {
      for (const mishap of mishaps) {
        tried += 1;
        failure = `${mishap} at effect ${String(index + 1)} of ${String(peace.effects.length)}, ${what}`;
        await runScenario(scenario, { ...options, trace: true, mishap: { effect: index + 1, mishap } });
      }
    }
    failure = null;
  } catch (error) {
    failure = `${failure ?? 'in peace'}: ${messageOf(error)}`;
  }
  const { name } = scenario;
  return { name, failure, schedule: null, gusts: [], trace: lines, steps: 0, mishaps: tried };
}
