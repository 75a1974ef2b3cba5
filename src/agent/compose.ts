/**
 * Puts Berth together: the one file that knows every part. Heavy parts are loaded when they are needed, so
 * that a command that only reads the registry starts fast.
 */
import { existsSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { cpus, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { BerthClient } from '../api/client.js';
import type { TokenKeeper } from '../api/http/auth/index.js';
import type {
  AgentOptions,
  CliDeps,
  ConnectOptions,
  Maintenance,
  SimulationRequest,
  SimulationRun,
  VmSetUp,
} from '../cli/deps.js';
import { processStdio } from '../cli/node-stdio.js';
import type { Driver } from '../core/ports/driver.js';
import type { Log } from '../core/ports/log.js';
import type { Registry } from '../core/ports/registry.js';
import { createEnvFileAccess } from './env-file-access.js';
import type { AgentFacts, AgentParts } from './run-agent.js';
import type { Settings } from './settings.js';
import { homeFolder, registryPath, systemChance, systemClock, tokensPath } from './system.js';

type Env = Readonly<Record<string, string | undefined>>;

const isRoot = process.getuid?.() === 0;

/** The dependencies of the command line in this process. */
export function composeCli(env: Env): CliDeps {
  return {
    connect: (options) => connect(options, env),
    runAgent: (options) => agent(options, env),
    maintenance: maintenanceOf(env),
    tokens: (home) => tokenKeeper(homeFolder(home, env, isRoot)),
    loginLink: async ({ home, ...request }) => {
      const { requestLoginLink } = await import('../api/remote/login-link.js');
      return requestLoginLink({ ...request, home: homeFolder(home, env, isRoot), clock: systemClock });
    },
    vm: { setUp: (home, say, signal) => setUpVms(homeFolder(home, env, isRoot), env, say, signal) },
    simulation: { names: async () => (await import('../simulation/index.js')).scenarioNames(), run: simulated },
    runEditor,
    stdio: processStdio(),
    env,
    cwd: process.cwd(),
    clock: systemClock,
    userName: () => env['SUDO_USER'] ?? nameOfUser(),
    version: readVersion(),
  };
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no account has.
    return `uid-${String(process.getuid?.() ?? 'unknown')}`;
  }
}

function readVersion(): string {
  // The package's folder is two or three above, compiled or not.
  for (const up of ['../../package.json', '../../../package.json']) {
    const path = new URL(up, import.meta.url);
    if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
  }
  return 'unknown';
}

async function agent(options: AgentOptions, env: Env): Promise<number> {
  const [{ runAgent }, { loadSettings }, parts] = await Promise.all([
    import('./run-agent.js'),
    import('./settings-file.js'),
    agentParts(),
  ]);
  const home = homeFolder(options.home, env, isRoot);
  const { config, set } = options;
  return runAgent({
    home,
    parts,
    loadSettings: () => loadSettings({ home, env, config, set, watch: options.watch[0] ?? null }),
    onReady: () => {
      const words = `berth agent serves ${home} (process ${process.pid}); Ctrl-C ends it, workloads run on\n`;
      process.stdout.write(words);
    },
  });
}

async function agentParts(): Promise<AgentParts> {
  const [
    registries,
    { Monitor },
    { Controller },
    { Sampler },
    { createDrivers },
    definitions,
    { definitionFeed },
    { composeApi },
    { createMetrics },
  ] = await Promise.all([
    import('../registry/index.js'),
    import('../monitor/monitor.js'),
    import('../controller/controller.js'),
    import('../usage/sampler.js'),
    import('./compose-drivers.js'),
    import('../definition/index.js'),
    import('./definition-feed.js'),
    import('./compose-api.js'),
    import('../api/http/metrics/metrics.js'),
  ]);
  const metrics = createMetrics(systemClock);
  return {
    acquireLock: registries.acquireAgentLock,
    openRegistry: (path, settings, log) =>
      registries.openRegistry({
        path,
        clock: systemClock,
        chance: systemChance,
        create: true,
        migrate: 'auto',
        namePrefix: settings.name_prefix,
        onMigrated: ({ backup, wayBack }) => {
          log.info({ backup, wayBack }, 'the registry was migrated');
        },
      }),
    drivers: (home, registry, settings, log) =>
      createDrivers({ home, registry, settings, log, transient: false }).map((driver) => metrics.watchDriver(driver)),
    monitor: ({ registry, drivers, log, settings }, listener) =>
      new Monitor({
        drivers,
        homeId: registry.homeId,
        clock: systemClock,
        log: (driver) => log.child({ driver }),
        relistMs: () => settings().relist_s * 1_000,
        listener,
      }),
    controller: ({ registry, log, settings }, view) =>
      new Controller({
        registry: metrics.watchRegistry(registry),
        observer: metrics.reconciler,
        view,
        clock: systemClock,
        chance: systemChance,
        log: log.child({ part: 'controller' }),
        files: createEnvFileAccess({ clock: systemClock }),
        settings: () => controllerSettings(settings()),
      }),
    usage: (facts, view) => new Sampler({ ...samplerOptions(facts), view }),
    api: (facts) => composeApi(facts, metrics, readVersion()),
    watchDefinitions: async (folder, { registry, log }) =>
      definitions.watchDefinitions({
        folder,
        files: definitions.nodeFiles(),
        clock: systemClock,
        ...(await definitionFeed(registry, log)),
      }),
  };
}

function samplerOptions({ registry, log, settings }: AgentFacts) {
  return {
    registry,
    clock: systemClock,
    log: log.child({ part: 'usage' }),
    intervalMs: settings().usage_sample_s * 1_000,
    cores: cpus().length,
  };
}

function controllerSettings(settings: Settings) {
  return {
    concurrency: settings.concurrency,
    fullPassMs: settings.full_pass_s * 1_000,
    reconcile: {
      backoff: {
        firstMs: settings.backoff_first_s * 1_000,
        longestMs: settings.backoff_longest_s * 1_000,
        forgetAfterMs: settings.backoff_forget_s * 1_000,
      },
      settleMs: settings.settle_s * 1_000,
      failuresBeforePutBack: settings.failures_before_put_back,
      healsBeforeContest: settings.heals_before_contest,
      contestWindowMs: settings.contest_window_s * 1_000,
      stuckStoppingMs: settings.stuck_stopping_s * 1_000,
    },
  };
}

/** The agent that was named, else the one that serves the home, else the home's registry file. */
async function connect(options: ConnectOptions, env: Env): Promise<BerthClient> {
  const { actor, host } = options;
  const shared = { reader: definitionReader, clock: systemClock };
  if (host !== null) return (await import('../api/remote/connect.js')).connectToHost({ ...host, ...shared });
  const home = homeFolder(options.home, env, isRoot);
  const openLocal = (): Promise<BerthClient> => openFile(home, options, env);
  const served = ['berth.sock', 'berth.sock.path'].some((name) => existsSync(join(home, name)));
  if (!served) return openLocal();
  const { connectToHome } = await import('../api/remote/connect.js');
  return (await connectToHome({ home, version: readVersion(), actor, openLocal, ...shared })) ?? openLocal();
}

async function tokenKeeper(home: string): Promise<TokenKeeper> {
  const { createTokenKeeper, createTokenStore, nodeTokenAccess } = await import('../api/http/auth/index.js');
  const shared = { path: tokensPath(home), clock: systemClock, randomBytes };
  const store = createTokenStore({ ...shared, files: nodeTokenAccess, log: warningsOnly });
  return createTokenKeeper({ ...shared, store });
}

/** Of a command: what a person must know, and nothing else. */
const warningsOnly: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (facts: object | string, message?: string) => {
    process.stderr.write(`warning: ${message ?? (typeof facts === 'string' ? facts : '')}\n`);
  },
  error: () => undefined,
};

