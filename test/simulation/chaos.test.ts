/**
 * Storms: people interfere, the spec changes, calls fail, events get lost, the runtime goes away, the agent
 * dies and comes back, in an order drawn from a seed. When the storm is over everything must come to rest as
 * specified. `BERTH_SEED` sets the first seed, `BERTH_STORMS` how many follow.
 */
import { afterAll, expect, it } from 'vitest';
import type { Chance } from '../../src/core/ports/clock.js';
import { effectiveLimits, type ComponentSpec, type Runtime } from '../../src/core/spec.js';
import type { Container, FaultKind } from '../../src/runtimes/simulated/index.js';
import { SimHome } from '../support/sim-home.js';
import { createSeededChance } from '../../src/simulation/seeded-chance.js';

const firstSeed = Number(process.env['BERTH_SEED'] ?? '1');
const storms = Number(process.env['BERTH_STORMS'] ?? '25');
const gusts = 12;
/** Long enough for the longest backoff and the longest deadline after the storm. */
const calmMs = 3_600_000;

const names = ['db', 'web', 'worker', 'cron'] as const;
type Wish = Partial<ComponentSpec> & { readonly name: string };

/** What the storm has asked for so far. */
interface Storm {
  readonly home: SimHome;
  readonly chance: Chance;
  readonly wishes: Map<string, Wish>;
  /** What was done, in words, for the report of a failure. */
  readonly log: string[];
}

