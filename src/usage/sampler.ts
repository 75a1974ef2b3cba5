/**
 * Looks at what components use, once in a while. One call a driver and a look; none while nothing of it runs. It is the
 * least of what the agent does: whatever fails here costs figures, and nothing else.
 */
import { messageOf } from '../core/errors.js';
import { formatKey, type ComponentKey } from '../core/names.js';
import type { ObservedWorkload, Ownership } from '../core/observation.js';
import type { Clock } from '../core/ports/clock.js';
import type { Driver, WorkloadStats } from '../core/ports/driver.js';
import type { Log } from '../core/ports/log.js';
import type { Registry } from '../core/ports/registry.js';
import type { UsageView } from '../core/ports/usage.js';
import type { RuntimeView } from '../core/ports/view.js';
import type { ComponentBucket, UsageBucket, UsageNow } from '../core/usage.js';
import { Buckets } from './buckets.js';
import { cpuPercent, type Seen } from './rates.js';

export interface SamplerOptions {
  readonly view: Pick<RuntimeView, 'drivers' | 'health' | 'owned'>;
  readonly registry: Pick<Registry, 'addUsage'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds between two looks; 0: it never looks. */
  readonly intervalMs: number;
  /** Processors of the host: nobody uses more. */
  readonly cores: number;
}

type Running = ObservedWorkload & { readonly owner: Ownership };
type Now = UsageNow & { readonly key: ComponentKey };

/** The first look comes early, so that figures are there soon. In milliseconds. */
const firstLookMs = 2_000;
const deadlineMs = 10_000;
/** What an agent that ends waits for its last figures to be written, in milliseconds. */
const lastWriteMs = 500;

export class Sampler implements UsageView {
  readonly #options: SamplerOptions;
  readonly #buckets = new Buckets();
  /** By driver: its workloads as they were seen last, by native id. */
  readonly #seen = new Map<string, ReadonlyMap<string, Seen>>();
  /** By driver: its components as they were seen last. */
  readonly #now = new Map<string, ReadonlyMap<string, Now>>();
  /** By component: the driver with whose answer a look at it is over. Mostly its only one. */
  #speakers: ReadonlyMap<string, string> = new Map();
  /** Calls under way, by driver: one that does not end is not made again. */
  readonly #calls = new Map<string, AbortController>();
  /** Drivers that gave no figures when they were asked last, which is said once. */
  readonly #failing = new Set<string>();
  #writing: readonly ComponentBucket[] = [];
  #writeFails = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Looks from now on, until `close`. */
  start(): void {
    const { intervalMs } = this.#options;
    if (intervalMs > 0) this.#lookIn(Math.min(intervalMs, firstLookMs));
  }

  /** Writes what there is, for a moment at most. Never throws. */
  async close(): Promise<void> {
    this.#cancelTimer?.();
    for (const call of this.#calls.values()) call.abort();
    let cancel: (() => void) | undefined;
    const patience = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(lastWriteMs, resolve);
    });
    await Promise.race([this.#write(this.#buckets.takeAll()), patience]);
    cancel?.();
  }

  now(key: ComponentKey): UsageNow | undefined {
    const name = formatKey(key);
    return sumOf([...this.#now.values()].flatMap((components) => components.get(name) ?? []));
  }

  unwritten(key: ComponentKey): readonly UsageBucket[] {
    const name = formatKey(key);
    const writing = this.#writing.filter((bucket) => formatKey(bucket.key) === name);
    return [...writing, ...this.#buckets.of(key)];
  }

  all(): readonly Now[] {
    const byName = new Map<string, Now>();
    for (const components of this.#now.values()) {
      for (const [name, one] of components) {
        const other = byName.get(name);
        byName.set(name, other === undefined ? one : together(one, other));
      }
    }
    return [...byName.values()];
  }

  #lookIn(delayMs: number): void {
    const { clock, intervalMs } = this.#options;
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#lookIn(intervalMs);
      this.#look();
    });
  }

  #look(): void {
    const { view, clock } = this.#options;
    const running = view.owned().filter((workload): workload is Running => isRunning(workload));
    this.#speakers = new Map(running.map(({ owner, driver }) => [formatKey(owner), driver]));
    for (const driver of view.drivers()) {
      const own = running.filter((workload) => workload.driver === driver.name);
      if (own.length === 0) this.#forget(driver.name);
      else if (view.health(driver.name).answering) void this.#ask(driver, own);
      // Why it does not answer is said by whoever watches it.
      else this.#now.delete(driver.name);
    }
    const finished = this.#buckets.takeFinished(clock.now());
    if (finished.length > 0) void this.#write(finished);
  }

