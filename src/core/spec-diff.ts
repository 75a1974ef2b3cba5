/** Compares two specs of a component, field by field, in the words of the definition file. Pure. */
import { canonicalJson, shortHash } from './hash.js';
import { isVm, formatPort, parsePort, parseVolume, type ComponentSpec } from './spec.js';

/**
 * What a change of a field does to a running workload: `replace` makes a new one, `update` changes it in
 * place, `none` touches nothing that runs.
 */
export type ChangeEffect = 'replace' | 'update' | 'none';

export interface SpecFieldChange {
  /** `image`, `env.LOG_LEVEL`, `memory_mb` … */
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly effect: ChangeEffect;
}

interface FieldRule {
  readonly field: string;
  readonly effect: ChangeEffect;
  readonly read: (spec: ComponentSpec) => unknown;
}

const fieldRules: readonly FieldRule[] = [
  { field: 'runtime', effect: 'replace', read: (spec) => spec.runtime },
  { field: 'image', effect: 'replace', read: (spec) => spec.image },
  { field: 'build', effect: 'replace', read: (spec) => spec.build },
  { field: 'command', effect: 'replace', read: (spec) => spec.command },
  { field: 'env_file', effect: 'replace', read: (spec) => spec.envFile },
  { field: 'secret_file', effect: 'replace', read: (spec) => spec.secretFile },
  { field: 'ports', effect: 'replace', read: (spec) => canonicalPorts(spec.ports) },
  { field: 'volumes', effect: 'replace', read: (spec) => canonicalVolumes(spec.volumes) },
  // A disk that is there grows when its machine next starts.
  { field: 'volumes.size_mb', effect: 'none', read: (spec) => volumeSizes(spec.volumes) },
  { field: 'files', effect: 'replace', read: (spec) => [...spec.files].sort() },
  { field: 'user', effect: 'replace', read: (spec) => spec.user },
  { field: 'log_limit_mb', effect: 'none', read: (spec) => spec.logLimitMb },
  { field: 'memory_mb', effect: 'update', read: (spec) => spec.memoryMb },
  { field: 'vcpus', effect: 'update', read: (spec) => spec.vcpus },
  { field: 'pull', effect: 'none', read: (spec) => spec.pull },
  { field: 'update', effect: 'none', read: (spec) => spec.update },
  { field: 'restart', effect: 'none', read: (spec) => spec.restart },
  { field: 'ready_timeout_s', effect: 'none', read: (spec) => spec.readyTimeoutS },
  { field: 'stop_timeout_s', effect: 'none', read: (spec) => spec.stopTimeoutS },
  { field: 'reconcile', effect: 'none', read: (spec) => spec.reconcile },
  { field: 'depends_on', effect: 'none', read: (spec) => spec.dependsOn },
  { field: 'health', effect: 'none', read: (spec) => spec.health },
];

/** Ports in canonical spelling and order; what cannot be read stays as written. */
export function canonicalPorts(ports: readonly string[]): readonly string[] {
  return ports
    .map((text) => {
      const mapping = parsePort(text);
      return mapping ? formatPort(mapping) : text;
    })
    .sort();
}

/** Volumes in canonical spelling, ordered by target, sizes apart; what cannot be read stays as written. */
export function canonicalVolumes(volumes: readonly string[]): readonly string[] {
  return volumes
    .map((text) => {
      const mount = parseVolume(text);
      return mount ? `${mount.target}=${mount.source}:${mount.readOnly ? 'ro' : 'rw'}` : text;
    })
    .sort();
}

/** The sizes that volumes ask for, by name. */
function volumeSizes(volumes: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    volumes.flatMap((text) => {
      const mount = parseVolume(text);
      const sizeMb = mount?.sizeMb ?? null;
      return mount === undefined || sizeMb === null ? [] : [[mount.source, sizeMb] as const];
    }),
  );
}

/** All differences; empty when both mean the same, however they are spelled. */
export function diffSpecs(before: ComponentSpec, after: ComponentSpec): readonly SpecFieldChange[] {
  const changes: SpecFieldChange[] = [];
  for (const rule of fieldRules) {
    const [a, b] = [rule.read(before), rule.read(after)];
    if (canonicalJson(a) !== canonicalJson(b)) {
      // A machine has its memory and processors from its start on: other limits are another machine.
      const effect = rule.effect === 'update' && isVm(after.runtime) ? 'replace' : rule.effect;
      changes.push({ field: rule.field, before: a, after: b, effect });
    }
  }
  const keys = new Set([...Object.keys(before.env), ...Object.keys(after.env)]);
  for (const key of [...keys].sort()) {
    const [a, b] = [before.env[key], after.env[key]];
    if (a !== b) changes.push({ field: `env.${key}`, before: a ?? null, after: b ?? null, effect: 'replace' });
  }
  return changes;
}

/** Hash of what a workload is made from: the fields whose change replaces or updates it. A hint for people; never proof of drift. */
export function specHash(spec: ComponentSpec): string {
  const made = fieldRules.filter((rule) => rule.effect !== 'none').map((rule) => [rule.field, rule.read(spec)]);
  return shortHash(canonicalJson([made, spec.env]));
}

/**
 * What the pinned image digest belongs to: another key resolves the reference anew. A spec edit that
 * leaves the image alone keeps its digest, so that memory edited by SQL never follows a moved tag.
 */
export function imagePinKey(spec: ComponentSpec, imageRefresh: number): string {
  // What `canonicalJson` makes of the three, without going through a list: every decision asks for it.
  const build = spec.build === null ? 'null' : canonicalJson(spec.build);
  return shortHash(`[${JSON.stringify(spec.image)},${build},${String(imageRefresh)}]`);
}
