/**
 * Two homes go through the same: one by the registry file, one over the API of a real server. Every method answers the
 * same and fails the same.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BerthClient, WaitOptions } from '../../../src/api/client.js';
import type { Gate } from '../../../src/api/http/auth/index.js';
import type { ApiOptions } from '../../../src/api/http/parts.js';
import { createApiServer } from '../../../src/api/http/server.js';
import { createWatchHub } from '../../../src/api/http/watch/index.js';
import { createLocalClient } from '../../../src/api/local-client.js';
import type { LocalClientPorts } from '../../../src/api/ports.js';
import { createRemoteClient } from '../../../src/api/remote/remote-client.js';
import { createTransport } from '../../../src/api/remote/transport.js';
import { BerthError } from '../../../src/core/errors.js';
import type { Log } from '../../../src/core/ports/log.js';
import type { ChangeContext, Registry } from '../../../src/core/ports/registry.js';
import { initialStatus } from '../../../src/core/status.js';
import { usageStepMs, usageStepOf } from '../../../src/core/usage.js';
import { createDefinitionReader, nodeFiles } from '../../../src/definition/index.js';
import { openRegistry } from '../../../src/registry/index.js';
import { eventually } from '../../support/eventually.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { fakeDriver, shopToml } from '../cli/support.js';
import { take } from './fake-agent.js';

const agentContext: ChangeContext = { actor: 'agent', request: null, message: null };
const note = { message: 'why not' };
const web = { service: 'shop', component: 'web' };
const shop = { service: 'shop', component: null };
const nobody = { service: 'shpo', component: null };

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** One driver: a container that prints two lines, and runs what it is told to. */
const driver = fakeDriver({
  name: 'podman',
  capabilities: () => Promise.resolve([{ name: 'podman', ok: true, detail: 'is there', remedy: null }]),
  inspect: () => Promise.resolve(undefined),
  async *logs() {
    yield { atMs: 1_000, stream: 'stdout', text: 'one' } as const;
    yield { atMs: 2_000, stream: 'stderr', text: 'zwei ✓' } as const;
  },
  exec: (_id, argv) =>
    argv[0] === 'fail'
      ? Promise.reject(new BerthError('E_NOT_SUPPORTED', 'there is nobody inside', { suggestion: 'look elsewhere' }))
      : Promise.resolve({
          ...{ exitCode: 7, stdout: argv.join(' '), stderr: '' },
          ...(argv[0] === 'much' ? { cut: { stdout: 9, stderr: 0 } } : {}),
        }),
  listGarbage: () => Promise.resolve([]),
});

interface World {
  readonly client: BerthClient;
  readonly registry: Registry;
  /** The agent ends, and another one begins. */
  restart(): Promise<void>;
}

function portsOf(registry: Registry): LocalClientPorts {
  return {
    registry,
    reader: () => Promise.resolve(createDefinitionReader({ files: nodeFiles() })),
    drivers: () => Promise.resolve([driver]),
    clock: realClock,
    chance: realChance,
    actor: 'cli:tester',
    agentHolder: () => Promise.resolve({ pid: 7, sinceMs: 1_000 }),
  };
}

async function homeFolder(): Promise<{ readonly folder: string; readonly registry: Registry }> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-twin-'));
  const path = join(folder, 'registry.db');
  const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: true });
  onTestFinished(async () => {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, registry };
}

async function localWorld(): Promise<World> {
  const { registry } = await homeFolder();
  return { registry, client: createLocalClient(portsOf(registry)), restart: () => Promise.resolve() };
}

/** Lets in whoever comes by the socket. */
const openGate = {
  open: () => Promise.resolve(),
  check: ({ headers }) =>
    Promise.resolve({ via: 'socket', name: 'x', access: 'write', actor: String(headers['x-berth-actor']) } as const),
  pageInstead: () => null,
} satisfies Partial<Gate> as unknown as Gate;

function serverOf(folder: string, registry: Registry) {
  const options: ApiOptions = {
    home: folder,
    version: '9.9.9',
    pid: 7,
    tcp: 'off',
    clock: realClock,
    chance: realChance,
    log,
    registry,
    portsFor: ({ actor }) => ({ ...portsOf(registry), actor }),
    view: {
      drivers: () => [],
      health: (name) => ({ name, answering: true, error: null, lastGoodAtMs: null, failingSinceMs: null }),
    },
    gate: () => openGate,
    hub: createWatchHub({ registry, clock: realClock, log }),
    pages: { overview: () => '', asset: () => undefined },
    metrics: { contentType: 'text/plain', text: () => Promise.resolve(''), answered: () => undefined },
    definitionSchema: () => ({}),
  };
  return createApiServer(options);
}

