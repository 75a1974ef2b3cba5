/**
 * A whole home over a simulated host on a virtual clock: the real controller, monitor, reconciler and
 * registry. Its agent can die at any instant and be started again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultReconcileSettings } from '../../reconcilers/component/index.js';
import { Controller } from '../../src/controller/controller.js';
import { BerthError } from '../../src/core/errors.js';
import { formatKey, volumeName } from '../../src/core/names.js';
import type { Log } from '../../src/core/ports/log.js';
import type { Change, ChangeContext, ComponentRecord, Registry } from '../../src/core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../../src/core/spec.js';
import { Monitor } from '../../src/monitor/monitor.js';
import { openRegistry } from '../../src/registry/index.js';
import {
  createSimulatedDriver,
  createSimulatedHost,
  noLatencies,
  type Effect,
  type SimulatedDriver,
  type SimulatedHost,
} from '../../src/runtimes/simulated/index.js';
import { createSeededChance } from '../../src/simulation/seeded-chance.js';
import { createVirtualClock, type VirtualClock } from '../../src/simulation/virtual-clock.js';

const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
function nothing(): void {
  // Tests read the registry and the host, not the log.
}

const user: ChangeContext = { actor: 'cli:test', request: null, message: null };

/** Component specs by service. */
export type Services = Readonly<Record<string, readonly (Partial<ComponentSpec> & { readonly name: string })[]>>;

/** One life of an agent: everything that dies with it. */
class Life {
  readonly drivers: readonly SimulatedDriver[];
  readonly monitor: Monitor;
  readonly controller: Controller;
  readonly #gate: { dead: boolean };

  constructor(home: SimHome) {
    this.#gate = { dead: false };
    const gate = this.#gate;
    const { host, registry } = home;
    const clock = clockOfLife(home.clock, gate);
    const common = { host, homeId: registry.homeId, namePrefix: '', clock };
    this.drivers = [
      createSimulatedDriver(common),
      createSimulatedDriver({
        ...common,
        name: 'simulated-vm',
        runtimes: ['microvm', 'unikernel'],
        imagesOf: 'simulated',
      }),
    ];
    for (const driver of this.drivers) fallSilent(driver, home.silentDrivers);
    this.monitor = new Monitor({
      drivers: this.drivers,
      homeId: registry.homeId,
      clock,
      log: () => silence,
      relistMs: () => 10_000,
      listener: {
        onWorkloads: (workloads) => {
          this.controller.onWorkloads(workloads);
        },
        onAll: () => {
          this.controller.onAll();
        },
        onHealth: (health) => {
          this.controller.onHealth(health);
        },
      },
    });
    this.controller = new Controller({
      registry: mortal(registry, gate),
      view: this.monitor,
      clock,
      chance: home.chance,
      log: silence,
      files: { stamp: () => Promise.resolve('1'), read: () => Promise.resolve('') },
      settings: () => ({ reconcile: defaultReconcileSettings, concurrency: 8, fullPassMs: 300_000 }),
    });
  }

  async start(): Promise<void> {
    await this.monitor.start();
    await this.controller.start();
  }

  /** As SIGKILL: nothing of this life acts any more. */
  die(): void {
    this.#gate.dead = true;
    for (const driver of this.drivers) driver.crash();
  }

  async close(): Promise<void> {
    await this.controller.close();
    await this.monitor.close();
  }
}

/** A driver that cannot be asked for anything while its name is among `silent`. */
function fallSilent(driver: SimulatedDriver, silent: ReadonlySet<string>): void {
  const { list, inspect } = driver;
  const mustAnswer = (): void => {
    if (silent.has(driver.name)) throw new BerthError('E_DRIVER_UNREACHABLE', 'no answer, as planned');
  };
  Object.assign(driver, {
    list: async (signal: AbortSignal) => {
      mustAnswer();
      return Reflect.apply(list, driver, [signal]);
    },
    inspect: async (idOrName: string, signal: AbortSignal) => {
      mustAnswer();
      return Reflect.apply(inspect, driver, [idOrName, signal]);
    },
  });
}

/** A dead agent's timers do not fire. */
function clockOfLife(clock: VirtualClock, gate: { readonly dead: boolean }): VirtualClock {
  return Object.assign(Object.create(clock) as VirtualClock, {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms: number, run: () => void) =>
      clock.after(ms, () => {
        if (!gate.dead) run();
      }),
  });
}

