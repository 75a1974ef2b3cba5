/**
 * Each call that a scenario makes of its driver goes wrong in some way: refused, not answered, done without
 * an answer, or done long after. Everything must come to the same end as in peace. `BERTH_SWEEP=full` tries
 * every way at every call; else every third call meets one way, other ones with each seed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultKinds, type FaultKind } from '../../src/runtimes/simulated/index.js';
import { makeRegistryImage } from '../../src/simulation/registry-image.js';
import { effectiveLimits } from '../../src/core/spec.js';
import { SimulatedHome } from '../../src/simulation/home.js';
import type { Scenario } from '../../src/simulation/scenario.js';
import { plainScenarios as scenarios } from '../../src/simulation/scenarios.js';

const kinds = faultKinds.filter((kind) => kind !== 'slow-answer');
const isFull = process.env['BERTH_SWEEP'] === 'full';
const seed = Number(process.env['BERTH_SEED'] ?? '1');
/** Longer than a call may take and the relist after it. */
const relistMs = 25_000;
/** When a late call is carried out at last, in milliseconds. */
const lateMs = 60_000;
/** Longer than the longest deadline of a call. */
const patienceMs = 1_200_000;

interface PlannedFault {
  /** The number of the call, from the beginning of the act. */
  readonly call: number;
  readonly kind: FaultKind;
}

interface Mark {
  readonly id: string;
  readonly startedAtMs: number | null;
}

function marks(home: SimulatedHome): ReadonlyMap<string, Mark> {
  return new Map(home.host.containers().map(({ name, id, startedAtMs }) => [name, { id, startedAtMs }]));
}

/** No generation is given up but the one whose program does not stay up, and what runs is what is wanted. */
async function expectSpecs(home: SimulatedHome, scenario: Scenario): Promise<void> {
  const { host, registry } = home;
  for (const { workload, spec, status, generation } of await registry.components()) {
    const isPutBack = scenario.putBack !== undefined && workload === 'shop-web';
    const isVm = spec.runtime !== 'container' && !isPutBack;
    const container = (isVm ? host.machines : host.engine).get(workload);
    expect(status.failedGeneration, `what is given up of ${workload}`).toBe(isPutBack ? generation : null);
    const image = scenario.putBack !== undefined && isPutBack ? scenario.putBack : spec.image;
    expect(container.spec.image.digest, `image of ${workload}`).toBe(host.images.resolve(image));
    expect(container.spec.env, `environment of ${workload}`).toMatchObject(spec.env);
    if (!container.run || isPutBack) continue;
    expect(container.memoryMb, `memory of ${workload}`).toBe(effectiveLimits(spec).memoryMb);
  }
}

/** Runs a scenario with at most one fault. Answers how many calls it took until it had converged. */
async function run(scenario: Scenario, fault: PlannedFault | null): Promise<number> {
  const home = await SimulatedHome.open({ seed, image });
  try {
    await scenario.prepare(home);
    const before = marks(home);
    const { faults } = home.host;
    const firstCall = faults.calls();
    if (fault) faults.atCall(firstCall + fault.call, fault.kind, { delayMs: lateMs });
    await scenario.act(home);
    // A status is no proof before what was done by hand has had its chance to be seen.
    if (fault) await home.clock.advance(relistMs);
    await home.converge(patienceMs);
    const calls = faults.calls() - firstCall;
    if (fault?.kind === 'late') {
      await home.clock.advance(lateMs);
      await home.converge(patienceMs);
    }
    for (const name of scenario.untouched) expect(marks(home).get(name), name).toEqual(before.get(name));
    const running = home.host.containers().filter(({ state }) => state === 'running');
    expect(running.map(({ name }) => name).sort()).toEqual([...scenario.running].sort());
    await expectSpecs(home, scenario);
    await scenario.check?.(home);
    expect(home.host.violations()).toEqual([]);
    return calls;
  } finally {
    await home.close();
  }
}

let covered = 0;
let image: Uint8Array;

beforeAll(async () => {
  image = await makeRegistryImage();
});

describe.each(scenarios)('$name', (scenario) => {
  it(`ends well whichever call goes wrong (seed ${seed})`, async () => {
    const calls = await run(scenario, null);
    for (let call = 1; call <= calls; call += 1) {
      const chosen = isFull ? kinds : kinds.filter((_, index) => (call + seed) % (3 * kinds.length) === 3 * index);
      for (const kind of chosen) {
        await run(scenario, { call, kind }).catch((error: unknown) => {
          throw new Error(`${kind} at call ${call} of ${calls}, seed ${seed}`, { cause: error });
        });
        covered += 1;
      }
    }
  });
});

afterAll(() => {
  process.stdout.write(`fault sweep: ${covered} faults over ${scenarios.length} scenarios, seed ${seed}\n`);
});
