/** The drivers that a face has at hand: opened when they are first needed, each on its own. */
import { BerthError, toBerthError } from '../core/errors.js';
import { formatKey } from '../core/names.js';
import type { Clock } from '../core/ports/clock.js';
import type { Driver, DriverStore } from '../core/ports/driver.js';
import type { ComponentRecord } from '../core/ports/registry.js';

/** What opening one runtime may take, in milliseconds. */
const openDeadlineMs = 15_000;
/** What a runtime may take to say where it keeps things, in milliseconds; it is asked again when somebody wants to know. */
const storesDeadlineMs = 1_000;

/** A driver, and why it cannot be used; null: it can. */
export interface DriverAtHand {
  readonly driver: Driver;
  readonly problem: BerthError | null;
}

export class DriversAtHand {
  readonly #compose: (() => Promise<readonly Driver[]>) | undefined;
  readonly #clock: Clock;
  #composed: Promise<readonly Driver[]> | undefined;
  #opened: Promise<readonly DriverAtHand[]> | undefined;

  /** `compose` makes the drivers; absent: this face has no runtime at hand. They need not be open yet. */
  constructor(compose: (() => Promise<readonly Driver[]>) | undefined, clock: Clock) {
    this.#compose = compose;
    this.#clock = clock;
  }

  /** True when there may be any. */
  get exist(): boolean {
    return this.#compose !== undefined;
  }

  /** All of them, those that cannot be opened with their reason. E_RUNTIME_UNAVAILABLE when there are none. */
  all(): Promise<readonly DriverAtHand[]> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /**
   * The driver that has the component's workload: the one for its runtime, unless another one knows the workload,
   * for a component whose runtime was just changed still has its old one. Fails with the reason of a driver that
   * cannot be opened; E_RUNTIME_UNAVAILABLE when none serves the runtime.
   */
  async owning(record: ComponentRecord, nativeId: string | null, signal: AbortSignal): Promise<Driver> {
    const all = await this.all();
    const preferred = all.find(({ driver }) => driver.runtimes.includes(record.spec.runtime));
    const usable = all.filter(({ problem }) => problem === null).map(({ driver }) => driver);
    const others = usable.filter((driver) => driver !== preferred?.driver);
    if (nativeId !== null && others.length > 0) {
      const found = await firstKnowing(preferred?.problem === null ? [preferred.driver] : [], nativeId, signal);
      const owner = found ?? (await firstKnowing(others, nativeId, signal));
      if (owner !== undefined) return owner;
    }
    if (preferred === undefined) {
      const message = `nothing here serves the runtime ${record.spec.runtime} of ${formatKey(record.key)}`;
      throw new BerthError('E_RUNTIME_UNAVAILABLE', message);
    }
    if (preferred.problem !== null) throw preferred.problem;
    return preferred.driver;
  }

  /** Where the drivers keep things. None is opened for it, and what cannot be told now is left out. */
  async stores(): Promise<readonly DriverStore[]> {
    if (this.#compose === undefined) return [];
    const drivers = await this.#made().catch(() => []);
    const lists = await Promise.all(
      drivers.map((driver) =>
        this.#within(storesDeadlineMs, (signal) => driver.stores?.(signal) ?? Promise.resolve([])).catch(() => []),
      ),
    );
    return lists.flat();
  }

  /** Lets go of all that was opened. Never throws. */
  async close(): Promise<void> {
    const opened = this.#opened === undefined ? [] : await this.#opened.catch(() => []);
    await Promise.all(opened.map(({ driver }) => driver.close()));
  }

  #made(): Promise<readonly Driver[]> {
    if (this.#compose === undefined) {
      return Promise.reject(new BerthError('E_RUNTIME_UNAVAILABLE', 'no runtime can be reached from here'));
    }
    this.#composed ??= this.#compose();
    return this.#composed;
  }

  async #open(): Promise<readonly DriverAtHand[]> {
    return Promise.all((await this.#made()).map((driver) => this.#openOne(driver)));
  }

  async #openOne(driver: Driver): Promise<DriverAtHand> {
    try {
      await this.#within(openDeadlineMs, (signal) => driver.open(signal));
      return { driver, problem: null };
    } catch (error) {
      return { driver, problem: toBerthError(error) };
    }
  }

  async #within<T>(deadlineMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const deadline = new AbortController();
    const cancel = this.#clock.after(deadlineMs, () => {
      deadline.abort();
    });
    try {
      return await call(deadline.signal);
    } finally {
      cancel();
    }
  }
}

/** The first driver that says it has this workload; one that does not answer says nothing. */
async function firstKnowing(
  drivers: readonly Driver[],
  nativeId: string,
  signal: AbortSignal,
): Promise<Driver | undefined> {
  for (const driver of drivers) {
    const workload = await driver.inspect(nativeId, signal).catch(() => undefined);
    if (workload !== undefined) return driver;
  }
  return undefined;
}