/** The registry as a mortal process sees it: after its death, no call goes in and no answer comes out. */
function mortal(registry: Registry, gate: { readonly dead: boolean }): Registry {
  return new Proxy(registry, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'watch') {
        return (notify: () => void) =>
          target.watch(() => {
            if (!gate.dead) notify();
          });
      }
      return async (...args: readonly unknown[]) => {
        if (isDead(gate)) return never();
        const answer: unknown = await (Reflect.apply(value, target, args) as Promise<unknown>);
        return isDead(gate) ? never() : answer;
      };
    },
  });
}

function isDead(gate: { readonly dead: boolean }): boolean {
  return gate.dead;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

export class SimHome {
  readonly clock: VirtualClock;
  readonly chance: ReturnType<typeof createSeededChance>;
  readonly host: SimulatedHost;
  readonly registry: Registry;
  readonly folder: string;
  /** Names of drivers of which nothing can be read now. */
  readonly silentDrivers = new Set<string>();
  life: Life | undefined;

  private constructor(
    clock: VirtualClock,
    chance: ReturnType<typeof createSeededChance>,
    registry: Registry,
    folder: string,
  ) {
    this.clock = clock;
    this.chance = chance;
    this.registry = registry;
    this.folder = folder;
    this.host = createSimulatedHost({ clock, chance, latencies: noLatencies });
  }

  static async open(seed = 1): Promise<SimHome> {
    const clock = createVirtualClock();
    const chance = createSeededChance(seed);
    const folder = mkdtempSync(join(tmpdir(), 'berth-sim-'));
    const registry = await openRegistry({ path: join(folder, 'registry.db'), clock, chance, create: true });
    return new SimHome(clock, chance, registry, folder);
  }

  async close(): Promise<void> {
    const { life } = this;
    if (life) await this.clock.settle(life.close());
    await this.registry.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async start(): Promise<void> {
    this.life = new Life(this);
    await this.clock.settle(this.life.start());
  }

  /** The agent dies as by SIGKILL. */
  crash(): void {
    this.life?.die();
    this.life = undefined;
  }

  /** Dies when `chosen` says so of an effect; `onCrash` hears of it. */
  crashAt(chosen: (effect: Effect) => boolean): { readonly crashed: () => boolean } {
    let crashed = false;
    this.host.onEffect = (effect) => {
      if (crashed || !chosen(effect)) return;
      crashed = true;
      this.crash();
    };
    return { crashed: () => crashed };
  }

  async change(changes: readonly Change[]): Promise<void> {
    await this.registry.change(changes, user);
  }

  async put(services: Services): Promise<void> {
    const changes: Change[] = [];
    for (const [name, components] of Object.entries(services)) {
      changes.push({ kind: 'put-service', name, node: 'local', active: true });
      for (const patch of components) {
        const spec = { ...componentDefaults, image: 'localhost/app:1', ...patch };
        changes.push({ kind: 'put-component', service: name, spec, source: null });
      }
    }
    await this.change(changes);
  }

  /** What a named volume holds with the containers and with the machines; undefined: there is none. */
  volume(service: string, volume: string): { readonly container: string | undefined; readonly vm: string | undefined } {
    const name = volumeName(this.registry.homeId, service, volume);
    const { volumes } = this.host;
    return { container: volumes.get('container', name), vm: volumes.get('vm', name) };
  }

  async record(service: string, component: string): Promise<ComponentRecord> {
    const record = await this.registry.component({ service, component });
    if (!record) throw new Error(`no ${service}/${component}`);
    return record;
  }

  /** Goes on until every component rests where it is wanted. */
  async converge(maxVirtualMs = 120_000): Promise<void> {
    let why = '';
    await this.clock.runUntil(
      async () => {
        why = await this.#unrest();
        return why === '';
      },
      maxVirtualMs,
      { describe: () => `convergence (${why})` },
    );
  }

  async #unrest(): Promise<string> {
    const records = await this.registry.components();
    for (const record of records) {
      const { status } = record;
      const wanted =
        record.desired === 'running' && record.service.active ? ['running', 'completed', 'failed'] : ['stopped'];
      const right = !record.deleting && wanted.includes(status.phase) && status.observedRevision >= record.revision;
      const settled =
        (status.phase !== 'running' || status.goodGeneration === record.generation) &&
        (status.phase !== 'failed' || status.ready);
      if (!right || !settled) return `${formatKey(record.key)} is ${status.phase}: ${status.message}`;
    }
    const ids = new Set(records.map((record) => record.status.nativeId));
    const left = this.host
      .containers()
      .filter((item) => !ids.has(item.id) && item.spec.labels['berth.home'] !== undefined);
    if (left.length > 0) return `left over: ${left.map((item) => item.name).join(', ')}`;
    const old = (await this.registry.volumeHolders()).filter(({ state }) => state !== 'current');
    return old.length === 0 ? '' : `volumes left over: ${JSON.stringify(old)}`;
  }
}
