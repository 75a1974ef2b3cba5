/**
 * The agent in the foreground: takes the lock, opens registry and drivers, lets the controller and the
 * monitor run, and ends on SIGTERM within two seconds at any moment.
 */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { BerthError, messageOf } from '../core/errors.js';
import type { Driver } from '../core/ports/driver.js';
import type { Registry } from '../core/ports/registry.js';
import type { UsageView } from '../core/ports/usage.js';
import type { RuntimeListener, RuntimeView } from '../core/ports/view.js';
import { agentLog } from './log.js';
import { shutFiles } from './private-files.js';
import type { Settings } from './settings.js';
import { registryPath, systemClock } from './system.js';
import { hearUnheard } from './unheard.js';

/** Something that runs until it is closed. */
export interface Closable {
  close(): Promise<void>;
}

/** The parts that an agent is made of; src/agent/compose.ts brings them. */
export interface AgentParts {
  acquireLock(
    path: string,
    info: { readonly pid: number; readonly host: string; readonly startedAtMs: number },
  ): () => void;
  openRegistry(path: string, settings: Settings, log: Logger): Promise<Registry>;
  drivers(home: string, registry: Registry, settings: Settings, log: Logger): readonly Driver[];
  monitor(facts: AgentFacts, listener: RuntimeListener): RuntimeView & Closable & { start(): Promise<void> };
  controller(
    facts: AgentFacts,
    view: RuntimeView,
  ): RuntimeListener & Closable & { start(): Promise<void>; readonly queueDepth: number };
  usage(facts: AgentFacts, view: RuntimeView): UsageView & Closable & { start(): void };
  api(facts: ApiFacts): ApiPart;
  watchDefinitions(folder: string, facts: AgentFacts): Promise<Closable>;
}

/** What parts may ask of the agent. */
export interface AgentFacts {
  readonly registry: Registry;
  readonly drivers: readonly Driver[];
  readonly log: Logger;
  /** As they are now: SIGHUP reads them again. */
  readonly settings: () => Settings;
}

/** What the API is made of, beside the facts that all parts have. */
export interface ApiFacts extends AgentFacts {
  readonly home: string;
  readonly view: RuntimeView;
  readonly usage: UsageView;
  readonly startedAtMs: number;
  /** Components that wait for the controller or are worked on. */
  readonly queueDepth: () => number;
}

/** Faces over HTTP. Neither call ever fails: an agent that cannot be talked to still does its work. */
export interface ApiPart extends Closable {
  /** Resolves when each of its addresses was tried once. */
  listen(): Promise<void>;
}

export interface AgentRun {
  readonly home: string;
  readonly parts: AgentParts;
  /** Reads all sources of settings. E_SETTINGS. */
  readonly loadSettings: () => Settings;
  /** Told once the agent serves: everything was looked at once. */
  readonly onReady: () => void;
}

/** What an orderly end may take; after that the process ends as it is, and the next agent picks up. */
const shutdownMs = 1_500;

/** Runs until SIGTERM or SIGINT. Answers the exit code. E_AGENT_RUNNING, E_SETTINGS, errors of the registry. */
export async function runAgent(run: AgentRun): Promise<number> {
  const stop = untilSignal();
  endBeforeLong(stop);
  let settings = run.loadSettings();
  const log = agentLog(settings, process.stderr);
  await makeHome(run.home);
  await shutFiles(run.home, log);
  const path = registryPath(run.home);
  const release = run.parts.acquireLock(path, { pid: process.pid, host: hostname(), startedAtMs: systemClock.now() });
  const reload = (): void => {
    try {
      settings = run.loadSettings();
      log.level = settings.log_level;
      log.info('settings are read again');
    } catch (error) {
      log.error({ err: messageOf(error) }, 'settings stay as they were');
    }
  };
  process.on('SIGHUP', reload);
  const deafen = hearUnheard(process, log);
  try {
    const registry = await run.parts.openRegistry(path, settings, log);
    refuseOtherPrefix(registry, settings);
    const drivers = run.parts.drivers(run.home, registry, settings, log);
    return await serve(run, { registry, drivers, log, settings: () => settings }, stop);
  } finally {
    process.off('SIGHUP', reload);
    deafen();
    release();
  }
}

