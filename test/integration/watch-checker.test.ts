/**
 * Twenty readers of an agent that is killed again and again, while a registry changes five thousand times by several
 * hands: none of them sees a gap, a repeat or a step back, and all of them know in the end what is there.
 */
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Registry } from '../../src/core/ports/registry.js';
import { componentDefaults } from '../../src/core/spec.js';
import { openRegistry } from '../../src/registry/index.js';
import { createSeededChance } from '../../src/simulation/seeded-chance.js';
import { eventually } from '../support/eventually.js';
import { realChance, realClock } from '../support/real-clock.js';
import { makeTestHome, type RunningAgent, type TestHome } from '../support/test-home.js';
import { WatchClient } from '../support/watch-client.js';
import { expectKnown, readTruth } from '../support/watch-truth.js';

const watchers = 20;
const changes = 5_000;
const kills = 4;
const seed = Number(process.env['BERTH_SEED'] ?? String(Date.now() % 100_000));
const chance = createSeededChance(seed);
const context = { actor: 'cli:checker', request: null, message: null };
const services = ['alpha', 'beta', 'gamma', 'delta'] as const;
const perService = 25;

let home: TestHome;
let agent: RunningAgent;
let registry: Registry;
let sql: Database.Database;

const upTo = (count: number): number => Math.floor(chance.random() * count);
const oneOf = <T>(values: readonly T[]): T => values[upTo(values.length)]!;
const service = (): string => oneOf(services);
const component = (): string => `c${String(upTo(perService))}`;

/** Nothing of it is to run. */
const spec = (name: string) =>
  ({ ...componentDefaults, name, image: 'localhost/none:1', reconcile: 'ignore', memoryMb: 16 + upTo(64) }) as const;

beforeAll(async () => {
  home = await makeTestHome();
  agent = await home.startAgent();
  const path = join(home.path, 'registry.db');
  registry = await openRegistry({ path, clock: realClock, chance: realChance });
  sql = new Database(path, { timeout: 5_000 });
  sql.pragma('synchronous = normal');
  for (const name of services) {
    await registry.change(
      [
        { kind: 'put-service', name, node: 'local', active: true },
        ...Array.from({ length: perService }, (_, index) => ({
          kind: 'put-component' as const,
          service: name,
          spec: spec(`c${String(index)}`),
          source: null,
        })),
      ],
      context,
    );
  }
});

afterAll(async () => {
  sql.close();
  await registry.close();
  await home.dispose();
});

/** By share of a hundred. What the registry refuses is part of the game. */
const hands: readonly (readonly [number, () => unknown])[] = [
  [
    40,
    () =>
      sql
        .prepare('update components set memory_mb = ? where service = ? and name = ?')
        .run(16 + upTo(64), service(), component()),
  ],
  // Few ports, so that what one says makes another invalid.
  [
    10,
    () =>
      sql
        .prepare('update components set ports = ? where service = ? and name = ?')
        .run(JSON.stringify([`${String(18_000 + upTo(60))}:80`]), service(), component()),
  ],
  [5, () => sql.prepare('update services set active = ? where name = ?').run(upTo(2), service())],
  [5, () => sql.prepare('delete from components where service = ? and name = ?').run(service(), component())],
  [
    15,
    () =>
      sql
        .prepare(`insert into components (service, name, image, reconcile) values (?, ?, 'localhost/none:1', 'ignore')`)
        .run(service(), component()),
  ],
  [
    15,
    () => {
      const key = { service: service(), component: component() };
      const event = { ...key, severity: 'info', reason: 'SeenAgain', message: `seen ${String(upTo(1e6))}` } as const;
      return registry.updateStatus([{ key, generation: 0, events: [event, event] }], context);
    },
  ],
  [
    5,
    () =>
      registry.change([{ kind: 'put-component', service: service(), spec: spec(component()), source: null }], context),
  ],
  [
    5,
    () =>
      registry.change(
        [{ kind: 'set-desired', key: { service: service(), component: component() }, desired: 'stopped' }],
        context,
      ),
  ],
];

async function changeSomething(): Promise<void> {
  let left = upTo(100);
  const [, act] = hands.find(([share]) => (left -= share) < 0) ?? hands[0]!;
  try {
    await act();
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (!/^(E_NOT_FOUND|E_CONFLICT|E_PORT_COLLISION|E_DEFINITION|SQLITE_CONSTRAINT.*)$/.test(code ?? '')) throw error;
  }
}

describe(`watchers of an agent that is killed (seed ${String(seed)})`, () => {
  it('see each change once, in order, and know in the end what is there', async () => {
    const socket = join(home.path, 'berth.sock');
    const clients = Array.from(
      { length: watchers },
      (_, index) => new WatchClient(socket, index % 4 === 3 ? services[(index >> 2) % services.length]! : null),
    );
    await eventually(() => clients.every(({ fold }) => fold.synced), { timeoutMs: 20_000, describe: 'all watch' });
    let made = 0;
    const change = async (count: number): Promise<void> => {
      for (const until = made + count; made < until; made += 1) {
        await changeSomething();
        // Readers of this process take their turns, and some are cut off somewhere.
        if (made % 5 === 0) await turn();
        if (made % 100 === 0) oneOf(clients).cut();
      }
    };
    const aPart = Math.ceil(changes / (2 * kills + 1));
    await change(aPart);
    for (let kill = 0; kill < kills; kill += 1) {
      const before = clients.map(({ connections }) => connections);
      await Promise.all([change(aPart), agent.kill().then(startAgain)]);
      await eventually(() => clients.every(({ connections }, index) => connections > before[index]!), {
        timeoutMs: 20_000,
        describe: 'all watch again',
      });
      await change(aPart);
    }
    expect(made).toBeGreaterThanOrEqual(changes);
    await settled(clients);
    const truth = await readTruth(registry);
    expect(truth.revision).toBeGreaterThan(changes / 2);
    for (const { fold, service: of, connections, refusals } of clients) {
      expectKnown(fold, of, truth);
      expect(connections).toBeGreaterThan(kills);
      // An agent that is not there yet answers nothing; history reaches all the way.
      expect(refusals.filter((status) => status !== 503 && status !== 429)).toEqual([]);
    }
    await Promise.all(clients.map((client) => client.close()));
  });
});

async function startAgain(): Promise<void> {
  agent = await home.startAgent();
}

/** Waits until the agent has come to rest and each reader knows the last revision. */
async function settled(clients: readonly WatchClient[]): Promise<void> {
  let last = -1;
  await eventually(
    async () => {
      const revision = await registry.revision();
      const isQuiet = revision === last;
      last = revision;
      expect(isQuiet).toBe(true);
      // Beats bring those up to date who watch one quiet service.
      for (const { fold } of clients) expect(fold.revision).toBe(revision);
    },
    { timeoutMs: 30_000, everyMs: 300, describe: 'everybody knows the last revision' },
  );
}
