/** Which drivers have something of a named volume, as the registry says, and one piece of work on each at a time. */
import { formatKey } from '../core/names.js';
import type { Registry, VolumeHolder, VolumeKey } from '../core/ports/registry.js';

export type Holder = Omit<VolumeHolder, 'service' | 'volume'>;

interface Entry {
  readonly key: VolumeKey;
  readonly holders: readonly Holder[];
}

export class VolumeHolders {
  readonly #registry: Registry;
  /** All that the registry says of holders; only this class changes it. */
  #entries: Promise<Map<string, Entry>> | undefined;
  /** The last piece of work on each volume. */
  readonly #work = new Map<string, Promise<unknown>>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  async of(key: VolumeKey): Promise<readonly Holder[]> {
    return (await this.#all()).get(textOf(key))?.holders ?? [];
  }

  /** As they are now: what is written while one goes through them changes nothing in what is answered. */
  async all(): Promise<readonly Entry[]> {
    return [...(await this.#all()).values()];
  }

  /** In place of what was said of the volume before. */
  async write(key: VolumeKey, holders: readonly Holder[]): Promise<void> {
    try {
      await this.#registry.setVolumeHolders(key, holders);
    } catch (error) {
      // It may have been kept all the same: what counts is what the registry says.
      this.#entries = undefined;
      throw error;
    }
    (await this.#all()).set(textOf(key), { key, holders });
  }

  /** The registry forgot the volume. */
  async forget(key: VolumeKey): Promise<void> {
    (await this.#all()).delete(textOf(key));
  }

  /** Something is at work on this volume. */
  isBusy(key: VolumeKey): boolean {
    return this.#work.has(textOf(key));
  }

  /** Runs `work` when nothing else is at work on this volume. */
  async exclusively<T>(key: VolumeKey, work: () => Promise<T>): Promise<T> {
    const text = textOf(key);
    const before = this.#work.get(text) ?? Promise.resolve();
    const result = before.then(work, work);
    const quiet = result.catch(() => undefined);
    this.#work.set(text, quiet);
    try {
      return await result;
    } finally {
      if (this.#work.get(text) === quiet) this.#work.delete(text);
    }
  }

  async #all(): Promise<Map<string, Entry>> {
    this.#entries ??= this.#read();
    const entries = this.#entries;
    try {
      return await entries;
    } catch (error) {
      if (this.#entries === entries) this.#entries = undefined;
      throw error;
    }
  }

  async #read(): Promise<Map<string, Entry>> {
    const all = new Map<string, Entry>();
    for (const { service, volume, ...holder } of await this.#registry.volumeHolders()) {
      const key = { service, volume };
      const text = textOf(key);
      all.set(text, { key, holders: [...(all.get(text)?.holders ?? []), holder] });
    }
    return all;
  }
}

/** For maps. A volume's name is as plain as a component's. */
export function textOf({ service, volume }: VolumeKey): string {
  return formatKey({ service, component: volume });
}
