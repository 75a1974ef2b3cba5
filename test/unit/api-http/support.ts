/** A real server over a real registry in a temporary home, on its socket and a loopback port, with a driver made up. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createGate, createTokenStore, nodeTokenAccess } from '../../../src/api/http/auth/index.js';
import { apiLimits, type ApiLimits } from '../../../src/api/http/limits.js';
import { createMetrics, type Metrics } from '../../../src/api/http/metrics/metrics.js';
import { createApiServer, type ApiServer } from '../../../src/api/http/server.js';
import { createWatchHub } from '../../../src/api/http/watch/index.js';
import { sharedReads } from '../../../src/api/shared-reads.js';
import type { NewEvent } from '../../../src/core/event.js';
import { parseKey } from '../../../src/core/names.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import type { Driver } from '../../../src/core/ports/driver.js';
import type { Log } from '../../../src/core/ports/log.js';
import type { ChangeContext, Registry } from '../../../src/core/ports/registry.js';
import type { UsageView } from '../../../src/core/ports/usage.js';
import type { DriverHealth } from '../../../src/core/ports/view.js';
import { initialStatus, type ComponentStatus } from '../../../src/core/status.js';
import { createDefinitionReader, definitionJsonSchema, nodeFiles } from '../../../src/definition/index.js';
import { openRegistry } from '../../../src/registry/index.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { fakeDriver } from '../cli/support.js';

const agentContext: ChangeContext = { actor: 'agent', request: null, message: null };

export const shopText = `name = "shop"

[[components]]
name = "web"
image = "localhost/web:1"
memory_mb = 128
env = { LOG_LEVEL = "info", API_TOKEN = "hush-hush" }

[[components]]
name = "db"
image = "localhost/db:1"
`;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The body as JSON; without any of these when it is none. */
  readonly body: Body;
}

/** What tests look at in answers; each has some of it. */
export interface Body {
  readonly code: string;
  readonly detail: string;
  readonly suggestion: string;
  readonly instance: string;
  readonly details: {
    readonly problems: readonly { readonly field: string }[];
    readonly conflicts: unknown;
    readonly components: unknown;
    readonly etag: string;
  };
  readonly items: readonly { readonly component: string }[];
  readonly next: string;
  readonly url: string;
  readonly text: string;
  readonly base: unknown;
  readonly problems: readonly unknown[];
  readonly checks: readonly unknown[];
  readonly spec: { readonly components: readonly object[] };
  readonly plan: { readonly differs: boolean; readonly components: readonly { readonly component: string }[] };
}

export interface AskOptions {
  readonly body?: unknown;
  /** As it is, whatever it may be. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Over TCP with this token; absent: over the socket. */
  readonly token?: string | null;
}

export interface BenchOptions {
  readonly driver?: Partial<Driver>;
  readonly limits?: Partial<ApiLimits>;
  readonly clock?: Clock;
  readonly tcp?: string;
  readonly home?: string;
}

export interface Bench {
  readonly home: string;
  readonly registry: Registry;
  readonly server: ApiServer;
  readonly metrics: Metrics;
  readonly logged: string[];
  /** How the one driver stands. */
  health: Omit<DriverHealth, 'name'>;
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** Writes the definition of `shopText`. */
  applyShop(): Promise<void>;
  /** What the agent saw. */
  observe(key: string, patch: Partial<ComponentStatus>, events?: readonly NewEvent[]): Promise<void>;
  /** A token of the home; by default the one that may write. */
  token(name?: string): Promise<string>;
}