/** Another prefix would give every workload another name: that is a new home, not a setting. */
function refuseOtherPrefix(registry: Registry, settings: Settings): void {
  if (settings.name_prefix === '' || settings.name_prefix === registry.namePrefix) return;
  const message = `name_prefix is "${settings.name_prefix}", but this home was made with "${registry.namePrefix}"`;
  throw new BerthError('E_SETTINGS', message, { suggestion: 'take the setting back, or set another BERTH_HOME' });
}

/** Whoever decides is made after whoever watches, which must be able to tell it: this stands between them. */
class Relay implements RuntimeListener {
  target: RuntimeListener | undefined;

  onWorkloads(...args: Parameters<RuntimeListener['onWorkloads']>): void {
    this.target?.onWorkloads(...args);
  }

  onAll(): void {
    this.target?.onAll();
  }

  onHealth(...args: Parameters<RuntimeListener['onHealth']>): void {
    this.target?.onHealth(...args);
  }
}

/** Serves until `stop` resolves. Answers the exit code; fails as the start does. Exported for its tests. */
export async function serve(run: AgentRun, facts: AgentFacts, stop: Promise<string>): Promise<number> {
  const { log, drivers, registry } = facts;
  const relay = new Relay();
  const monitor = run.parts.monitor(facts, relay);
  const controller = run.parts.controller(facts, monitor);
  relay.target = controller;
  const usage = run.parts.usage(facts, monitor);
  const api = run.parts.api({
    ...facts,
    home: run.home,
    view: monitor,
    usage,
    startedAtMs: systemClock.now(),
    queueDepth: () => controller.queueDepth,
  });
  const watchers: Closable[] = [];
  const starting = new AbortController();
  const { signal } = starting;
  const look = async (): Promise<void> => {
    usage.start();
    const folder = facts.settings().definitions;
    if (folder !== undefined) watchers.push(await run.parts.watchDefinitions(folder, facts));
  };
  const start = async (): Promise<void> => {
    const listening = api.listen();
    const steps: readonly (() => Promise<unknown>)[] = [
      () => Promise.all(drivers.map((driver) => openDriver(driver, log, signal))),
      () => monitor.start(),
      () => controller.start(),
      look,
      () => listening,
    ];
    for (const step of steps) {
      await step();
      // Told to end meanwhile: nothing more is begun.
      if (signal.aborted) return;
    }
    log.info({ home: run.home, pid: process.pid, homeId: registry.homeId }, 'serves');
    run.onReady();
  };
  const closeParts = async (): Promise<void> => {
    await Promise.all(watchers.splice(0).map((watcher) => watcher.close()));
    await Promise.all([controller.close(), usage.close()]);
    await monitor.close();
  };
  const started = start();
  const failure = started.then(
    () => new Promise<never>(() => undefined),
    (error: unknown) => error,
  );
  const end = await Promise.race([stop, failure]);
  if (typeof end === 'string') log.info({ signal: end }, 'ends; workloads run on');
  const forced = typeof end === 'string' ? undefined : setTimeout(() => process.exit(1), shutdownMs);
  starting.abort();
  await api.close();
  await closeParts();
  // Closing ends what the start waits for; what it began after that is closed as well.
  await started.catch(() => undefined);
  await closeParts();
  await Promise.all(drivers.map((driver) => driver.close()));
  await registry.close();
  clearTimeout(forced);
  if (typeof end !== 'string') throw end;
  return 0;
}

/** A driver that cannot open is said to be so by the monitor; the others go on. */
async function openDriver(driver: Driver, log: Logger, signal: AbortSignal): Promise<void> {
  try {
    await driver.open(signal);
  } catch (error) {
    log.warn({ driver: driver.name, err: messageOf(error) }, 'does not open yet');
  }
}

async function makeHome(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new BerthError('E_REGISTRY_IO', `cannot make the home ${home}: ${messageOf(error)}`, { cause: error });
  }
}

/** A signal ends the process at any moment, also while it waits for a locked registry or a runtime that hangs. */
function endBeforeLong(stop: Promise<string>): void {
  void stop.then(() => {
    setTimeout(() => process.exit(0), shutdownMs).unref();
  });
}

/** Resolves with the name of the first signal that ends the agent. */
function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve(signal);
      });
    }
  });
}
