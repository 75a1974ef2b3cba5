/**
 * Takes the data of named volumes along when a component moves to another runtime. Each driver keeps volumes of its
 * own; the registry says whose data counts. A workload that starts elsewhere gets a copy, once; its copy counts from
 * when it has proven itself, and only then the old data goes.
 */
import { BerthError, messageOf } from '../core/errors.js';
import { volumeName, type ComponentKey } from '../core/names.js';
import type { HostObject } from '../core/observation.js';
import type { Clock } from '../core/ports/clock.js';
import type { Log } from '../core/ports/log.js';
import type { ChangeContext, Registry, VolumeKey } from '../core/ports/registry.js';
import type { RuntimeView } from '../core/ports/view.js';
import { parseVolume } from '../core/spec.js';
import { copyVolume } from './volume-copy.js';
import { textOf, VolumeHolders, type Holder } from './volume-holders.js';

export interface VolumeMoverOptions {
  readonly registry: Registry;
  readonly view: RuntimeView;
  readonly clock: Clock;
  readonly log: Log;
  readonly context: ChangeContext;
}

/** A workload that is about to start, or has proven itself. */
export interface Mounter {
  readonly key: ComponentKey;
  readonly nativeId: string;
  readonly driver: string;
  /** As its spec declares them. */
  readonly volumes: readonly string[];
}

export class VolumeMover {
  readonly #options: VolumeMoverOptions;
  readonly #holders: VolumeHolders;
  /** By volume and driver: how many workloads that mount it are just being made there. */
  readonly #making = new Map<string, number>();

  constructor(options: VolumeMoverOptions) {
    this.#options = options;
    this.#holders = new VolumeHolders(options.registry);
  }

