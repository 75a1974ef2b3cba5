/** One life of a simulated agent: the real controller and monitor, and everything that dies with them. */
import { defaultReconcileSettings } from '../../reconcilers/component/index.js';
import { Controller } from '../controller/controller.js';
import { BerthError, toBerthError } from '../core/errors.js';
import type { Chance } from '../core/ports/clock.js';
import type { Log } from '../core/ports/log.js';
import type { FeedScope, Registry, StatusUpdate } from '../core/ports/registry.js';
import { formatKey } from '../core/names.js';
import { Monitor } from '../monitor/monitor.js';
import { createSimulatedDriver, type SimulatedDriver, type SimulatedHost } from '../runtimes/simulated/index.js';
import { tellNobody, type Tell } from './trace.js';
import type { VirtualClock } from './virtual-clock.js';

export interface LifeOptions {
  readonly host: SimulatedHost;
  readonly registry: Registry;
  readonly clock: VirtualClock;
  readonly chance: Chance;
  /** Names of drivers of which nothing can be read now. */
  readonly silentDrivers: ReadonlySet<string>;
  readonly tell: Tell;
  /** Told of each look at a component, and of each that wrote or did something. */
  readonly count: (what: 'look' | 'step') => void;
}

const relistMs = 10_000;

/** What a driver does to the host; what it reads is free. */
const acts = new Set([
  'pull',
  'build',
  'create',
  'start',
  'update',
  'stop',
  'unpause',
  'rename',
  'remove',
  'removeObject',
  'writeVolume',
]);

/** What cannot be asked of a driver that is silent. */
const looks = new Set(['list', 'inspect']);

export class Life {
  readonly #monitor: Monitor;
  readonly #controller: Controller;
  readonly #drivers: readonly SimulatedDriver[];
  readonly #gate = { dead: false };
  /** Since when lists of a driver are not answered, by the clock that nobody sets. */
  readonly #silentSinceMs = new Map<string, number>();
  readonly #options: LifeOptions;