function pick<T>(chance: Chance, items: readonly T[]): T {
  const item = items[Math.floor(chance.random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

const faultKinds: readonly FaultKind[] = [
  'fail-before',
  'unreachable',
  'lost-answer',
  'hang',
  'hang-after',
  'late',
  'slow-answer',
  'stale',
];

type Hand = SimHome['host']['hand'];

const handActions: readonly ((hand: Hand, container: Container) => void)[] = [
  (hand, { id }) => hand.kill(id),
  (hand, { id }) => hand.kill(id, 'TERM'),
  (hand, { id }) => hand.pause(id),
  (hand, { id }) => hand.remove(id),
  (hand, { id, name }) => hand.rename(id, `${name}-moved`),
  (hand, { id, spec }) => {
    // Nobody can change the limits of a machine.
    if (spec.runtime === 'container') hand.updateLimits(id, 16, 0.1);
  },
  (hand, { id }) => void hand.stop(id, 1_000),
];

async function interfere({ home, chance, log }: Storm): Promise<void> {
  const running = home.host.containers().filter(({ state, spec }) => state === 'running' && spec.labels['berth.home']);
  if (running.length === 0) return;
  const container = pick(chance, running);
  const index = Math.floor(chance.random() * handActions.length);
  log.push(`hand action ${index} on ${container.name}`);
  handActions[index]?.(container.spec.runtime === 'container' ? home.host.hand : home.host.machineHand, container);
}

/** A unikernel of a storm has no volume; what it held before waits for a runtime that mounts it. */
function placeOf(name: string, runtime: Runtime): Pick<ComponentSpec, 'runtime' | 'volumes'> {
  return { runtime, volumes: runtime === 'unikernel' ? [] : [`${name}-data:/data`] };
}

async function edit({ home, chance, wishes, log }: Storm): Promise<void> {
  const name = pick(chance, names);
  const wish: Wish = {
    ...wishes.get(name),
    name,
    ...placeOf(name, pick(chance, ['container', 'container', 'microvm', 'unikernel'])),
    env: { TURN: String(Math.floor(chance.random() * 5)) },
    memoryMb: pick(chance, [null, 32, 64]),
    image: pick(chance, ['localhost/app:1', 'localhost/app:2']),
  };
  wishes.set(name, wish);
  log.push(`edit ${name}: ${JSON.stringify(wish)}`);
  await home.put({ shop: [wish] });
}

async function erase({ home, chance, wishes, log }: Storm): Promise<void> {
  // The registry refuses to delete what another component depends on.
  const name = pick(chance, ['web', 'worker', 'cron']);
  if (!wishes.delete(name)) return;
  log.push(`delete ${name}`);
  await home.change([{ kind: 'delete-component', key: { service: 'shop', component: name } }]);
}

async function command({ home, chance, wishes, log }: Storm): Promise<void> {
  if (wishes.size === 0) return;
  const key = { service: 'shop', component: pick(chance, [...wishes.keys()]) };
  const change = pick(chance, [
    { kind: 'set-desired', key, desired: 'stopped' },
    { kind: 'set-desired', key, desired: 'running' },
    { kind: 'request-restart', key },
  ] as const);
  log.push(JSON.stringify(change));
  await home.change([change]);
}

async function outage({ home, chance, log }: Storm): Promise<void> {
  const kind = pick(chance, ['hang', 'refuse'] as const);
  const lengthMs = Math.floor(chance.random() * 40_000);
  log.push(`${kind} for ${lengthMs} ms`);
  home.host.setOutage(kind);
  await home.clock.advance(lengthMs);
  home.host.setOutage(null);
}

async function crash({ home, chance, log }: Storm): Promise<void> {
  const lengthMs = Math.floor(chance.random() * 5_000);
  log.push(`the agent dies, and is back after ${lengthMs} ms`);
  home.crash();
  await home.clock.advance(lengthMs);
  await home.start();
}

async function spoil({ home, chance, log }: Storm): Promise<void> {
  const kind = pick(chance, faultKinds);
  const times = 1 + Math.floor(chance.random() * 3);
  log.push(`${kind} for ${times} calls`);
  home.host.faults.next('any', kind, { times, delayMs: Math.floor(chance.random() * 30_000) });
  home.host.events.plan(pick(chance, ['drop', 'duplicate', 'swap-with-next'] as const), () => true, times);
}

/** What a gust may bring; twice what is to come twice as often. */
const acts: readonly ((storm: Storm) => Promise<void>)[] = [
  interfere,
  interfere,
  edit,
  edit,
  erase,
  command,
  outage,
  crash,
  jump,
  spoil,
  spoil,
];

/** Somebody sets the clock, or it was never right. */
async function jump({ home, chance, log }: Storm): Promise<void> {
  const byMs = Math.floor((chance.random() - 0.5) * 7_200_000);
  log.push(`the clock is set by ${byMs} ms`);
  home.clock.stepWallClock(byMs);
}

async function gust(storm: Storm): Promise<void> {
  const { home, chance } = storm;
  await pick(chance, acts)(storm);
  await home.clock.advance(Math.floor(chance.random() ** 3 * 30_000));
}

/** Everything is as the registry wants it, and nothing else is there. */
async function expectRest({ home, wishes }: Storm, stranger: string): Promise<void> {
  const records = await home.registry.components();
  expect(records.map(({ key }) => key.component).sort()).toEqual([...wishes.keys()].sort());
  for (const record of records) {
    const container = home.host.containers().find(({ name }) => name === record.workload);
    expect(container?.state === 'running', `${record.workload} runs`).toBe(record.desired === 'running');
    if (!container || record.desired !== 'running') continue;
    expect(container.spec.env).toMatchObject(record.spec.env);
    expect(container.spec.runtime).toBe(record.spec.runtime);
    expect(container.memoryMb, `memory of ${record.workload}`).toBe(effectiveLimits(record.spec).memoryMb);
    expect(container.spec.image.digest).toBe(home.host.images.resolve(record.spec.image));
  }
  expect(home.host.engine.find('stranger')).toMatchObject({ id: stranger, state: 'running', starts: 1 });
  expect(home.host.violations()).toEqual([]);
}

async function ride(seed: number): Promise<void> {
  const home = await SimHome.open(seed);
  const storm: Storm = { home, chance: createSeededChance(seed), wishes: new Map(), log: [] };
  try {
    for (const tag of ['1', '2']) home.host.images.add(`localhost/app:${tag}`);
    const stranger = home.host.hand.runForeign('stranger');
    for (const name of names) {
      const dependsOn = name === 'web' ? ['db'] : [];
      storm.wishes.set(name, { name, dependsOn, ...placeOf(name, 'container') });
    }
    await home.put({ shop: [...storm.wishes.values()] });
    await home.start();
    // Every second storm begins in calm, with something to lose.
    if (seed % 2 === 0) {
      await home.converge();
      home.host.hand.write('shop-db', 'kept');
    }
    for (let count = 0; count < gusts; count += 1) await gust(storm);
    home.host.faults.clear();
    // A stopped component keeps others waiting and its replacement unfinished: in the end all are to run.
    const keys = [...storm.wishes.keys()].map((component) => ({ service: 'shop', component }));
    await home.change(keys.map((key) => ({ kind: 'set-desired' as const, key, desired: 'running' as const })));
    // What was put off by a fault of the storm may still be on its way.
    await home.clock.advance(60_000);
    await home.converge(calmMs);
    await expectRest(storm, stranger);
    const { container, vm } = home.volume('shop', 'db-data');
    if (seed % 2 === 0) expect(`${container ?? ''}${vm ?? ''}`, 'what db wrote before the storm').toBe('kept');
  } catch (error) {
    throw new Error(`seed ${seed}:\n${storm.log.join('\n')}`, { cause: error });
  } finally {
    await home.close();
  }
}

let ridden = 0;

it.each(Array.from({ length: storms }, (_, index) => firstSeed + index))(
  'comes to rest after the storm of seed %i',
  async (seed) => {
    await ride(seed);
    ridden += 1;
  },
);

afterAll(() => {
  process.stdout.write(`chaos: ${ridden} storms from seed ${firstSeed}\n`);
});
