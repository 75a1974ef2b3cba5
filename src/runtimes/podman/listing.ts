/**
 * One list call for all containers, and an inspection of what changed. Inspections are kept by container
 * and renewed when its list entry changes, and a few at each pass besides, because no list entry tells all.
 */
import { z } from 'zod';
import { isBerthError, messageOf } from '../../core/errors.js';
import { formatKey } from '../../core/names.js';
import type { DriverSnapshot, ObservedWorkload } from '../../core/observation.js';
import type { Clock } from '../../core/ports/clock.js';
import { cgroupMountsOf, limitFoldersOf, readLimits, type LimitFolders } from './cgroups.js';
import type { LibpodClient } from './client.js';
import type { Host } from '../host/host.js';
import { ownershipOf } from './labels.js';
import { mapLimited } from '../host/map-limited.js';
import { pause } from '../host/pause.js';
import { bootTimeOf, defaultsOf, workloadOfEntry, workloadOfInspection, type ImageDefaults } from './normalize.js';
import type { ProcessWatch } from './processes.js';
import { imageMapOf } from './references.js';
import { imageEntrySchema, imageSchema, inspectSchema, listEntrySchema, readAnswer, type ListEntry } from './wire.js';

export interface ListingOptions {
  readonly driver: string;
  readonly homeId: string;
  readonly clock: Clock;
  readonly host: Host;
  readonly client: () => LibpodClient;
  readonly processes: ProcessWatch;
  /** For one list call. */
  readonly listDeadlineMs: number;
  /** For one inspection. */
  readonly callDeadlineMs: number;
  /** Cached inspections renewed at each pass although nothing seems to have changed. */
  readonly refreshPerPass: number;
}

/** A container that was inspected. */
interface Found {
  readonly workload: ObservedWorkload;
  readonly pid: number;
  readonly folders: LimitFolders | null;
}

interface Cached extends Found {
  readonly key: string;
}

const entriesSchema = z.array(listEntrySchema);
const imagesSchema = z.array(imageEntrySchema);
/** Inspections at a time: podman serves them one after the other anyway. */
const inspectionsAtOnce = 4;
/** A list that Podman refuses is asked for so often in all. */
const listTries = 4;
/** What podman says of a container that is just being removed. */
const halfGone = /container not known/i;
const isHalfGone = (error: unknown): boolean => isBerthError(error, 'E_DRIVER_FAILED') && halfGone.test(error.message);
const halfGoneTries = 5;
const halfGonePauseMs = 50;
const goneProblem = 'podman says that it runs, but its process is gone (its conmon died)';

/** What of a list entry, if it changes, makes the inspection stale. */
function keyOfEntry(entry: ListEntry): string {
  return [entry.State, entry.Names?.join(), entry.Pid, entry.StartedAt, entry.ExitedAt, entry.ExitCode].join('|');
}

/** Reads the state of everything; it holds a cache and no connection. */
export class Listing {
  readonly #options: ListingOptions;
  readonly #processes: ProcessWatch;
  readonly #cache = new Map<string, Cached>();
  readonly #images = new Map<string, ImageDefaults>();
  #mounts: ReturnType<typeof cgroupMountsOf> | undefined;
  #bootedAtMs: number | undefined;
  #changed = false;
  #refreshCursor = 0;

  constructor(options: ListingOptions) {
    this.#options = options;
    this.#processes = options.processes;
  }

  /** True when the last list found an owned container changed since the one before. */
  get sawChange(): boolean {
    return this.#changed;
  }