  constructor(options: LifeOptions) {
    this.#options = options;
    const { host, registry, chance, tell } = options;
    const clock = clockOfLife(options.clock, this.#gate);
    const common = { host, homeId: registry.homeId, namePrefix: registry.namePrefix, clock };
    this.#drivers = [
      createSimulatedDriver(common),
      createSimulatedDriver({
        ...common,
        name: 'simulated-vm',
        runtimes: ['microvm', 'unikernel'],
        imagesOf: 'simulated',
      }),
    ];
    const log = logTo(tell);
    this.#monitor = new Monitor({
      drivers: this.#drivers.map((driver) => this.#watched(driver)),
      homeId: registry.homeId,
      clock,
      log: () => log,
      relistMs: () => relistMs,
      listener: {
        onWorkloads: (workloads) => {
          this.#controller.onWorkloads(workloads);
        },
        onAll: () => {
          this.#controller.onAll();
        },
        onHealth: (health) => {
          this.#controller.onHealth(health);
        },
      },
    });
    this.#controller = new Controller({
      registry: this.#mortal(registry),
      view: this.#monitor,
      clock,
      chance,
      log,
      files: { stamp: () => Promise.resolve('1'), read: () => Promise.resolve('') },
      settings: () => ({ reconcile: defaultReconcileSettings, concurrency: 8, fullPassMs: 300_000 }),
    });
  }

  async start(): Promise<void> {
    await this.#monitor.start();
    await this.#controller.start();
  }

  /** As SIGKILL: nothing of this life acts any more. */
  die(): void {
    this.#gate.dead = true;
    for (const driver of this.#drivers) driver.crash();
  }

  async close(): Promise<void> {
    await this.#controller.close();
    await this.#monitor.close();
  }

  #noteList(driver: string, isSilent: boolean): void {
    if (!isSilent) this.#silentSinceMs.delete(driver);
    else if (!this.#silentSinceMs.has(driver)) this.#silentSinceMs.set(driver, this.#options.clock.monotonic());
  }

  #isDead(): boolean {
    return this.#gate.dead;
  }

  /** A driver whose acts are told, and must not come from ignorance. */
  #watched(driver: SimulatedDriver): SimulatedDriver {
    return wrapped(driver, (target, name, value) => {
      const call = String(name);
      if (acts.has(call)) return (...args: readonly unknown[]) => this.#act(target, call, value, args);
      return (...args: readonly unknown[]): unknown => {
        const isSilent = looks.has(call) && this.#options.silentDrivers.has(driver.name);
        if (call === 'list') this.#noteList(driver.name, isSilent);
        if (isSilent) return silence();
        return Reflect.apply(value, target, args);
      };
    });
  }

  async #act(driver: SimulatedDriver, call: string, method: object, args: readonly unknown[]): Promise<unknown> {
    const { tell, count, host, clock } = this.#options;
    if (this.#isDead()) return never();
    const what = (): string => `${driver.name} ${call} ${targetOf(args)}`.trimEnd();
    const { answering, failingSinceMs, error } = this.#monitor.health(driver.name);
    // What fails in this very instant nobody can know yet.
    if (!answering && failingSinceMs !== null && failingSinceMs < clock.now()) {
      host.reportViolation('acted-on-ignorance', `${what()}, while it does not answer: ${error ?? ''}`);
    }
    // Whatever is thought of it: it was asked for a list and gave none.
    if ((this.#silentSinceMs.get(driver.name) ?? Infinity) < clock.monotonic()) {
      host.reportViolation('acted-on-ignorance', `${what()}, after a list that was not answered`);
    }
    const isTold = tell !== tellNobody;
    if (isTold) tell('agent', what());
    count('step');
    try {
      const answer = await (Reflect.apply(method as () => unknown, driver, args) as Promise<unknown>);
      if (isTold) tell('driver', `${what()}: done`);
      return answer;
    } catch (thrown) {
      if (isTold) tell('driver', `${what()}: ${toBerthError(thrown).code}`);
      throw thrown;
    }
  }

  /** The registry as a mortal process sees it: after its death, no call goes in and no answer comes out. */
  #mortal(registry: Registry): Registry {
    return wrapped(registry, (target, name, value) => {
      if (name === 'watch') return (notify: () => void, of?: FeedScope) => target.watch(this.#whileAlive(notify), of);
      const alive = (answer: unknown): unknown => (this.#isDead() ? never() : answer);
      const failed = (error: unknown): Promise<never> => {
        if (this.#isDead()) return never();
        throw error;
      };
      return (...args: readonly unknown[]) => {
        if (this.#isDead()) return never();
        this.#note(String(name), args);
        return (Reflect.apply(value, target, args) as Promise<unknown>).then(alive, failed);
      };
    });
  }

  #whileAlive(notify: () => void): () => void {
    return () => {
      if (!this.#isDead()) notify();
    };
  }

  #note(call: string, args: readonly unknown[]): void {
    const { tell, count } = this.#options;
    if (call === 'component') count('look');
    if (call !== 'updateStatus') return;
    count('step');
    if (tell === tellNobody) return;
    for (const { key, status, events } of args[0] as readonly StatusUpdate[]) {
      const words = status ? `${status.phase} ${status.reason}: ${status.message}` : 'events';
      tell('status', `${formatKey(key)} ${words}${events.map(({ reason }) => ` [${reason}]`).join('')}`);
    }
  }
}

/** Something, each method of which goes through `method`; asked once for each. */
function wrapped<T extends object>(
  thing: T,
  method: (target: T, name: string | symbol, value: () => unknown) => unknown,
): T {
  const methods = new Map<string | symbol, unknown>();
  return new Proxy(thing, {
    get: (target, name) => {
      const known = methods.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const made = method(target, name, value as () => unknown);
      methods.set(name, made);
      return made;
    },
  });
}

/** The workload, image or object that a call is about. */
function targetOf([first, second]: readonly unknown[]): string {
  if (typeof first === 'string') return first.slice(0, 12);
  if (typeof first !== 'object' || first === null) return '';
  if ('name' in first) return String(first.name);
  if ('spec' in first && 'service' in first && 'role' in first) {
    const { service, spec, role, generation } = first as {
      readonly service: string;
      readonly spec: { readonly name: string; readonly runtime: string };
      readonly role: string;
      readonly generation: number;
    };
    return `${service}/${spec.name} as ${role} ${spec.runtime} of generation ${String(generation)}`;
  }
  return typeof second === 'string' ? second : '';
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

/** What the agent would log as out of the ordinary. */
function logTo(tell: Tell): Log {
  const nothing = (): void => undefined;
  const say =
    (level: string) =>
    (facts: object | string, words?: string): void => {
      const err = typeof facts === 'object' && 'err' in facts ? ` (${String(facts.err)})` : '';
      tell('log', `${level}: ${typeof facts === 'string' ? facts : (words ?? '')}${err}`);
    };
  return { debug: nothing, info: nothing, warn: say('warn'), error: say('error') };
}

function silence(): Promise<never> {
  return Promise.reject(new BerthError('E_DRIVER_UNREACHABLE', 'no answer, as planned'));
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