  /** Never throws. */
  async #ask(driver: Driver, running: readonly Running[]): Promise<void> {
    const { name } = driver;
    if (this.#calls.has(name)) return;
    const call = new AbortController();
    this.#calls.set(name, call);
    const cancel = this.#options.clock.after(deadlineMs, () => {
      call.abort();
      this.#fail(name, `no answer within ${deadlineMs / 1_000} s`);
    });
    try {
      const stats = await driver.stats(call.signal);
      if (!call.signal.aborted) this.#take(name, running, stats);
    } catch (error) {
      if (!call.signal.aborted) this.#fail(name, messageOf(error));
    } finally {
      cancel();
      this.#calls.delete(name);
    }
  }

  #take(driver: string, running: readonly Running[], stats: readonly WorkloadStats[]): void {
    const { clock, log, cores } = this.#options;
    if (this.#failing.delete(driver)) log.info({ driver }, 'tells again what components use');
    const [atMs, seenAtMs] = [clock.now(), clock.monotonic()];
    const figures = new Map(stats.map((figure) => [figure.nativeId, figure]));
    const before = this.#seen.get(driver);
    const seen = new Map<string, Seen>();
    const components = new Map<string, Now>();
    for (const { nativeId, owner, startedAtMs } of running) {
      const figure = figures.get(nativeId);
      // It ended meanwhile.
      if (figure === undefined) continue;
      const look = { seenAtMs, cpuMs: figure.cpuMs, startedAtMs };
      seen.set(nativeId, look);
      const key = { service: owner.service, component: owner.component };
      const one = {
        key,
        atMs,
        memoryBytes: figure.memoryBytes,
        cpuPercent: cpuPercent(before?.get(nativeId), look, cores),
        cpuMs: figure.cpuMs,
      };
      const other = components.get(formatKey(key));
      components.set(formatKey(key), other === undefined ? one : together(one, other));
    }
    this.#seen.set(driver, seen);
    this.#now.set(driver, components);
    for (const [name, { key }] of components) {
      const sum = this.#speakers.get(name) === driver ? this.now(key) : undefined;
      if (sum !== undefined) this.#buckets.add({ key, ...sum });
    }
  }

  #fail(driver: string, why: string): void {
    this.#now.delete(driver);
    if (this.#failing.has(driver)) return;
    this.#failing.add(driver);
    this.#options.log.warn({ driver, err: why }, 'does not tell what components use; they run on');
  }

  /** Nothing of it runs. */
  #forget(driver: string): void {
    this.#seen.delete(driver);
    this.#now.delete(driver);
  }

  /** Never throws: what cannot be written is lost. */
  async #write(buckets: readonly ComponentBucket[]): Promise<void> {
    if (buckets.length === 0) return;
    const { registry, log } = this.#options;
    this.#writing = buckets;
    try {
      await registry.addUsage(buckets);
      this.#writeFails = false;
    } catch (error) {
      if (!this.#writeFails) log.warn({ err: messageOf(error) }, 'what components used is not written down');
      this.#writeFails = true;
    } finally {
      if (this.#writing === buckets) this.#writing = [];
    }
  }
}

function isRunning({ state, owner }: ObservedWorkload): boolean {
  return state === 'running' && owner !== null;
}

function sumOf([first, ...others]: readonly Now[]): Now | undefined {
  return first === undefined ? undefined : others.reduce(together, first);
}

/** While a component is replaced, or moves between runtimes, two of its workloads run. */
function together(one: Now, other: Now): Now {
  const both = one.cpuPercent !== null && other.cpuPercent !== null;
  return {
    ...one,
    memoryBytes: one.memoryBytes + other.memoryBytes,
    cpuPercent: both ? one.cpuPercent + other.cpuPercent : (one.cpuPercent ?? other.cpuPercent),
    cpuMs: one.cpuMs + other.cpuMs,
  };
}