async function remoteWorld(): Promise<World> {
  const { folder, registry } = await homeFolder();
  let server = serverOf(folder, registry);
  await server.listen();
  const path = join(folder, 'berth.sock');
  const transport = await createTransport({ kind: 'socket', path, actor: 'cli:tester' }, realClock);
  const { reader } = portsOf(registry);
  const client = createRemoteClient({ transport, reader, clock: realClock, reconnect: true, callDeadlineMs: 10_000 });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  const restart = async (): Promise<void> => {
    await server.close();
    server = serverOf(folder, registry);
    await server.listen();
  };
  return { client, registry, restart };
}

async function observe({ registry }: World, component: string, message: string): Promise<void> {
  const key = { service: 'shop', component };
  const record = await registry.component(key);
  if (!record) throw new Error(`no component ${component}`);
  const status = {
    ...initialStatus,
    observedGeneration: record.generation,
    observedRevision: record.revision,
    restartToken: record.restartToken,
    ...({ phase: 'running', observed: 'running', ready: true, reason: 'Running', message } as const),
    nativeId: `id-${component}`,
    drift: [
      {
        field: 'memory_mb',
        desired: '128',
        observed: '64',
        sinceMs: 1_000,
        evidence: 'inspect',
        action: 'is put back',
      },
    ],
  };
  const event = { ...key, severity: 'warning', reason: 'Started', message, data: { exit: 1 } } as const;
  await registry.updateStatus([{ key, generation: record.generation, status, events: [event] }], agentContext);
}

