/** `berth sim` */
import { BerthError } from '../../core/errors.js';
import type { SimulationRun } from '../deps.js';
import type { CommandRun, Invocation } from '../invocation.js';

/** Runs simulations, one after the other. Exit 1 when something did not hold. */
export const run: CommandRun = async (invocation) => {
  const { options, deps } = invocation;
  if (options.flag('list')) return list(invocation);
  const schedule = options.text('schedule');
  const scenario = options.text('scenario');
  if (schedule !== null && scenario !== null) {
    throw new BerthError('E_USAGE', '--schedule and --scenario exclude each other');
  }
  const runs = deps.simulation.run({
    seed: options.count('seed', 0) ?? 1,
    storms: options.count('storms', 1) ?? 1,
    scenario,
    schedule: schedule === null ? null : invocation.path(schedule),
    trace: options.flag('trace'),
  });
  const { signal } = invocation.untilInterrupted();
  const done: SimulationRun[] = [];
  for await (const one of runs) {
    done.push(one);
    if (!invocation.json) print(invocation, one);
    if (signal.aborted) break;
  }
  if (invocation.json) invocation.printJson(done);
  return done.some(({ failure }) => failure !== null) ? 1 : 0;
};

async function list(invocation: Invocation): Promise<number> {
  const names = await invocation.deps.simulation.names();
  if (invocation.json) invocation.printJson(names);
  else for (const name of names) invocation.print(name);
  return 0;
}

function print(invocation: Invocation, one: SimulationRun): void {
  for (const line of one.trace) invocation.print(line);
  const size = one.mishaps > 0 ? `${one.mishaps} mishaps` : `${one.gusts.length} gusts, ${one.steps} steps`;
  if (one.failure === null) {
    invocation.print(`${one.name}: all held (${size})`);
    return;
  }
  invocation.print(`${one.name}: FAILED: ${one.failure}`);
  if (one.schedule === null) return;
  invocation.print(
    'the shortest storm found that fails alike; keep this line in a file for: berth sim --schedule FILE',
  );
  invocation.print(JSON.stringify(one.schedule));
}