async function openFile(home: string, options: ConnectOptions, env: Env): Promise<BerthClient> {
  const [{ createLocalClient }, { openRegistry, readAgentHolder, readLastCopy }, { createNodeFacts }] =
    await Promise.all([import('../api/local-client.js'), import('../registry/index.js'), import('./node-facts.js')]);
  const path = registryPath(home);
  const isNew = options.create && !existsSync(path);
  const registry = await openRegistry({
    path,
    clock: systemClock,
    chance: systemChance,
    create: options.create,
    migrate: 'refuse',
    verify: false,
    ...(isNew ? { namePrefix: (await settingsOf(home, env)).name_prefix } : {}),
  });
  return createLocalClient({
    registry,
    reader: definitionReader,
    drivers: () => commandDrivers(home, registry, env),
    node: createNodeFacts({ clock: systemClock, lastCopy: () => Promise.resolve(readLastCopy(path)) }),
    clock: systemClock,
    chance: systemChance,
    actor: options.actor,
    agentHolder: () => {
      const { running, info } = readAgentHolder(path);
      return Promise.resolve(running ? { pid: info?.pid ?? 0, sinceMs: info?.startedAtMs ?? 0 } : null);
    },
  });
}

/** Without what it takes to watch a folder. */
async function definitionReader() {
  const [{ createDefinitionReader }, { nodeFiles }] = await Promise.all([
    import('../definition/reader.js'),
    import('../definition/files.js'),
  ]);
  return createDefinitionReader({ files: nodeFiles() });
}