  /**
   * Makes a workload by `make`, which writes its intents and resolves once the workload is seen. What is made of its
   * volumes by a driver that has not the data that counts is a copy yet to be filled, and goes again if it never is; but
   * nothing of them goes meanwhile, nor does their row of the ledger: nobody mounts them yet.
   */
  async whileMaking<T>(
    { key: { service }, driver, volumes }: Omit<Mounter, 'nativeId'>,
    make: () => Promise<T>,
  ): Promise<T> {
    const keys = [...namedVolumes(volumes).keys()].map((volume) => ({ service, volume }));
    const count = (by: 1 | -1): void => {
      for (const key of keys) {
        const text = makingKey(key, driver);
        const left = (this.#making.get(text) ?? 0) + by;
        if (left > 0) this.#making.set(text, left);
        else this.#making.delete(text);
      }
    };
    count(1);
    try {
      await this.#intend(keys, driver);
      return await make();
    } finally {
      count(-1);
    }
  }

  /** What is about to be removed there is wanted again: whoever removes it has ended, or does not begin. */
  async #intend(keys: readonly VolumeKey[], driver: string): Promise<void> {
    for (const key of keys) {
      await this.#holders.exclusively(key, async () => {
        const holders = await this.#holders.of(key);
        if (holders.some((holder) => holder.driver === driver && holder.state !== 'old')) return;
        const current = await this.#currentOf(key, holders, driver);
        if (current === driver) return;
        const others = holders.filter((holder) => holder.driver !== current && holder.driver !== driver);
        await this.#holders.write(key, [
          ...others,
          { driver: current, state: 'current', copiedFor: null },
          { driver, state: 'copy', copiedFor: null },
        ]);
      });
    }
  }

  /**
   * Before a start: makes sure that its volumes hold the data that counts. Answers whether anything was copied.
   * E_VOLUME_BUSY, E_RUNTIME_UNAVAILABLE, and whatever the two drivers say.
   */
  async prepare(mounter: Mounter, signal: AbortSignal): Promise<boolean> {
    let copied = false;
    for (const [volume, sizeMb] of namedVolumes(mounter.volumes)) {
      const key = { service: mounter.key.service, volume };
      if (await this.#holders.exclusively(key, () => this.#prepareOne(key, sizeMb, mounter, signal))) copied = true;
    }
    return copied;
  }

  /** A workload has proven itself: the data that it has is the data that counts from now on. */
  async settle(mounter: Mounter): Promise<void> {
    for (const volume of namedVolumes(mounter.volumes).keys()) {
      const key = { service: mounter.key.service, volume };
      const isItsCopy = (holder: Holder): boolean =>
        holder.driver === mounter.driver && holder.copiedFor === mounter.nativeId;
      if (!(await this.#holders.of(key)).some(isItsCopy)) continue;
      await this.#holders.exclusively(key, async () => {
        const holders = await this.#holders.of(key);
        const settled = holders.map((holder): Holder => {
          const state = isItsCopy(holder) ? 'current' : 'old';
          return { driver: holder.driver, state, copiedFor: null };
        });
        if (holders.some(isItsCopy)) await this.#holders.write(key, settled);
      });
    }
  }

  /**
   * Removes what was given up and nobody mounts any more; what cannot be removed yet is tried again at the next call, and
   * so is what is just being copied: that may take minutes, for which no census has to wait.
   */
  async sweep(signal: AbortSignal): Promise<void> {
    for (const { key, holders } of await this.#holders.all()) {
      if (holders.every(({ state }) => state === 'current') || this.#holders.isBusy(key)) continue;
      await this.#holders.exclusively(key, async () => {
        await this.#giveUpUnwanted(key);
        for (const { driver, state } of await this.#holders.of(key)) {
          if (state === 'old' && !signal.aborted) await this.#removeOld(key, driver, signal);
        }
      });
    }
  }

  /** The names of the drivers that have something of a volume, as far as the registry knows. */
  async holdersOf(key: VolumeKey): Promise<readonly string[]> {
    return (await this.#holders.of(key)).map(({ driver }) => driver);
  }

  /** The registry forgot the volume. */
  async forgotten(key: VolumeKey): Promise<void> {
    await this.#holders.forget(key);
  }

  async #prepareOne(key: VolumeKey, sizeMb: number | null, mounter: Mounter, signal: AbortSignal): Promise<boolean> {
    const holders = await this.#holders.of(key);
    const current = await this.#currentOf(key, holders, mounter.driver);
    if (current === mounter.driver) {
      await this.#giveUpCopies(key, holders, current);
      return false;
    }
    if (holders.some(({ driver, copiedFor }) => driver === mounter.driver && copiedFor === mounter.nativeId)) {
      return false;
    }
    const { view } = this.#options;
    const [from, to] = [view.driver(current), view.driver(mounter.driver)];
    if (!from || !to) {
      const message = `the data of volume ${key.volume} is with driver ${current}, which this node does not have`;
      throw new BerthError('E_RUNTIME_UNAVAILABLE', message);
    }
    this.#mustRest(key, [from.name, to.name]);
    const others = holders.filter(({ driver }) => driver !== current && driver !== to.name);
    const rows = (copiedFor: string | null): readonly Holder[] => [
      ...others,
      { driver: current, state: 'current', copiedFor: null },
      { driver: to.name, state: 'copy', copiedFor },
    ];
    await this.#holders.write(key, rows(null));
    const told = await copyVolume(
      this.#options,
      {
        volume: key.volume,
        from: { driver: from, object: this.#object(key, from.name) },
        to: { driver: to, object: this.#object(key, to.name) },
        sizeMb,
      },
      signal,
    );
    if (told) await this.#options.registry.addEvents([{ ...mounter.key, ...told }], this.#options.context);
    await this.#holders.write(key, rows(mounter.nativeId));
    return told !== null;
  }

  /** Whoever runs on the driver that counts needs no copies elsewhere: a later try begins with a fresh one. */
  async #giveUpCopies(key: VolumeKey, holders: readonly Holder[], current: string): Promise<void> {
    if (holders.length > 0 && holders.every(({ state }) => state !== 'copy')) return;
    const rest = holders.filter(({ driver }) => driver !== current);
    await this.#holders.write(key, [
      { driver: current, state: 'current', copiedFor: null },
      ...rest.map(({ driver }): Holder => ({ driver, state: 'old', copiedFor: null })),
    ]);
  }

  /** A copy for a workload that never proved itself is nobody's once nothing there mounts it, or is to. */
  async #giveUpUnwanted(key: VolumeKey): Promise<void> {
    const holders = await this.#holders.of(key);
    const copies = holders.filter(({ state }) => state === 'copy');
    if (copies.length === 0 || holders.every(({ state }) => state !== 'current')) return;
    const { registry, view } = this.#options;
    const records = await registry.components({ service: key.service });
    const unwanted = copies.filter(({ driver }) => {
      const isToMount = records.some(
        ({ spec, status, generation }) =>
          status.failedGeneration !== generation &&
          view.driverFor(spec.runtime)?.name === driver &&
          namedVolumes(spec.volumes).has(key.volume),
      );
      return !isToMount && !this.#isInUse(key, driver) && view.health(driver).answering;
    });
    if (unwanted.length === 0) return;
    const states = holders.map((holder) =>
      unwanted.includes(holder) ? { ...holder, state: 'old' as const, copiedFor: null } : holder,
    );
    await this.#holders.write(key, states);
  }

  #isInUse(key: VolumeKey, driver: string): boolean {
    if (this.#making.has(makingKey(key, driver))) return true;
    const name = this.#hostName(key);
    return this.#options.view
      .owned()
      .some((item) => item.driver === driver && item.config?.mounts.some((mount) => mount.source === name));
  }

  /** Whose data counts. Of a volume that no row speaks of: who made it, by the ledger; else whoever mounts it now. */
  async #currentOf(key: VolumeKey, holders: readonly Holder[], mounting: string): Promise<string> {
    const known = holders.find(({ state }) => state === 'current')?.driver;
    if (known !== undefined) return known;
    const { registry, view } = this.#options;
    if (view.drivers().length < 2) return mounting;
    const name = this.#hostName(key);
    const first = (await registry.ledger()).find((row) => row.kind === 'volume' && row.name === name);
    return first?.driver ?? mounting;
  }

  #mustRest(key: VolumeKey, drivers: readonly string[]): void {
    const name = this.#hostName(key);
    const up = this.#options.view
      .owned()
      .filter(({ state }) => state === 'running' || state === 'paused' || state === 'stopping')
      .find(({ driver, config }) => drivers.includes(driver) && config?.mounts.some((mount) => mount.source === name));
    if (!up) return;
    const message = `volume ${key.volume} cannot be copied while ${up.name} (${up.driver}) is up and mounts it`;
    throw new BerthError('E_VOLUME_BUSY', message);
  }

  async #removeOld(key: VolumeKey, driverName: string, signal: AbortSignal): Promise<void> {
    const { view, registry, log } = this.#options;
    const driver = view.driver(driverName);
    const name = this.#hostName(key);
    if (!driver || this.#isInUse(key, driverName) || !view.health(driverName).answering) return;
    try {
      await driver.removeObject(this.#object(key, driverName), signal);
    } catch (error) {
      log.warn({ err: messageOf(error), volume: name }, 'cannot remove what was moved away yet');
      return;
    }
    const rows = (await registry.ledger()).filter(
      (row) => row.kind === 'volume' && row.driver === driverName && row.name === name,
    );
    await registry.forget(rows.map((row) => row.id));
    await this.#holders.write(
      key,
      (await this.#holders.of(key)).filter((holder) => holder.driver !== driverName),
    );
  }

  #hostName({ service, volume }: VolumeKey): string {
    return volumeName(this.#options.registry.homeId, service, volume);
  }

  #object(key: VolumeKey, driver: string): HostObject {
    return { kind: 'volume', driver, name: this.#hostName(key), service: key.service, component: null };
  }
}

function makingKey(key: VolumeKey, driver: string): string {
  return `${driver} ${textOf(key)}`;
}

/** Sizes in mebibytes by name; the largest, where one volume is mounted more than once. */
function namedVolumes(volumes: readonly string[]): ReadonlyMap<string, number | null> {
  const sizes = new Map<string, number | null>();
  for (const text of volumes) {
    const mount = parseVolume(text);
    if (mount?.kind !== 'named') continue;
    const known = sizes.get(mount.source) ?? null;
    const larger = known === null || mount.sizeMb === null ? (known ?? mount.sizeMb) : Math.max(known, mount.sizeMb);
    sizes.set(mount.source, larger);
  }
  return sizes;
}
