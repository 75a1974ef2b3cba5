/**
 * Limits in force, from the kernel: podman 4.3's inspect goes on showing the old ones after `podman update`.
 * Reads cgroup v1, hybrid and v2 (man 7 cgroups, kernel's admin-guide/cgroup-v1 and cgroup-v2).
 */
import type { Limits } from '../../core/ports/driver.js';

/** Reads a file; undefined when it is not there. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** How control groups are laid out on a host. */
export type CgroupLayout = 'v1' | 'hybrid' | 'v2' | 'none';

interface CgroupMount {
  /** Controllers (v1), or empty for the unified hierarchy. */
  readonly controllers: readonly string[];
  readonly unified: boolean;
  readonly root: string;
  readonly path: string;
}

/** Where the hierarchies are mounted, by the text of `/proc/self/mountinfo`. */
export function cgroupMountsOf(mountinfo: string): readonly CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [type, , options = ''] = right.split(' ');
    const [, , , root = '/', path = ''] = left.split(' ');
    if (type === 'cgroup2') mounts.push({ controllers: [], unified: true, root, path });
    if (type === 'cgroup') mounts.push({ controllers: options.split(','), unified: false, root, path });
  }
  return mounts;
}

/** The layout that those mounts make. */
export function cgroupLayoutOf(mounts: readonly CgroupMount[]): CgroupLayout {
  const unified = mounts.some((mount) => mount.unified);
  const legacy = mounts.some((mount) => !mount.unified);
  if (unified && legacy) return 'hybrid';
  return unified ? 'v2' : legacy ? 'v1' : 'none';
}

/** Folders of the kernel in which the limits of one process stand. */
export interface LimitFolders {
  readonly memory: { readonly path: string; readonly unified: boolean } | null;
  readonly cpu: { readonly path: string; readonly unified: boolean } | null;
}

function folderOf(
  mounts: readonly CgroupMount[],
  groups: ReadonlyMap<string, string>,
  controller: string,
): LimitFolders['memory'] {
  const legacy = mounts.find((mount) => mount.controllers.includes(controller));
  const mount = legacy ?? mounts.find((candidate) => candidate.unified);
  const group = groups.get(legacy ? controller : '');
  if (!mount || group === undefined) return null;
  const inside = mount.root !== '/' && group.startsWith(mount.root) ? group.slice(mount.root.length) : group;
  return { path: `${mount.path}${inside === '/' ? '' : inside}`, unified: mount.unified };
}

/** Finds the folders by the text of `/proc/PID/cgroup`. */
export function limitFoldersOf(mounts: readonly CgroupMount[], procCgroup: string): LimitFolders {
  const groups = new Map<string, string>();
  for (const line of procCgroup.split('\n')) {
    const [, controllers, ...path] = line.split(':');
    if (controllers === undefined) continue;
    for (const controller of controllers.split(',')) groups.set(controller, path.join(':'));
  }
  return { memory: folderOf(mounts, groups, 'memory'), cpu: folderOf(mounts, groups, 'cpu') };
}

/** v1 writes "no limit" as the largest multiple of a page that fits. */
const unlimitedBytes = 2 ** 60;

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** Mebibytes by the text of `memory.limit_in_bytes` or `memory.max`; null: unlimited. */
export function memoryMbOf(text: string): number | null | undefined {
  const word = text.trim();
  if (word === 'max') return null;
  const bytes = Number(word);
  if (word === '' || !Number.isFinite(bytes)) return undefined;
  return bytes < 0 || bytes >= unlimitedBytes ? null : rounded(bytes / (1024 * 1024));
}

/** Cores by quota and period in microseconds; `max` or -1 is unlimited (null). */
export function vcpusOf(quota: string, period: string): number | null | undefined {
  if (quota.trim() === 'max' || Number(quota) < 0) return null;
  const cores = Number(quota) / Number(period);
  return quota.trim() !== '' && Number.isFinite(cores) && cores > 0 ? rounded(cores) : undefined;
}

async function memoryIn(folder: LimitFolders['memory'], read: ReadText): Promise<number | null | undefined> {
  if (!folder) return undefined;
  const text = await read(`${folder.path}/${folder.unified ? 'memory.max' : 'memory.limit_in_bytes'}`);
  return text === undefined ? undefined : memoryMbOf(text);
}

async function vcpusIn(folder: LimitFolders['cpu'], read: ReadText): Promise<number | null | undefined> {
  if (!folder) return undefined;
  if (folder.unified) {
    const [quota = '', period = ''] = ((await read(`${folder.path}/cpu.max`)) ?? '').trim().split(' ');
    return vcpusOf(quota, period);
  }
  const quota = await read(`${folder.path}/cpu.cfs_quota_us`);
  // Without a limit, as most are, the period says nothing.
  if (quota === undefined || Number(quota) < 0) return quota === undefined ? undefined : null;
  const period = await read(`${folder.path}/cpu.cfs_period_us`);
  return period === undefined ? undefined : vcpusOf(quota, period);
}

/** The limits in force; undefined where the kernel does not say. */
export async function readLimits(folders: LimitFolders, read: ReadText): Promise<{ [K in keyof Limits]?: Limits[K] }> {
  const [memoryMb, vcpus] = await Promise.all([memoryIn(folders.memory, read), vcpusIn(folders.cpu, read)]);
  return { ...(memoryMb === undefined ? {} : { memoryMb }), ...(vcpus === undefined ? {} : { vcpus }) };
}