/** Starts it; it ends with the test. */
export async function startBench(options: BenchOptions = {}): Promise<Bench> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'berth-api-'));
  const registry = await openRegistry({
    path: join(home, 'registry.db'),
    clock: realClock,
    chance: realChance,
    create: true,
  });
  const logged: string[] = [];
  const note = (facts: object | string, message?: string): void => void logged.push(JSON.stringify([facts, message]));
  const log: Log = { debug: () => {}, info: note, warn: note, error: note };
  const clock = options.clock ?? realClock;
  const metrics = createMetrics(clock);
  const driver = metrics.watchDriver(fakeDriver({ name: 'podman', ...options.driver }));
  const healthy = { answering: true, error: null, lastGoodAtMs: realClock.now(), failingSinceMs: null };
  const tokens = createTokenStore({ path: join(home, 'tokens.json'), files: nodeTokenAccess, clock, randomBytes, log });
  const hub = createWatchHub({ registry, clock, log });
  const shared = sharedReads(registry, clock);
  const view = { drivers: () => [driver], health: (name: string) => ({ name, ...bench.health }) };
  const server = createApiServer({
    home,
    version: '9.9.9',
    pid: 4711,
    tcp: options.tcp ?? '127.0.0.1:0',
    clock,
    chance: realChance,
    log,
    registry: shared,
    portsFor: ({ actor }) => ({
      registry: shared,
      reader: () => Promise.resolve(createDefinitionReader({ files: nodeFiles() })),
      drivers: () => Promise.resolve([driver]),
      clock,
      chance: realChance,
      actor,
      usage: usageNow,
      agentHolder: () => Promise.resolve({ pid: 4711, sinceMs: 1_000 }),
    }),
    view,
    gate: (boundUrl) => createGate({ tokens, clock, randomBytes, log, allowedHosts: () => [], boundUrl }),
    hub,
    pages: {
      overview: ({ components }) => `<!doctype html><p>${components.length} components</p>`,
      asset: (path) =>
        path === '/assets/main.js' ? { body: Buffer.from('1'), type: 'text/javascript', immutable: true } : undefined,
    },
    metrics: metrics.page,
    definitionSchema: definitionJsonSchema,
    limits: { ...apiLimits, ...options.limits },
  });
  metrics.from({
    clock,
    registry: shared,
    view,
    queueDepth: () => 3,
    watches: () => hub.stats(),
    serving: () => server.serving(),
    registryBytes: () => Promise.resolve(4_096),
    ownUsage: () => ({ memoryBytes: 1, cpuSeconds: 1 }),
    componentUsage: () => usageNow.all(),
  });
  onTestFinished(async () => {
    await hub.close();
    await server.close();
    await registry.close();
    rmSync(home, { recursive: true, force: true });
  });
  await server.listen();

  const token = async (name = 'default'): Promise<string> =>
    (await tokens.read())?.tokens.find((entry) => entry.name === name)?.token ?? '';
  const bench: Bench = {
    home,
    registry,
    server,
    metrics,
    logged,
    health: healthy,
    ask: (method, path, more = {}) => ask(server, method, path, more),
    applyShop: async () => {
      const answer = await bench.ask('PUT', '/v1/services/shop', { body: { text: shopText } });
      if (answer.status !== 200) throw new Error(answer.text);
    },
    observe: (key, patch, events = []) => observe(registry, key, patch, events),
    token,
  };
  return bench;
}

/** One request on a connection of its own; fails when the connection does. */
export function ask(server: ApiServer, method: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const { socket, url } = server.address;
  const json = options.body === undefined ? undefined : JSON.stringify(options.body);
  const payload = options.raw ?? json;
  const way = options.token === undefined ? { socketPath: socket ?? '' } : { port: new URL(url ?? '').port };
  const bearer = options.token ? { authorization: `Bearer ${options.token}` } : {};
  const type: Record<string, string> =
    payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        ...way,
        host: '127.0.0.1',
        method,
        path,
        agent: false,
        headers: { ...type, ...bearer, ...options.headers },
      },
      (response) => {
        readAll(response).then((text) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: jsonOf(text) });
        }, reject);
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOf(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return {} as Body;
  }
}

async function observe(
  registry: Registry,
  key: string,
  patch: Partial<ComponentStatus>,
  events: readonly NewEvent[],
): Promise<void> {
  const parsed = parseKey(key);
  const record = parsed && (await registry.component(parsed));
  if (!record) throw new Error(`no component ${key}`);
  const status = {
    ...initialStatus,
    observedGeneration: record.generation,
    observedRevision: record.revision,
    restartToken: record.restartToken,
    ...patch,
  };
  await registry.updateStatus([{ key: record.key, generation: record.generation, status, events }], agentContext);
}

/** What shop/web is seen to use; nobody else is. */
const seenOfWeb = {
  key: { service: 'shop', component: 'web' },
  atMs: Date.UTC(2026, 0, 31, 12, 2),
  memoryBytes: 96 * 1_048_576,
  cpuPercent: 12.344,
  cpuMs: 61_500,
};
const usageNow: UsageView = {
  now: ({ component }) => (component === 'web' ? seenOfWeb : undefined),
  unwritten: () => [],
  all: () => [seenOfWeb],
};

/** What a component that runs looks like. */
export const up: Partial<ComponentStatus> = {
  phase: 'running',
  observed: 'running',
  ready: true,
  reason: 'Running',
  message: 'it runs',
  nativeId: 'c0ffee',
};