async function settingsOf(home: string, env: Env): Promise<Settings> {
  const { loadSettings } = await import('./settings-file.js');
  return loadSettings({ home, env, config: null, set: [], watch: null });
}

/** The runtimes, for one command; each is opened when it is used, by whoever uses it. */
async function commandDrivers(home: string, registry: Registry, env: Env): Promise<readonly Driver[]> {
  const [{ createDrivers, silentLog }, settings] = await Promise.all([
    import('./compose-drivers.js'),
    settingsOf(home, env),
  ]);
  return createDrivers({ home, registry, settings, log: silentLog, transient: true });
}

async function setUpVms(home: string, env: Env, say: (step: string) => void, signal: AbortSignal): Promise<VmSetUp> {
  const [{ setUpGuestKernel }, settings] = await Promise.all([import('./compose-drivers.js'), settingsOf(home, env)]);
  return setUpGuestKernel(home, settings, say, signal);
}

async function* simulated(request: SimulationRequest): AsyncGenerator<SimulationRun> {
  const [{ simulate }, { readUserFile }] = await Promise.all([import('../simulation/index.js'), import('./system.js')]);
  const schedule = request.schedule === null ? null : await readUserFile(request.schedule);
  yield* simulate({ ...request, schedule });
}

function maintenanceOf(env: Env): Maintenance {
  const pathOf = (home: string | null): string => registryPath(homeFolder(home, env, isRoot));
  const registry = () => import('../registry/index.js');
  return {
    check: async (home) => {
      const result = (await registry()).checkRegistry(pathOf(home));
      const problems = result.problems.map((problem) => `${problem.kind}: ${problem.message}`);
      return { ok: result.ok, path: result.path, version: result.version ?? 0, problems };
    },
    backup: async (home, to) => {
      const { backupRegistry } = await registry();
      return backupRegistry({ path: pathOf(home), clock: systemClock, ...(to === null ? {} : { target: to }) });
    },
    restore: async (home, from) => {
      const { restoreRegistry } = await registry();
      const path = pathOf(home);
      const world = { clock: systemClock, chance: systemChance, host: hostname(), pid: process.pid };
      return { path, kept: restoreRegistry({ path, backup: from, ...world }).keptAside };
    },
    migrate: async (home) => {
      const { migrateRegistry } = await registry();
      const path = pathOf(home);
      const { from, to, backup } = await migrateRegistry({ path, clock: systemClock });
      return { path, from, to, backup };
    },
  };
}

/** Runs a program on the terminal; an editor may take as long as its user does, so there is no deadline. */
async function runEditor(argv: readonly string[]): Promise<number> {
  const { execa } = await import('execa');
  const [file = '', ...args] = argv;
  const result = await execa(file, args, { stdio: 'inherit', reject: false });
  return result.exitCode ?? 1;
}
