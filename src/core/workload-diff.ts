/**
 * Compares what a component's workload should be with what its runtime says it is, field by field.
 * What an image or the runtime itself sets is no difference, nor is another spelling of one value.
 */
import { volumeName } from './names.js';
import type { ObservedConfig, ObservedMount, ObservedWorkload } from './observation.js';
import { effectiveLimits, formatPort, parsePort, parseVolume, type ComponentSpec } from './spec.js';

/** How a difference is mended: with a new workload, or in place. */
export type Mend = 'replace' | 'update';

export interface FieldDifference {
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
  readonly mend: Mend;
  /** The difference stems from a file (`env_file`, `secret_file`) that changed after the workload was made. */
  readonly fromFile: boolean;
}

/** What a workload should be made with. */
export interface DesiredWorkload {
  readonly homeId: string;
  readonly service: string;
  readonly spec: ComponentSpec;
  /** `sha256:…` */
  readonly imageDigest: string;
  readonly env: DesiredEnv;
}

/** The definition's environment with its files read. */
export interface DesiredEnv {
  readonly values: Readonly<Record<string, string>>;
  /** Keys that came from `env_file` or `secret_file`. */
  readonly fileKeys: ReadonlySet<string>;
  /** Keys whose values are never shown. */
  readonly secretKeys: ReadonlySet<string>;
  /** There are such files: a variable that nothing declares now was in one of them when the workload was made. */
  readonly hasFiles: boolean;
}

/** Quotas are set in hundredths of a core; anything nearer than that is equal. */
const vcpuTolerance = 0.011;

const nothing = '(none)';

/** All differences; empty when the workload is what it should be, as far as the runtime tells. */
export function diffWorkload(desired: DesiredWorkload, workload: ObservedWorkload): readonly FieldDifference[] {
  const differences: FieldDifference[] = [];
  const compare = (field: string, want: string, have: string): void => {
    if (want !== have) differences.push({ field, desired: want, observed: have, mend: 'replace', fromFile: false });
  };
  compare('runtime', desired.spec.runtime, workload.runtime);
  compare('image', desired.imageDigest, workload.imageDigest);
  if (workload.config) {
    const { config } = workload;
    compare('command', printList(desired.spec.command ?? config.image.command), printList(config.command));
    compare('user', desired.spec.user ?? config.image.user, config.user);
    compare('ports', printList(desiredPorts(desired.spec)), printList(config.ports));
    compare('mounts', printList(desiredMounts(desired).map(printMount)), printList(config.mounts.map(printMount)));
    differences.push(...diffEnv(desired.env, config));
  }
  differences.push(...diffLimits(desired.spec, workload));
  return differences;
}

function desiredPorts(spec: ComponentSpec): readonly string[] {
  return spec.ports
    .flatMap((text) => parsePort(text) ?? [])
    .map(formatPort)
    .sort();
}

function desiredMounts(desired: DesiredWorkload): readonly ObservedMount[] {
  return desired.spec.volumes
    .flatMap((text) => parseVolume(text) ?? [])
    .map((mount) => ({
      ...mount,
      source: mount.kind === 'named' ? volumeName(desired.homeId, desired.service, mount.source) : mount.source,
    }))
    .sort((a, b) => (a.target < b.target ? -1 : 1));
}

function printMount(mount: ObservedMount): string {
  return `${mount.source}:${mount.target}:${mount.readOnly ? 'ro' : 'rw'}`;
}

function printList(items: readonly string[]): string {
  return items.length === 0
    ? nothing
    : items.map((item) => (/[\s"']|^$/.test(item) ? JSON.stringify(item) : item)).join(' ');
}

function diffEnv(desired: DesiredEnv, config: ObservedConfig): readonly FieldDifference[] {
  const differences: FieldDifference[] = [];
  const wanted = new Map(Object.entries({ ...config.image.env, ...desired.values }));
  const observed = new Map(Object.entries(config.env));
  const ignored = new Set(config.runtimeEnv);
  for (const key of [...new Set([...wanted.keys(), ...observed.keys()])].sort()) {
    const [want, have] = [wanted.get(key), observed.get(key)];
    if (want === have || (want === undefined && ignored.has(key))) continue;
    const show = (value: string | undefined): string =>
      value === undefined ? nothing : desired.secretKeys.has(key) ? '(secret)' : JSON.stringify(value);
    // What nothing declares any more may have been in a secret file: its value is nobody's to show.
    const isDeclared = Object.hasOwn(desired.values, key);
    differences.push({
      field: `env.${key}`,
      desired: show(want),
      observed: isDeclared || have === undefined ? show(have) : '(set)',
      mend: 'replace',
      fromFile: isDeclared ? desired.fileKeys.has(key) : desired.hasFiles,
    });
  }
  return differences;
}

/**
 * A container's limits are set in place, while it runs. A machine is made with its own: other ones want another
 * machine. What another runtime had says nothing.
 */
function diffLimits(spec: ComponentSpec, workload: ObservedWorkload): readonly FieldDifference[] {
  const inPlace = spec.runtime === 'container';
  if (workload.runtime !== spec.runtime || (inPlace && workload.state !== 'running')) return [];
  const differences: FieldDifference[] = [];
  const show = (value: number | null, unit: string): string =>
    value === null ? 'unlimited' : `${String(value)}${unit}`;
  const push = (field: string, want: number | null, have: number | null, unit: string): void => {
    const [desired, observed] = [show(want, unit), show(have, unit)];
    differences.push({ field, desired, observed, mend: inPlace ? 'update' : 'replace', fromFile: false });
  };
  const { memoryMb, vcpus } = workload;
  const wanted = effectiveLimits(spec);
  if (memoryMb !== undefined && memoryMb !== wanted.memoryMb) push('memory_mb', wanted.memoryMb, memoryMb, ' MiB');
  if (vcpus !== undefined && !sameVcpus(vcpus, wanted.vcpus)) push('vcpus', wanted.vcpus, vcpus, '');
  return differences;
}

function sameVcpus(a: number | null, b: number | null): boolean {
  return a === null || b === null ? a === b : Math.abs(a - b) < vcpuTolerance;
}
