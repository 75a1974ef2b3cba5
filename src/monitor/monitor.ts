/** All drivers in one picture: who serves what, what runs, and how each driver stands. */
import type { ComponentKey } from '../core/names.js';
import type { ObservedWorkload } from '../core/observation.js';
import type { Clock } from '../core/ports/clock.js';
import type { Driver } from '../core/ports/driver.js';
import type { Log } from '../core/ports/log.js';
import type { DriverHealth, RuntimeListener, RuntimeView } from '../core/ports/view.js';
import type { Runtime } from '../core/spec.js';
import { DriverWatch } from './driver-watch.js';
import type { Touched } from './picture.js';

export interface MonitorOptions {
  readonly drivers: readonly Driver[];
  readonly homeId: string;
  readonly clock: Clock;
  readonly log: (name: string) => Log;
  readonly relistMs: () => number;
  /** Whoever decides; told which components to look at again. */
  readonly listener: RuntimeListener;
}

/** Watches all drivers. Nothing happens before `start`. */
export class Monitor implements RuntimeView {
  readonly #watches: ReadonlyMap<string, DriverWatch>;
  readonly #drivers: readonly Driver[];

  constructor(options: MonitorOptions) {
    const { listener } = options;
    this.#drivers = options.drivers;
    this.#watches = new Map(
      options.drivers.map((driver) => [
        driver.name,
        new DriverWatch({
          driver,
          homeId: options.homeId,
          clock: options.clock,
          log: options.log(driver.name),
          relistMs: options.relistMs,
          onTouched: (touched: Touched) => {
            listener.onWorkloads(touched);
          },
          onAll: () => {
            listener.onAll();
          },
          onHealth: (health) => {
            listener.onHealth(health);
          },
        }),
      ]),
    );
  }

  /** Resolves when each driver has answered, or failed to, once. */
  async start(): Promise<void> {
    await Promise.all([...this.#watches.values()].map((watch) => watch.start()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watches.values()].map((watch) => watch.close()));
  }

  driverFor(runtime: Runtime): Driver | undefined {
    return this.#drivers.find((driver) => driver.runtimes.includes(runtime));
  }

  driver(name: string): Driver | undefined {
    return this.#drivers.find((driver) => driver.name === name);
  }

  drivers(): readonly Driver[] {
    return this.#drivers;
  }

  health(driver: string): DriverHealth {
    return this.#watch(driver).health;
  }

  workloadsOf(key: ComponentKey, mainHostName: string): readonly ObservedWorkload[] {
    let found: readonly ObservedWorkload[] = [];
    // Mostly one driver has any.
    for (const { picture } of this.#watches.values()) {
      const own = picture.workloadsOf(key, mainHostName);
      if (own.length > 0) found = found.length === 0 ? own : [...found, ...own];
    }
    return found;
  }

  owned(): readonly ObservedWorkload[] {
    return [...this.#watches.values()].flatMap((watch) => watch.picture.owned());
  }

  imageNow(driver: string, reference: string): string | undefined {
    const store = this.#watches.get(this.driver(driver)?.imagesOf ?? driver);
    return store?.picture.imageNow(reference);
  }

  lastEvent(key: ComponentKey): string | null {
    const events = [...this.#watches.values()].flatMap((watch) => watch.lastEvent(key) ?? []);
    return events.sort((a, b) => b.atMs - a.atMs)[0]?.words ?? null;
  }

  async refresh(driver: string, idOrName: string): Promise<boolean> {
    return this.#watch(driver).look(idOrName);
  }

  relistSoon(driver: string): void {
    this.#watch(driver).relist();
  }

  #watch(driver: string): DriverWatch {
    const watch = this.#watches.get(driver);
    if (!watch) throw new Error(`no driver ${driver} is watched; known: ${[...this.#watches.keys()].join(', ')}`);
    return watch;
  }
}
