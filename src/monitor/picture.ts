/**
 * The picture of one driver's workloads: merges whole lists with single fresh looks, so that an old
 * answer never hides a newer one.
 */
import type { ComponentKey } from '../core/names.js';
import { sameJson } from '../core/hash.js';
import { formatKey } from '../core/names.js';
import { applyClaim, type DriverSnapshot, type ObservedWorkload, type RuntimeEvent } from '../core/observation.js';

/** A single look at one workload. */
interface Look {
  /** When it began, in monotonic milliseconds. */
  readonly atMs: number;
  /** undefined: it was gone. */
  readonly workload: ObservedWorkload | undefined;
}

/** What a merge changed: native ids and names to look at again. */
export type Touched = readonly ObservedWorkload[];

export class Picture {
  readonly #homeId: string;
  #workloads = new Map<string, ObservedWorkload>();
  #byName = new Map<string, ObservedWorkload>();
  #byKey = new Map<string, Map<string, ObservedWorkload>>();
  #images: ReadonlyMap<string, string> = new Map();
  /** Looks that may be newer than a list that is under way. */
  readonly #looks = new Map<string, Look>();

  constructor(homeId: string) {
    this.#homeId = homeId;
  }

  /** Takes a whole list in, begun at `atMs` (monotonic). Answers what is new, changed or gone since the picture before. */
  takeList(snapshot: DriverSnapshot, atMs: number): Touched {
    const before = this.#workloads;
    const listed = new Map(snapshot.workloads.map((workload) => [workload.nativeId, workload]));
    for (const [nativeId, look] of this.#looks) {
      if (look.atMs < atMs) this.#looks.delete(nativeId);
      else if (look.workload) listed.set(nativeId, look.workload);
      else listed.delete(nativeId);
    }
    this.#images = snapshot.images;
    this.#rebuild(listed);
    const touched: ObservedWorkload[] = [];
    for (const workload of listed.values()) {
      const old = before.get(workload.nativeId);
      if (!old || !sameWorkload(old, workload)) touched.push(workload);
    }
    for (const old of before.values()) if (!listed.has(old.nativeId)) touched.push(old);
    return touched;
  }

  /** Takes one fresh look in, begun at `atMs` (monotonic). Answers the workload before and after, when they differ. */
  takeLook(idOrName: string, workload: ObservedWorkload | undefined, atMs: number): Touched {
    const old = this.#known(workload?.nativeId ?? idOrName) ?? this.#known(idOrName);
    const nativeId = workload?.nativeId ?? old?.nativeId ?? idOrName;
    const newer = this.#looks.get(nativeId);
    return newer && newer.atMs > atMs ? [] : this.#replace(nativeId, old, workload, atMs);
  }

  /** Takes in what an event that arrived at `atMs` (monotonic) says of a workload, until it is looked at. Answers what changed. */
  takeClaim(event: RuntimeEvent, atMs: number): Touched {
    const old = this.#workloads.get(event.nativeId);
    if (!old) return [];
    const claimed = applyClaim(old, event);
    return claimed === old ? [] : this.#replace(old.nativeId, old, claimed, atMs);
  }

  /** Workloads with this component's labels, and the holder of a host name. */
  workloadsOf(key: ComponentKey, mainHostName: string): readonly ObservedWorkload[] {
    const own = this.#byKey.get(formatKey(key));
    const holder = this.#byName.get(mainHostName);
    const list = own ? [...own.values()] : [];
    return holder && !own?.has(holder.nativeId) ? [...list, holder] : list;
  }

  owned(): readonly ObservedWorkload[] {
    return [...this.#byKey.values()].flatMap((group) => [...group.values()]);
  }

  imageNow(reference: string): string | undefined {
    return this.#images.get(reference);
  }

  /** References whose meaning differs between the picture before and `images`. */
  movedImages(images: ReadonlyMap<string, string>): boolean {
    if (images.size !== this.#images.size) return true;
    for (const [reference, digest] of images) if (this.#images.get(reference) !== digest) return true;
    return false;
  }

  #known(idOrName: string): ObservedWorkload | undefined {
    return this.#workloads.get(idOrName) ?? this.#byName.get(idOrName);
  }

  /** Puts one workload in the place of what was known of it, safe from older lists. */
  #replace(
    nativeId: string,
    old: ObservedWorkload | undefined,
    workload: ObservedWorkload | undefined,
    atMs: number,
  ): Touched {
    this.#looks.set(nativeId, { atMs, workload });
    if (old) this.#forget(old);
    if (workload) this.#keep(workload);
    if (old && workload && sameWorkload(old, workload)) return [];
    return [workload, old].filter((item) => item !== undefined);
  }

  #rebuild(workloads: Map<string, ObservedWorkload>): void {
    this.#workloads = new Map();
    this.#byName = new Map();
    this.#byKey = new Map();
    for (const workload of workloads.values()) this.#keep(workload);
  }

  #keep(workload: ObservedWorkload): void {
    this.#workloads.set(workload.nativeId, workload);
    this.#byName.set(workload.name, workload);
    const { owner } = workload;
    if (owner?.homeId !== this.#homeId) return;
    const key = formatKey(owner);
    const group = this.#byKey.get(key);
    if (group) group.set(workload.nativeId, workload);
    else this.#byKey.set(key, new Map([[workload.nativeId, workload]]));
  }

  #forget(workload: ObservedWorkload): void {
    this.#workloads.delete(workload.nativeId);
    if (this.#byName.get(workload.name)?.nativeId === workload.nativeId) this.#byName.delete(workload.name);
    if (!workload.owner) return;
    const key = formatKey(workload.owner);
    const group = this.#byKey.get(key);
    group?.delete(workload.nativeId);
    if (group?.size === 0) this.#byKey.delete(key);
  }
}

/** Equal in everything that a decision may depend on. */
export function sameWorkload(a: ObservedWorkload, b: ObservedWorkload): boolean {
  if (a === b) return true;
  const { config: configA, ...restA } = a;
  const { config: configB, ...restB } = b;
  return sameJson(configA, configB) && sameJson(restA, restB);
}
