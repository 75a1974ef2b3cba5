/**
 * The agent dies before and after each effect of each scenario, is started again, and everything must come
 * to the same end: converged, nothing left over, nothing restarted that need not be.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { SimHome } from '../support/sim-home.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';

interface Mark {
  readonly id: string;
  readonly startedAtMs: number | null;
  readonly starts: number;
}

function marks(home: SimHome): ReadonlyMap<string, Mark> {
  return new Map(
    home.host.containers().map(({ name, id, startedAtMs, starts }) => [name, { id, startedAtMs, starts }]),
  );
}

async function check(home: SimHome, scenario: Scenario, before: ReadonlyMap<string, Mark>): Promise<void> {
  const after = marks(home);
  for (const name of scenario.untouched) expect(after.get(name), name).toEqual(before.get(name));
  const running = home.host
    .containers()
    .filter((item) => item.state === 'running')
    .map((item) => item.name);
  expect(running.sort()).toEqual([...scenario.running].sort());
  const machines = [...home.host.machines.all()].map((item) => item.name);
  expect(machines.sort()).toEqual([...(scenario.machines ?? [])].sort());
  scenario.check?.(home);
  expect(home.host.violations()).toEqual([]);
  for (const record of await home.registry.components()) {
    const container = home.host.containers().find((item) => item.name === record.workload);
    expect(record.status.nativeId, 'no status ahead of the truth').toBe(container?.id ?? null);
    const down = record.status.phase === 'completed' ? 'exited' : 'stopped';
    expect(record.status.observed).toBe(container?.state === 'running' ? 'running' : down);
  }
}

/** Runs a scenario, with a crash at one moment of one effect, if any. Answers how many effects the act had. */
async function run(
  scenario: Scenario,
  crash: { readonly effect: number; readonly moment: 'before' | 'after' } | null,
): Promise<number> {
  const home = await SimHome.open();
  try {
    await scenario.prepare(home);
    const before = marks(home);
    let effects = 0;
    let crashed = false;
    home.host.onEffect = ({ moment }) => {
      if (moment === 'before') effects += 1;
      if (!crashed && crash?.effect === effects && crash.moment === moment) {
        crashed = true;
        home.crash();
      }
    };
    await scenario.act(home);
    if (crash) {
      await home.clock.runUntil(() => crashed, 120_000, { describe: 'the crash' });
      await home.clock.advance(50);
      await home.start();
    }
    await home.converge();
    await check(home, scenario, before);
    return effects;
  } finally {
    await home.close();
  }
}

let covered = 0;

describe.each(scenarios)('$name', (scenario) => {
  it('ends well in peace and after a crash at each effect', async () => {
    const effects = await run(scenario, null);
    expect(effects).toBeGreaterThan(0);
    for (let effect = 1; effect <= effects; effect += 1) {
      for (const moment of ['before', 'after'] as const) {
        await run(scenario, { effect, moment }).catch((error: unknown) => {
          throw new Error(`crash ${moment} effect ${String(effect)} of ${String(effects)}`, { cause: error });
        });
        covered += 1;
      }
    }
  });
});

afterAll(() => {
  process.stdout.write(`crash sweep: ${String(covered)} crashes over ${String(scenarios.length)} scenarios\n`);
});
