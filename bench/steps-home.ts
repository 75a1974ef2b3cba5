/**
 * Whole steps in simulation: registry, monitor, controller, reconciler and a simulated host, on a virtual clock. A process of
 * its own, so that what it measures depends on nothing that was measured before; it is told where the registry is to be, and
 * how long, and sends what it measured.
 */
import { sendMessage } from 'execa';
import { formatKey } from '../src/core/names.js';
import type { Registry } from '../src/core/ports/registry.js';
import type { ComponentSpec } from '../src/core/spec.js';
import { createSeededChance } from '../src/simulation/seeded-chance.js';
import { SimulatedHome, type Services } from '../src/simulation/home.js';
import { decisionsAMinute } from './decisions.js';
import { median, type Measure, type RunOptions } from './harness.js';
import { recordedWorlds } from './worlds.js';

const minuteMs = 60_000;
/**
 * An agent polls its file each 20 ms, once in a hundred steps at the pace that is measured here. Virtual time passes a
 * thousand times as fast: at 20 of its milliseconds there would be four polls to a step.
 */
const pollMs = 5_000;
const warmUpRounds = 200;
const services = 5;
const perService = 4;
const target = { atLeast: 300_000 };

/** What the controller did, by activation: from one read of a component to the next. */
class Tally {
  /** Activations that wrote something or called the driver. */
  steps = 0;
  /** Activations that changed nothing. */
  looks = 0;
  readonly #underWay = new Map<string, boolean>();

  /** Counts what is asked of the registry from now on. */
  listen(registry: Registry): void {
    const component = registry.component.bind(registry);
    const updateStatus = registry.updateStatus.bind(registry);
    const purgeComponent = registry.purgeComponent.bind(registry);
    const heard: Partial<Registry> = {
      component: (key) => {
        this.#begun(formatKey(key));
        return component(key);
      },
      updateStatus: (updates, context) => {
        for (const { key } of updates) this.#underWay.set(formatKey(key), true);
        return updateStatus(updates, context);
      },
      purgeComponent: (key, ...rest) => {
        this.#underWay.set(formatKey(key), true);
        return purgeComponent(key, ...rest);
      },
    };
    Object.assign(registry, heard);
  }

  #begun(key: string): void {
    const acted = this.#underWay.get(key);
    if (acted === true) this.steps += 1;
    else if (acted === false) this.looks += 1;
    this.#underWay.set(key, false);
  }
}

function manyServices(patch: (service: number, component: number) => Partial<ComponentSpec>): Services {
  return Object.fromEntries(
    Array.from({ length: services }, (_, service) => [
      `s${service}`,
      Array.from({ length: perService }, (__, component) => ({
        name: `c${component}`,
        ...(component === 1 ? { dependsOn: ['c0'] } : {}),
        ...(component === 2 ? { runtime: 'microvm' as const } : {}),
        ...patch(service, component),
      })),
    ]),
  );
}

/** Something happens: the user edits, programs end, somebody's hand removes. All under a seed. */
async function stir(home: SimulatedHome, random: () => number, round: number): Promise<void> {
  const service = Math.floor(random() * services);
  const name = `s${service}`;
  const edited = manyServices((_, component) => ({
    env: component === 0 ? { ROUND: String(round) } : {},
    memoryMb: component === 3 ? 64 + (round % 8) * 16 : 128,
  }));
  await home.put({ [name]: edited[name] ?? [] });
  const running = home.host
    .containers()
    .filter(({ state, spec }) => state === 'running' && spec.runtime === 'container');
  const [killed, removed] = [
    running[Math.floor(random() * running.length)],
    running[Math.floor(random() * running.length)],
  ];
  if (killed) home.host.hand.kill(killed.id);
  if (removed && removed !== killed) home.host.hand.remove(removed.id);
}

/** The same work without registry, monitor and host: what a whole step is read beside. */
function decisionsAlone(): number {
  return decisionsAMinute(
    recordedWorlds().map(({ world }) => world),
    1_000,
  );
}

async function measured(storage: 'memory' | 'file', { quick }: RunOptions): Promise<readonly Measure[]> {
  const home = await SimulatedHome.open({ seed: 1, storage, pollMs });
  try {
    const tally = new Tally();
    const chance = createSeededChance(2);
    tally.listen(home.registry);
    home.host.images.add('localhost/app:1');
    await home.put(manyServices(() => ({ memoryMb: 128 })));
    await home.start();
    await home.clock.advance(10_000);
    // A first round of each kind of thing, so that what is measured is not how code is compiled.
    for (let round = 0; round < warmUpRounds; round += 1) {
      await stir(home, () => chance.random(), round);
      await home.clock.advance(2_500);
    }
    const forMs = quick ? 3_000 : 15_000;
    const before = {
      nowMs: performance.now(),
      clock: home.clock.steps,
      steps: tally.steps,
      looks: tally.looks,
      counts: { ...home.counts },
    };
    for (let round = 0; performance.now() - before.nowMs < forMs; round += 1) {
      await stir(home, () => chance.random(), round);
      await home.clock.advance(2_500);
    }
    const minutes = (performance.now() - before.nowMs) / minuteMs;
    const aMinute = (count: number): number => count / minutes;
    const activations = tally.steps - before.steps + tally.looks - before.looks;
    const clockSteps = home.clock.steps - before.clock;
    await home.converge(1_200_000);
    // Afterwards: recorded worlds are made otherwise, and what has seen both kinds is compiled for neither.
    const decisions = median([decisionsAlone(), decisionsAlone(), decisionsAlone()]);
    const where = storage === 'memory' ? 'registry in memory' : 'registry in a file';
    return [
      {
        what: `whole steps, ${where}`,
        value: aMinute(activations),
        unit: '/min',
        // A rate, not a latency: the quick form holds it to its ratio instead.
        target: quick ? null : target,
        peer: { what: 'decisions alone', value: decisions, bound: { atLeast: 0.025 } },
        detail: `activations: a component is read, looked at and decided upon, and what follows is written and done; ${services * perService} components`,
      },
      {
        what: `… of them wrote or acted`,
        value: aMinute(tally.steps - before.steps),
        unit: '/min',
        target: null,
        detail: 'wrote a status or called a driver; the others changed nothing',
      },
      {
        what: `… writes of a status and acts of a driver in them`,
        value: aMinute(home.counts.step - before.counts.step),
        unit: '/min',
        target: null,
        detail: 'an activation holds up to dozens of them',
      },
      {
        what: `… steps of the clock`,
        value: aMinute(clockSteps),
        unit: '/min',
        target: null,
        detail: 'timers stepped in order, each with all that follows from it',
      },
    ];
  } finally {
    await home.close();
  }
}

const [storage, form] = process.argv.slice(2);
await sendMessage([...(await measured(storage === 'file' ? 'file' : 'memory', { quick: form === 'quick' }))] as never);
