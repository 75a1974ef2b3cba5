/** Sorts a world into what the planner asks of it: who is who, what is wanted, what differs. */
import { readGoodSpec } from '../../src/core/good-spec.js';
import { sameJson } from '../../src/core/hash.js';
import { hostName, roleOfHostName } from '../../src/core/names.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { ComponentSpec } from '../../src/core/spec.js';
import { imagePinKey } from '../../src/core/spec-diff.js';
import type { ComponentStatus, ObservedState } from '../../src/core/status.js';
import { diffWorkload, type DesiredEnv, type FieldDifference } from '../../src/core/workload-diff.js';
import type { World } from './types.js';

/** The workloads of one component, by the part that they play. */
export interface Roles {
  readonly main: ObservedWorkload | undefined;
  readonly next: ObservedWorkload | undefined;
  readonly previous: ObservedWorkload | undefined;
  /** Ours by their labels, under a name that we did not give. */
  readonly strays: readonly ObservedWorkload[];
  /** Somebody else's workload under our name. */
  readonly foreign: ObservedWorkload | undefined;
}

/** What is to run: the spec, or the last good one while its generation is given up. */
export interface Effective {
  readonly spec: ComponentSpec;
  readonly generation: number;
  /** null: not resolved yet. */
  readonly digest: string | null;
  /** True while the last good generation stands in for one that failed. */
  readonly holding: boolean;
  /** The tag moved and is followed: the digest that it names now. */
  readonly followed: string | null;
}

export interface Scene {
  readonly world: World;
  /** The status as it was, less what the user's latest edit made void. */
  readonly status: ComponentStatus;
  readonly roles: Roles;
  readonly effective: Effective;
  /** What an image pinned now is pinned for. */
  readonly imagePinKey: string;
  readonly env: { readonly desired: DesiredEnv } | { readonly error: string };
  readonly observed: ObservedState;
  /** A restart was asked for and not carried out yet. */
  readonly restartAsked: boolean;
  readonly wantsRunning: boolean;
}

/** Reads a world once. Pure. */
export function readScene(world: World): Scene {
  const { record } = world;
  const status = forgetWhatTheUserOverruled(world);
  const roles = sortRoles(world);
  const pinKey = imagePinKey(record.spec, record.imageRefresh);
  const effective = readEffective(world, status, roles, pinKey);
  return {
    world,
    status,
    roles,
    effective,
    imagePinKey: pinKey,
    env: readEnv(world, effective.spec),
    observed: observe(world, status, roles),
    restartAsked: record.restartToken !== status.restartToken,
    wantsRunning: record.desired === 'running' && record.service.active,
  };
}

/** An edit of the user ends waiting and contest: what was learned about the old wish is void. */
function forgetWhatTheUserOverruled(world: World): ComponentStatus {
  const { record } = world;
  if (record.revision <= record.status.observedRevision) return record.status;
  const failed = record.status.failedGeneration === record.generation ? record.generation : null;
  return { ...record.status, failures: 0, nextTryAtMs: null, heals: {}, failedGeneration: failed };
}

function sortRoles(world: World): Roles {
  const main = hostName(world.namePrefix, world.record.workload, 'main');
  const found: { -readonly [Role in keyof Roles]: Roles[Role] } = {
    main: undefined,
    next: undefined,
    previous: undefined,
    strays: [],
    foreign: undefined,
  };
  const strays: ObservedWorkload[] = [];
  for (const workload of [...world.workloads].sort((a, b) => rank(world, b) - rank(world, a))) {
    const role = roleOfHostName(main, workload.name);
    if (!isOurs(world, workload)) {
      // Names are a driver's own: who holds ours in another runtime is in nobody's way.
      if (role === 'main' && workload.driver === world.driver?.name) found.foreign = workload;
    } else if (role && !found[role]) found[role] = workload;
    else strays.push(workload);
  }
  return { ...found, strays };
}

/** Of two that play one part, in two runtimes, the one that is up does, else the one in the runtime that is wanted. */
function rank(world: World, workload: ObservedWorkload): number {
  const wanted = workload.runtime === world.record.spec.runtime ? 1 : 0;
  return workload.state === 'running' || workload.state === 'paused' || workload.state === 'stopping' ? 2 : wanted;
}

function isOurs(world: World, workload: ObservedWorkload): boolean {
  const { owner } = workload;
  const { key } = world.record;
  return owner?.homeId === world.homeId && owner.service === key.service && owner.component === key.component;
}

function readEffective(world: World, status: ComponentStatus, roles: Roles, pinKey: string): Effective {
  const { record } = world;
  if (status.failedGeneration === record.generation && status.goodSpec !== null && status.goodGeneration !== null) {
    const spec = readGoodSpec(status.goodSpec);
    const moved = followedDigest(world, status.imageDigest);
    if (moved === null) {
      return { spec, generation: status.goodGeneration, digest: status.goodDigest, holding: true, followed: null };
    }
  }
  const pinned = pinnedDigest(world, status, roles, pinKey);
  const followed = followedDigest(world, pinned);
  return { spec: record.spec, generation: record.generation, digest: followed ?? pinned, holding: false, followed };
}

/** One generation keeps one digest: by the status, else by the workload that this generation made. */
function pinnedDigest(world: World, status: ComponentStatus, roles: Roles, pinKey: string): string | null {
  const { record } = world;
  if (status.imagePinKey === pinKey) return status.imageDigest;
  if (status.imagePinKey === null && roles.main?.owner?.generation === record.generation) return roles.main.imageDigest;
  return null;
}