  /** Everything, in one list call for containers and one for images, and inspections of what changed. */
  async list(signal: AbortSignal): Promise<DriverSnapshot> {
    const { clock, driver } = this.#options;
    const takenAtMs = clock.now();
    this.#changed = false;
    const [containers, local] = await Promise.all([
      this.#ask('/containers/json', 'list containers', signal, { all: true }),
      this.#ask('/images/json', 'list images', signal),
    ]);
    const entries = readAnswer(entriesSchema, containers ?? [], 'list containers');
    const owned = entries.filter((entry) => this.#isOwned(entry));
    const due = this.#dueForRefresh(owned);
    const observed = await mapLimited(owned, inspectionsAtOnce, (entry) =>
      this.#observe(entry, due.has(entry.Id), signal),
    );
    await this.#forget(entries);
    const foreign = entries
      .filter((entry) => !this.#isOwned(entry))
      .map((entry) => workloadOfEntry(driver, entry, null));
    const workloads = [...observed.filter((workload) => workload !== undefined), ...foreign];
    const images = imageMapOf(readAnswer(imagesSchema, local ?? [], 'list images'));
    return { driver, workloads, images, takenAtMs };
  }

  /**
   * One list. Podman refuses the whole of it when an image or a container is removed while it walks them: then
   * it is asked again, and nothing is said to be unknown for that.
   */
  async #ask(path: string, what: string, signal: AbortSignal, query: Record<string, boolean> = {}): Promise<unknown> {
    const { client, listDeadlineMs } = this.#options;
    for (let left = listTries; ; left -= 1) {
      try {
        return (await client().call('GET', path, { what, query, signal, deadlineMs: listDeadlineMs })).json;
      } catch (error) {
        const unanswered = isBerthError(error, 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE');
        if (left <= 1 || unanswered || !isBerthError(error)) throw error;
      }
    }
  }

  /** One container, read afresh; undefined when podman says there is none. */
  async inspect(idOrName: string, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    try {
      const found = await this.#read(idOrName, signal);
      return found && (await this.#complete(found));
    } catch (error) {
      if (!isHalfGone(error)) throw error;
      return this.#withoutStorage(idOrName, messageOf(error), signal);
    }
  }

  /** A container that lost its storage stands in podman's list alone; it can be removed, and nothing else. */
  async #withoutStorage(idOrName: string, problem: string, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    const json = await this.#ask('/containers/json', 'list containers', signal, { all: true });
    const entry = readAnswer(entriesSchema, json ?? [], 'list containers').find(
      ({ Id: id, Names: names }) => id === idOrName || names?.includes(idOrName),
    );
    return entry && workloadOfEntry(this.#options.driver, entry, problem);
  }

  async #read(idOrName: string, signal: AbortSignal): Promise<Found | undefined> {
    const what = `inspect ${idOrName}`;
    const json = await this.#inspection(idOrName, what, signal);
    if (json === undefined) return undefined;
    const inspection = readAnswer(inspectSchema, json, what);
    const defaults = await this.#imageDefaults(inspection.Image, signal);
    const pid = inspection.State.Pid ?? 0;
    const workload = workloadOfInspection(this.#options.driver, inspection, defaults, await this.#bootTime());
    return { workload, pid, folders: await this.#foldersOf(pid) };
  }

  /** One inspection; undefined when there is no such container, or it went while podman looked. */
  async #inspection(idOrName: string, what: string, signal: AbortSignal): Promise<unknown> {
    const { client, clock, callDeadlineMs } = this.#options;
    const path = `/containers/${encodeURIComponent(idOrName)}/json`;
    for (let left = halfGoneTries; ; left -= 1) {
      try {
        const options = { what, signal, deadlineMs: callDeadlineMs, allow: [404] };
        const { status, json } = await client().call('GET', path, options);
        return status === 404 ? undefined : json;
      } catch (error) {
        // Its storage goes first, its record in podman's database last; podman answers 500 in between.
        if (isBerthError(error, 'E_WORKLOAD_MISSING')) return undefined;
        if (left <= 1 || !isHalfGone(error)) throw error;
      }
      await pause(clock, halfGonePauseMs, signal);
    }
  }

  async #bootTime(): Promise<number> {
    this.#bootedAtMs ??= bootTimeOf((await this.#options.host.readText('/proc/stat')) ?? '');
    return this.#bootedAtMs;
  }

  async #imageDefaults(imageId: string, signal: AbortSignal): Promise<ImageDefaults | null> {
    const known = this.#images.get(imageId);
    if (known) return known;
    const { status, json } = await this.#options.client().call('GET', `/images/${imageId}/json`, {
      what: 'inspect an image',
      signal,
      deadlineMs: this.#options.callDeadlineMs,
      allow: [404],
    });
    if (status === 404) return null;
    const defaults = defaultsOf(readAnswer(imageSchema, json, 'inspect an image'));
    this.#images.set(imageId, defaults);
    return defaults;
  }

  async #foldersOf(pid: number): Promise<LimitFolders | null> {
    if (pid === 0) return null;
    const { host } = this.#options;
    this.#mounts ??= cgroupMountsOf((await host.readText('/proc/self/mountinfo')) ?? '');
    const text = await host.readText(`/proc/${pid}/cgroup`);
    return text === undefined ? null : limitFoldersOf(this.#mounts, text);
  }

  /** Adds what is never cached: the limits in force, and whether the process is there at all. */
  async #complete(found: Found): Promise<ObservedWorkload> {
    const { workload, folders, pid } = found;
    if (workload.state !== 'running' && workload.state !== 'paused' && workload.state !== 'stopping') return workload;
    const owner = workload.owner?.homeId === this.#options.homeId ? formatKey(workload.owner) : null;
    if (await this.#processes.isGone(workload.nativeId, pid, owner)) {
      return { ...workload, state: 'exited', problem: goneProblem };
    }
    return folders ? { ...workload, ...(await readLimits(folders, this.#options.host.readText)) } : workload;
  }

  async #observe(entry: ListEntry, force: boolean, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    const key = keyOfEntry(entry);
    const cached = this.#cache.get(entry.Id);
    if (cached?.key === key && !force) return this.#complete(cached);
    if (cached?.key !== key) this.#changed = true;
    try {
      const found = await this.#read(entry.Id, signal);
      if (!found) return undefined;
      this.#cache.set(entry.Id, { key, ...found });
      return await this.#complete(found);
    } catch (error) {
      // Podman itself being silent is no fact about one container: the list as a whole fails then.
      if (isBerthError(error, 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE')) throw error;
      return workloadOfEntry(this.#options.driver, entry, messageOf(error));
    }
  }

  #isOwned(entry: ListEntry): boolean {
    return ownershipOf(entry.Labels)?.homeId === this.#options.homeId;
  }

  /** Which unchanged containers are inspected anew this time. */
  #dueForRefresh(owned: readonly ListEntry[]): ReadonlySet<string> {
    const due = new Set<string>();
    for (let count = 0; count < Math.min(this.#options.refreshPerPass, owned.length); count += 1) {
      this.#refreshCursor = (this.#refreshCursor + 1) % owned.length;
      const entry = owned[this.#refreshCursor];
      if (entry) due.add(entry.Id);
    }
    return due;
  }

  async #forget(entries: readonly ListEntry[]): Promise<void> {
    const present = new Set(entries.map((entry) => entry.Id));
    await this.#processes.keepOnly(present);
    const imagesInUse = new Set(entries.map((entry) => entry.ImageID ?? ''));
    for (const id of this.#cache.keys()) {
      if (present.has(id)) continue;
      this.#cache.delete(id);
      this.#changed = true;
    }
    for (const id of this.#images.keys()) if (!imagesInUse.has(id)) this.#images.delete(id);
  }
}
