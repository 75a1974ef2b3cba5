/** Registry, monitor and controller as the agent has them, over a simulated host without latencies, on the real clock. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultReconcileSettings } from '../reconcilers/component/index.js';
import { Controller } from '../src/controller/controller.js';
import type { Driver } from '../src/core/ports/driver.js';
import type { Log } from '../src/core/ports/log.js';
import type { Change, ChangeContext, Registry } from '../src/core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../src/core/spec.js';
import { Monitor } from '../src/monitor/monitor.js';
import { openRegistry } from '../src/registry/index.js';
import { createSimulatedDriver, createSimulatedHost, noLatencies } from '../src/runtimes/simulated/index.js';
import { eventually } from '../test/support/eventually.js';
import { realChance, realClock } from '../test/support/real-clock.js';

const image = 'localhost/app:1';
const nothing = (): void => {};
const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
export const benchContext: ChangeContext = { actor: 'cli:bench', request: null, message: null };

/** At most so many components a service; see `limits`. */
const perService = 200;

export interface RealCore {
  readonly registry: Registry;
  readonly controller: Controller;
  readonly path: string;
  /** Calls of the driver's `update`, by the monotonic clock, newest last. */
  readonly updates: number[];
  /** How many components the controller has looked at. */
  looks(): number;
  /** The agent ends and starts again on the same registry and host; milliseconds from opening the registry until all was looked at. */
  restart(): Promise<number>;
  close(): Promise<void>;
}

/** The spec of a component that does nothing. */
export function idle(name: string, memoryMb: number | null): ComponentSpec {
  return { ...componentDefaults, name, image, memoryMb };
}

/** What dies with an agent. */
interface Life {
  readonly controller: Controller;
  close(): Promise<void>;
}

interface Parts {
  readonly registry: Registry;
  readonly driver: Driver;
  readonly onLook: () => void;
}

/** An agent's monitor and controller, until the first look at everything is under way. */
async function startLife({ registry, driver, onLook }: Parts): Promise<Life> {
  const monitor = new Monitor({
    drivers: [driver],
    homeId: registry.homeId,
    clock: realClock,
    log: () => silence,
    relistMs: () => 10_000,
    listener: {
      onWorkloads: (workloads) => controller.onWorkloads(workloads),
      onAll: () => controller.onAll(),
      onHealth: (health) => controller.onHealth(health),
    },
  });
  const controller: Controller = new Controller({
    registry: heard(registry, 'component', onLook),
    view: monitor,
    clock: realClock,
    chance: realChance,
    log: silence,
    files: { stamp: () => Promise.resolve('1'), read: () => Promise.resolve('') },
    settings: () => ({ reconcile: defaultReconcileSettings, concurrency: 16, fullPassMs: 3_600_000 }),
  });
  await monitor.start();
  await controller.start();
  const close = async (): Promise<void> => {
    await controller.close();
    await monitor.close();
  };
  return { controller, close };
}

/** A core whose `count` components all run. */
export async function openRealCore(count: number): Promise<RealCore> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const path = join(folder, 'registry.db');
  const open = (): Promise<Registry> => openRegistry({ path, clock: realClock, chance: realChance, create: true });
  let registry = await open();
  const host = createSimulatedHost({ clock: realClock, chance: realChance, latencies: noLatencies });
  host.images.add(image);
  const updates: number[] = [];
  let looks = 0;
  const live = (): Promise<Life> => {
    const simulated = createSimulatedDriver({ host, homeId: registry.homeId, namePrefix: '', clock: realClock });
    const driver: Driver = heard<Driver>(simulated, 'update', () => updates.push(performance.now()));
    return startLife({ registry, driver, onLook: () => (looks += 1) });
  };
  await fill(registry, count);
  let life = await live();
  await eventually(() => allRun(registry), { timeoutMs: 900_000, everyMs: 200, describe: `${count} components run` });
  const atRest = (): Promise<unknown> =>
    eventually(() => life.controller.queueDepth === 0, { timeoutMs: 120_000, everyMs: 1 });
  await atRest();
  const stop = async (): Promise<void> => {
    await life.close();
    await registry.close();
  };
  return {
    get registry() {
      return registry;
    },
    get controller() {
      return life.controller;
    },
    path,
    updates,
    looks: () => looks,
    restart: async () => {
      await stop();
      const beganMs = performance.now();
      const before = looks;
      registry = await open();
      life = await live();
      await eventually(() => looks >= before + count, { timeoutMs: 120_000, everyMs: 1, describe: 'a look at each' });
      await atRest();
      return performance.now() - beganMs;
    },
    close: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function fill(registry: Registry, count: number): Promise<void> {
  for (let from = 0; from < count; from += perService) {
    const service = `s${from / perService}`;
    const changes: Change[] = [{ kind: 'put-service', name: service, node: 'local', active: true }];
    for (let index = from; index < Math.min(count, from + perService); index += 1) {
      changes.push({ kind: 'put-component', service, spec: idle(`c${index}`, 64), source: null });
    }
    await registry.change(changes, benchContext);
  }
}

async function allRun(registry: Registry): Promise<boolean> {
  const records = await registry.components();
  return records.every(({ status, generation }) => status.phase === 'running' && status.goodGeneration === generation);
}

/** The same object, with `hear` told of each call of one of its methods. */
function heard<T extends object>(object: T, method: keyof T, hear: () => void): T {
  return new Proxy(object, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]): unknown => {
        if (name === method) hear();
        return Reflect.apply(value, target, args);
      };
    },
  });
}
