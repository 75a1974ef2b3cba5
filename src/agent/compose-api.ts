/** The API of an agent, over the registry and the drivers that it has open. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGate, createTokenStore, nodeTokenAccess } from '../api/http/auth/index.js';
import type { Caller } from '../api/http/contract.js';
import type { Metrics } from '../api/http/metrics/metrics.js';
import { createApiServer } from '../api/http/server.js';
import { createWatchHub } from '../api/http/watch/index.js';
import type { LocalClientPorts } from '../api/ports.js';
import { sharedReads } from '../api/shared-reads.js';
import { loadPages } from '../dashboard/server/pages.js';
import { createDefinitionReader, definitionJsonSchema, nodeFiles } from '../definition/index.js';
import { readLastCopy } from '../registry/index.js';
import { createNodeFacts } from './node-facts.js';
import type { ApiFacts, ApiPart } from './run-agent.js';
import { systemChance, systemClock, tokensPath } from './system.js';

/** Makes the API; it listens nowhere yet. */
export function composeApi(facts: ApiFacts, metrics: Metrics, version: string): ApiPart {
  const { drivers, settings, home, startedAtMs, view, usage } = facts;
  const log = facts.log.child({ part: 'api' });
  const registry = sharedReads(facts.registry, systemClock);
  const reader = createDefinitionReader({ files: nodeFiles() });
  const node = createNodeFacts({
    clock: systemClock,
    lastCopy: () => Promise.resolve(readLastCopy(facts.registry.path)),
  });
  const hub = createWatchHub({ registry: facts.registry, clock: systemClock, log });
  const portsFor = ({ actor, access }: Pick<Caller, 'actor' | 'access'>): LocalClientPorts => ({
    registry,
    reader: () => Promise.resolve(reader),
    drivers: () => Promise.resolve(drivers),
    node,
    clock: systemClock,
    chance: systemChance,
    actor,
    blind: access !== 'write',
    usage,
    agentHolder: () => Promise.resolve({ pid: process.pid, sinceMs: startedAtMs }),
  });
  const server = createApiServer({
    home,
    version,
    pid: process.pid,
    tcp: settings().api_listen,
    clock: systemClock,
    chance: systemChance,
    log,
    registry,
    portsFor,
    view,
    gate: (boundUrl) =>
      createGate({
        tokens: createTokenStore({
          path: tokensPath(home),
          files: nodeTokenAccess,
          clock: systemClock,
          randomBytes,
          log,
        }),
        clock: systemClock,
        randomBytes,
        log,
        allowedHosts: () => settings().api_hosts.split(','),
        boundUrl,
      }),
    hub,
    pages: loadPages({ folder: dashboardFolder(), version, home: basename(home) }),
    metrics: metrics.page,
    definitionSchema: definitionJsonSchema,
  });
  metrics.from({
    clock: systemClock,
    registry,
    view,
    queueDepth: facts.queueDepth,
    watches: () => hub.stats(),
    serving: () => server.serving(),
    ...figuresOf(facts),
  });
  return {
    listen: () => server.listen(),
    close: async () => {
      await Promise.all([server.close(), hub.close()]);
    },
  };
}

/** Beside the bundle or the compiled program; where neither is, there is no dashboard but the table. */
function dashboardFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const dist = here.lastIndexOf('/dist/');
  return dist < 0 ? join(here, '../../dist/dashboard') : join(here.slice(0, dist), 'dist/dashboard');
}

/** What the agent and its components take up. */
function figuresOf({ registry, usage }: ApiFacts) {
  return {
    registryBytes: () => bytesOf(registry.path),
    ownUsage,
    componentUsage: () => usage.all(),
  };
}

/** The file with its write-ahead log. */
async function bytesOf(path: string): Promise<number | null> {
  const sizes = await Promise.all(
    [path, `${path}-wal`].map((name) =>
      stat(name).then(
        ({ size }) => size,
        () => null,
      ),
    ),
  );
  return sizes[0] === null ? null : (sizes[0] ?? 0) + (sizes[1] ?? 0);
}

function ownUsage(): { readonly memoryBytes: number; readonly cpuSeconds: number } {
  const { user, system } = process.cpuUsage();
  return { memoryBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1_000_000 };
}