function followedDigest(world: World, pinned: string | null): string | null {
  const { imageNow, record } = world;
  const moved = imageNow !== undefined && pinned !== null && imageNow !== pinned;
  return moved && record.spec.update === 'auto' ? imageNow : null;
}

function readEnv(world: World, spec: ComponentSpec): Scene['env'] {
  const values: Record<string, string> = {};
  const fileKeys = new Set<string>();
  const secretKeys = new Set<string>();
  for (const path of [...spec.envFile, ...spec.secretFile]) {
    const file = world.envFiles.get(path);
    if (!file || 'error' in file) return { error: `${path}: ${file?.error ?? 'not read'}` };
    for (const [key, value] of Object.entries(file.values)) {
      values[key] = value;
      fileKeys.add(key);
      if (spec.secretFile.includes(path)) secretKeys.add(key);
    }
  }
  for (const [key, value] of Object.entries(spec.env)) {
    values[key] = value;
    fileKeys.delete(key);
  }
  const hasFiles = spec.envFile.length + spec.secretFile.length > 0;
  return { desired: { values, fileKeys, secretKeys, hasFiles } };
}

/** The workload that stands for the component: the main one, else whichever runs, else what is left. */
export function standIn(roles: Roles): ObservedWorkload | undefined {
  const { main, next, previous, strays } = roles;
  if (main) return main;
  const others = [previous, next, ...strays].filter((workload) => workload !== undefined);
  return others.find((workload) => workload.state === 'running') ?? others[0];
}

function observe(world: World, status: ComponentStatus, roles: Roles): ObservedState {
  if (!world.driver?.answering) return 'unknown';
  const workload = standIn(roles);
  if (!workload) return 'missing';
  switch (workload.state) {
    case 'running':
    case 'stopping':
      return 'running';
    case 'paused':
      return 'paused';
    case 'created':
      return 'stopped';
    case 'exited':
    case 'removing':
      return stoppedByBerth(status, workload) ? 'stopped' : 'exited';
    case 'unknown':
      return 'unknown';
  }
}

/** True when this end of this workload is the one that Berth itself brought about. */
export function stoppedByBerth(status: ComponentStatus, workload: ObservedWorkload): boolean {
  const sameRun = status.nativeId === workload.nativeId && status.startedAtMs === workload.startedAtMs;
  return sameRun && (status.observed === 'stopped' || status.phase === 'stopping');
}

/** How a workload differs from what is wanted; image differences only once the digest is known. */
export function differencesOf(scene: Scene, workload: ObservedWorkload): readonly FieldDifference[] {
  if ('error' in scene.env) return [];
  const seen = diffWorkload(
    {
      homeId: scene.world.homeId,
      service: scene.world.record.key.service,
      spec: scene.effective.spec,
      imageDigest: scene.effective.digest ?? workload.imageDigest,
      env: scene.env.desired,
    },
    workload,
  );
  return [...seen, ...otherFiles(scene, workload)];
}

/** No runtime tells which files of the image a unikernel took along: the spec that it was made for does. */
function otherFiles(scene: Scene, workload: ObservedWorkload): readonly FieldDifference[] {
  const { effective } = scene;
  const madeFor = workload.owner?.generation ?? null;
  if (effective.spec.runtime !== 'unikernel' || madeFor === null || madeFor === effective.generation) return [];
  const made = specOf(scene, madeFor);
  if (made?.runtime !== 'unikernel') return [];
  const print = ({ files }: ComponentSpec): string => [...files].sort().join(' ') || '(none)';
  const [desired, observed] = [print(effective.spec), print(made)];
  return desired === observed ? [] : [{ field: 'files', desired, observed, mend: 'replace', fromFile: false }];
}

/** What a generation wanted, where it is known: a workload that went on through later ones was right for them too. */
function specOf({ world, status }: Scene, generation: number): ComponentSpec | undefined {
  if (status.goodSpec !== null && generation <= (status.goodGeneration ?? 0)) {
    return readGoodSpec(status.goodSpec);
  }
  return world.earlier?.generation === generation ? world.earlier.spec : undefined;
}

/** The differences that want a new workload now; those that stem from files wait for a restart. */
export function replacing(scene: Scene, differences: readonly FieldDifference[]): readonly FieldDifference[] {
  const withFiles = scene.restartAsked || declaresOtherFiles(scene);
  return differences.filter((item) => item.mend === 'replace' && (!item.fromFile || withFiles));
}

/** True when a workload is what the last good generation wants, whichever generation it was made for. */
export function matchesGood(scene: Scene, workload: ObservedWorkload): boolean {
  const { world, status } = scene;
  if (status.goodSpec === null || status.goodDigest === null || workload.config === null) return false;
  const spec = readGoodSpec(status.goodSpec);
  const env = readEnv(world, spec);
  if ('error' in env) return false;
  const { homeId, record } = world;
  const desired = { homeId, service: record.key.service, spec, imageDigest: status.goodDigest, env: env.desired };
  return diffWorkload(desired, workload).every((item) => item.mend !== 'replace' || item.fromFile);
}

/** The user named other env or secret files than the last good generation had: that is an edit like any other. */
function declaresOtherFiles({ status, effective }: Scene): boolean {
  if (status.goodSpec === null || status.goodGeneration === effective.generation) return false;
  const { envFile, secretFile } = readGoodSpec(status.goodSpec);
  return !sameJson(envFile, effective.spec.envFile) || !sameJson(secretFile, effective.spec.secretFile);
}

/** True when a workload can stand for what is wanted. */
export function matches(scene: Scene, workload: ObservedWorkload): boolean {
  return workload.config !== null && replacing(scene, differencesOf(scene, workload)).length === 0;
}
