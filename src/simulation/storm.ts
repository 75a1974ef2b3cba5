/**
 * Rides a storm: people interfere, the spec changes, calls fail, events get lost, the disk fails, the runtime goes
 * away, the agent dies and comes back. Safety is demanded all the time; when the storm is over everything must come
 * to rest as specified, within `calmMs`, and stay so.
 */
import { messageOf } from '../core/errors.js';
import { effectiveLimits } from '../core/spec.js';
import { census } from './census.js';
import { demand, demandSame } from './demand.js';
import { SimulatedHome } from './home.js';
import { noLatencies, podmanLatencies } from '../runtimes/simulated/index.js';
import { wordsOfGust, type Schedule } from './schedule.js';
import { StormHand } from './storm-hand.js';
import { marksOf } from './sweep.js';

/** How long it may take until all has come to rest: the longest backoff and the longest clock jump after the storm. */
export const calmMs = 7_200_000;
/** Longer than the time between two full passes. */
const stillMs = 330_000;

export interface StormResult {
  readonly schedule: Schedule;
  /** What did not hold; null: all did. */
  readonly failure: string | null;
  readonly trace: readonly string[];
  /** Virtual milliseconds from the end of the storm until rest. */
  readonly convergedMs: number | null;
  readonly looks: number;
  readonly steps: number;
}

export interface StormOptions {
  /** Keep a trace. Default: false. */
  readonly trace?: boolean;
  /** See `SimulatedHomeOptions.image`. */
  readonly image?: Uint8Array;
}

/** Never rejects for what the simulated home does: that is its result. */
export async function rideStorm(schedule: Schedule, options: StormOptions = {}): Promise<StormResult> {
  const home = await SimulatedHome.open({
    seed: schedule.seed,
    storage: schedule.storage,
    latencies: schedule.isSlow ? podmanLatencies : noLatencies,
    ...options,
  });
  let failure: string | null = null;
  let convergedMs: number | null = null;
  try {
    convergedMs = await ride(home, schedule);
  } catch (error) {
    failure = messageOf(error);
    home.tell('failure', failure);
  }
  await home.close();
  const { look: looks, step: steps } = home.counts;
  return { schedule, failure, trace: home.trace.lines, convergedMs, looks, steps };
}

/** The first words of a failure, without what differs from run to run: shrinking keeps to it. */
export function kindOfFailure(failure: string): string {
  return failure
    .slice(0, 60)
    .replaceAll(/[0-9a-f]{8,}|\d+/g, '#')
    .split(':')
    .slice(0, 2)
    .join(':');
}

async function ride(home: SimulatedHome, schedule: Schedule): Promise<number> {
  const hand = new StormHand(home);
  await hand.begin(schedule.beginsInCalm);
  for (const gust of schedule.gusts) {
    home.tell('storm', wordsOfGust(gust));
    await hand.perform(gust.act);
    await home.clock.advance(gust.calmMs);
    await hand.demandSafety();
  }
  const endedMs = home.clock.monotonic();
  await hand.endStorm();
  await home.converge(calmMs);
  const convergedMs = home.clock.monotonic() - endedMs;
  await hand.demandSafety();
  await demandRest(home, hand);
  await demandStillness(home);
  await demandHistory(home);
  return convergedMs;
}

/** Everything is as the registry wants it, and nothing else is there. */
async function demandRest(home: SimulatedHome, hand: StormHand): Promise<void> {
  const findings = await census(home);
  demand(findings.length === 0, findings.join('; '));
  for (const record of await home.registry.components()) {
    const { workload, spec, desired, status } = record;
    const container = home.host.containers().find(({ name }) => name === workload);
    demandSame(container?.state === 'running', desired === 'running', `whether ${workload} runs`);
    if (!container || desired !== 'running') continue;
    // A generation that does not stay up is given up, and its last good one runs.
    if (status.failedGeneration === record.generation) continue;
    demandSame(container.spec.env['TURN'], spec.env['TURN'], `environment of ${workload}`);
    demandSame(container.spec.runtime, spec.runtime, `runtime of ${workload}`);
    demandSame(container.memoryMb, effectiveLimits(spec).memoryMb, `memory of ${workload}`);
  }
  hand.demandBystanders();
}

/** No storm lasts as long as the shortest retention: whatever its clock said, nothing is forgotten. */
async function demandHistory(home: SimulatedHome): Promise<void> {
  demandSame((await home.registry.feed(0, 1)).kind, 'changes', 'what the feed answers to whoever saw nothing yet');
}

/** Left in peace, and with an agent that starts again, nothing is done any more. */
async function demandStillness(home: SimulatedHome): Promise<void> {
  const before = [...marksOf(home)];
  home.crash();
  await home.start();
  await home.clock.advance(stillMs);
  demandSame([...marksOf(home)], before, 'what stays as it is when nothing happens');
  demandSame(await home.unrest(), '', 'what stays at rest when nothing happens');
}