/** Two homes after the same apply, of a file in a folder of its own. */
async function twins() {
  const folder = mkdtempSync(join(tmpdir(), 'berth-defs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'shop.toml');
  writeFileSync(file, shopToml);
  const worlds = [await localWorld(), await remoteWorld()] as const;
  /** What both do comes to the same. */
  const same = async (call: (client: BerthClient, world: World) => Promise<unknown>): Promise<unknown> => {
    const [local, remote] = await Promise.all(worlds.map((world) => outcome(call(world.client, world))));
    expect(remote).toEqual(local);
    return remote;
  };
  await same((client) => client.apply({ path: file, prune: false, force: false, ...note }));
  for (const world of worlds) {
    await observe(world, 'web', 'it runs');
    await observe(world, 'db', 'it runs');
  }
  return { worlds, same, file, folder };
}

/** Without what differs from home to home, and from instant to instant. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  const told = await promise.then(
    (value) => ({ value }),
    (error: unknown) => {
      if (!(error instanceof BerthError)) throw error;
      const { code, message, suggestion, details, exit } = error;
      return { error: { code, message, suggestion, details, exit } };
    },
  );
  const bare = new Set(['observedAgeMs', 'at', 'since', 'request']);
  /** The statements of a plan stay with whoever carries it out. */
  function strip(this: unknown, name: string, value: unknown): unknown {
    const ofPlan = name === 'changes' && typeof this === 'object' && this !== null && 'differs' in this;
    const isTime = typeof value === 'number' && value > 1_000_000_000_000;
    return ofPlan || isTime || bare.has(name) ? null : value;
  }
  return JSON.parse(JSON.stringify(told, strip)) as unknown;
}

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const never = (): AbortSignal => new AbortController().signal;

describe('the same by the file and over the API', () => {
  test('what only reads', async () => {
    const { same, worlds } = await twins();
    await same((client) => client.status({ service: null }));
    await same((client) => client.status({ service: 'shop' }));
    await same((client) => client.status({ service: 'shpo' }));
    await same((client) => client.explain(web));
    await same((client) => client.explain({ service: 'shop', component: 'wbe' }));
    const step = { atMs: usageStepOf(Date.now()), memoryBytes: 1e8, memoryPeakBytes: 2e8, samples: 3 };
    for (const { registry } of worlds) {
      await registry.addUsage([
        { ...step, key: web, cpuPercent: 12.345 },
        { ...step, key: web, atMs: step.atMs - usageStepMs, cpuPercent: null },
      ]);
    }
    expect(await same((client) => client.usage(web))).toMatchObject({
      value: { memoryLimitMb: 128, now: null, points: [{ cpuPercent: null }, { memoryMb: 95.37, cpuPercent: 12.35 }] },
    });
    await same((client) => client.usage({ service: 'shop', component: 'db' }));
    await same((client) => client.usage({ service: 'shop', component: 'wbe' }));
    await same((client) => client.events({ target: null, sinceMs: null, tail: null }));
    await same((client) => client.events({ target: web, sinceMs: 0, tail: 1 }));
    await same((client) => client.events({ target: web, sinceMs: null, tail: 0 }));
    await same((client) => client.events({ target: null, sinceMs: null, tail: 5, severity: 'error' }));
    await same((client) => client.events({ target: nobody, sinceMs: null, tail: 5 }));
    await same((client) => client.history(shop, 20));
    await same((client) => client.history(web, 1));
    await same((client) => client.history(nobody, 20));
    await same((client) => client.export('shop'));
    await same((client) => client.export('shpo'));
    await same((client) => client.names());
    await same((client) => client.agent());
  });

  test('definitions: planned, applied, in conflict, wrong, edited, rolled back', async () => {
    const { same, file, folder, worlds } = await twins();
    const options = { path: file, prune: false, force: false };
    await same((client) => client.plan(options));
    await same((client) => client.apply({ ...options, ...note }));
    const exported = await worlds[0].client.export('shop');
    const { base } = exported;
    const text = exported.text.replace('memory_mb = 128', 'memory_mb = 96');
    const edit = { text, path: join(folder, 'edit.toml'), service: 'shop', base, force: false };
    await same((client) => client.planReplace(edit));
    await same((client) => client.replace({ ...edit, ...note }));
    // Somebody has changed it since.
    await same((client) => client.planReplace({ ...edit, text: text.replace('96', '80') }));
    await same((client) => client.replace({ ...edit, text: text.replace('96', '80'), ...note }));
    await same((client) => client.replace({ ...edit, text: 'name = "other"\n', ...note }));
    await same((client) => client.replace({ ...edit, text: 'nonsense', ...note }));
    await same((client) => client.planReplace({ ...edit, text: text.replace('shop', 'other') }));
    await same((client) => client.plan(options));
    await same((client) => client.apply({ ...options, ...note }));
    await same((client) => client.planRollback('shop', null));
    await same((client) => client.rollback('shop', null, { ...note, base }));
    await same((client) => client.rollback('shop', null, note));
    await same((client) => client.rollback('shop', 1, note));
    await same((client) => client.rollback('shpo', null, note));
    await same((client) => client.apply({ ...options, force: true, ...note }));
    writeFileSync(file, shopToml.replace('memory_mb', 'memroy_mb'));
    await same((client) => client.plan(options));
    await same((client) => client.apply({ ...options, ...note }));
    await same((client) => client.apply({ ...options, path: join(folder, 'missing.toml'), ...note }));
    writeFileSync(file, shopToml);
    writeFileSync(join(folder, 'twice.toml'), shopToml);
    await same((client) => client.plan({ ...options, path: folder }));
    await same((client) => client.apply({ ...options, path: folder, ...note }));
    rmSync(join(folder, 'twice.toml'));
    writeFileSync(
      file,
      shopToml.replace(/\[\[components\]\]\nname = "db"[^]*/, '').replace('depends_on = ["db"]\n', ''),
    );
    await same((client) => client.apply({ ...options, path: folder, ...note }));
    await same((client) => client.apply({ ...options, path: folder, prune: true, force: true, ...note }));
    // Another service that wants the same port.
    writeFileSync(join(folder, 'clash.toml'), shopToml.replace('name = "shop"', 'name = "more"'));
    await same((client) => client.apply({ ...options, path: folder, ...note }));
    await same((client) => client.history(shop, 50));
  });

  test('what is started, stopped, deleted and run', async () => {
    const { same } = await twins();
    await same((client) => client.setDesired(web, 'stopped', note));
    await same((client) => client.restart(web, note));
    await same((client) => client.restart(shop, { message: null }));
    await same((client) => client.setDesired(shop, 'running', note));
    await same((client) => client.setDesired(nobody, 'running', note));
    await same((client) => client.refresh(shop, note));
    await same((client) => client.refresh(nobody, note));
    await same((client) => client.exec(web, ['echo', 'a b', 'ü'], never()));
    await same((client) => client.exec(web, ['much'], never()));
    await same((client) => client.exec(web, ['fail'], never()));
    await same((client) => client.exec({ service: 'shop', component: 'wbe' }, ['x'], never()));
    await same((client) => client.gc({ dryRun: true }, never()));
    await same((client) => client.gc({ dryRun: false }, never()));
    await same((client) => client.deleteVolume('shop', 'data', note));
    await same((client) => client.deleteVolume('shop', 'nothing', note));
    await same((client) => client.delete(web, note));
    await same((client) => client.delete(web, note));
    await same((client) => client.delete(shop, note));
    await same((client) => client.delete(nobody, note));
    await same((client) => client.history(shop, 50));
  });

  test('lines of logs', async () => {
    const { same, worlds } = await twins();
    const lines = { target: shop, follow: false, tail: null, sinceMs: null };
    await same((client) => collect(client.logs(lines, never())));
    await same((client) => collect(client.logs({ ...lines, target: web, tail: 1, sinceMs: 5 }, never())));
    await same((client) => collect(client.logs({ ...lines, target: nobody }, never())));
    for (const { client } of worlds) {
      const stop = new AbortController();
      const following = client.logs({ ...lines, target: web, follow: true }, stop.signal)[Symbol.asyncIterator]();
      expect((await take(following, 2)).map(({ text }) => text)).toEqual(['one', 'zwei ✓']);
      stop.abort();
      expect(await following.next()).toMatchObject({ done: true });
    }
  });

  test('waiting', async () => {
    const { same, worlds } = await twins();
    const wait = (more: Partial<WaitOptions>): WaitOptions => ({
      ...{ components: [web], timeoutMs: 5_000, signal: never(), onProgress: () => undefined },
      ...more,
    });
    await same((client) => client.waitFor(wait({})));
    await same((client) => client.waitFor(wait({ components: [] })));
    await same((client) => client.setDesired(web, 'stopped', note));
    await same((client) => client.waitFor(wait({ timeoutMs: 30 })));
    for (const world of worlds) {
      const told: string[] = [];
      const onProgress: WaitOptions['onProgress'] = (views) =>
        void told.push(...views.map(({ component }) => component.message));
      const waiting = world.client.waitFor(wait({ onProgress }));
      await eventually(() => told.length === 1);
      await world.client.setDesired(web, 'running', note);
      await observe(world, 'web', 'it runs again');
      expect((await waiting).outcome).toBe('converged');
      expect(told.at(-1)).toBe('it runs again');
      const stop = new AbortController();
      const given = world.client.waitFor(
        wait({ components: [{ service: 'shop', component: 'db' }, web], signal: stop.signal }),
      );
      expect((await given).outcome).toBe('converged');
    }
  });

  test('the status as it changes, and events, through a restart of the agent', async () => {
    const { worlds } = await twins();
    for (const world of worlds) {
      const stop = new AbortController();
      const reports = world.client.watchStatus({ service: 'shop' }, stop.signal)[Symbol.asyncIterator]();
      const events = world.client
        .followEvents({ target: web, sinceMs: null, tail: 1 }, stop.signal)
        [Symbol.asyncIterator]();
      expect((await take(reports, 1))[0]?.components.map(({ message }) => message)).toEqual(['it runs', 'it runs']);
      expect((await take(events, 1))[0]?.message).toBe('it runs');
      for (const message of ['first', 'second']) {
        const event = take(events, 1);
        await observe(world, 'web', message);
        expect((await event)[0]?.message).toBe(message);
        await eventually(async () => {
          const [report] = await take(reports, 1);
          return report?.agent !== null && report?.components[1]?.message === message;
        });
        await world.restart();
      }
      const report = await world.client.status({ service: 'shop' });
      await world.client.delete(web, note);
      expect((await take(reports, 1)).length + report.components.length).toBe(3);
      stop.abort();
    }
  });

  test('an unknown service cannot be watched', async () => {
    const { same } = await twins();
    await same((client) => collect(client.watchStatus({ service: 'shpo' }, never())));
    await same((client) => collect(client.followEvents({ target: nobody, sinceMs: null, tail: 3 }, never())));
  });
});

test('ten thousand components come over in one answer', async () => {
  const { client, registry } = await remoteWorld();
  const folder = mkdtempSync(join(tmpdir(), 'berth-many-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (let service = 0; service < 100; service += 1) {
    const parts = Array.from(
      { length: 100 },
      (_, index) => `[[components]]\nname = "c${index}"\nimage = "localhost/x:1"\n`,
    );
    writeFileSync(join(folder, `s${service}.toml`), `name = "s${service}"\n${parts.join('')}`);
  }
  const local = createLocalClient(portsOf(registry));
  await local.apply({ path: folder, prune: false, force: false, message: null });
  expect((await client.status({ service: null })).components).toHaveLength(10_000);
});
