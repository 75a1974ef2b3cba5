/** From a component's row, or from its JSON in the change log, to its spec and back. */
import {
  componentDefaults,
  desiredStates,
  pullPolicies,
  reconcileModes,
  restartPolicies,
  runtimes,
  updatePolicies,
  type BuildSpec,
  type ComponentSpec,
  type HealthSpec,
} from '../core/spec.js';
import { canonicalJson } from '../core/hash.js';
import type { ComponentTable } from './schema.js';
import type { Selectable } from 'kysely';

export type ComponentRow = Selectable<ComponentTable>;

/** A row in the terms of the definition file, JSON columns read: also the form of the change log. */
export type Columns = Readonly<Record<string, unknown>>;

type JsonColumn =
  'build' | 'command' | 'env' | 'env_file' | 'secret_file' | 'ports' | 'volumes' | 'files' | 'depends_on' | 'health';

// Most rows hold the same few texts: reading them once spares most of the work of a full load.
const emptyList: unknown = Object.freeze([]);
const emptyMap: unknown = Object.freeze({});

function parseText(text: string): unknown {
  if (text === '[]') return emptyList;
  return text === '{}' ? emptyMap : (JSON.parse(text) as unknown);
}

/** The definition of a row in the form that the change log has it. `unreadable` names a JSON column that no CHECK guarded. */
export function columnsOfRow(row: ComponentRow): Columns {
  let unreadable: JsonColumn | undefined;
  const parsed = (column: JsonColumn): unknown => {
    const text = row[column];
    if (text === null) return null;
    try {
      return parseText(text);
    } catch {
      unreadable = column;
      return null;
    }
  };
  // One by one: copying a row of all its columns takes most of the time of a full load.
  const columns = {
    name: row.name,
    runtime: row.runtime,
    image: row.image,
    build: parsed('build'),
    pull: row.pull,
    update: row.update_policy,
    memory_mb: row.memory_mb,
    vcpus: row.vcpus,
    command: parsed('command'),
    env: parsed('env'),
    env_file: parsed('env_file'),
    secret_file: parsed('secret_file'),
    ports: parsed('ports'),
    volumes: parsed('volumes'),
    files: parsed('files'),
    user: row.user,
    restart: row.restart,
    ready_timeout_s: row.ready_timeout_s,
    log_limit_mb: row.log_limit_mb,
    stop_timeout_s: row.stop_timeout_s,
    reconcile: row.reconcile,
    depends_on: parsed('depends_on'),
    health: parsed('health'),
  };
  return unreadable === undefined ? columns : { ...columns, unreadable };
}

/** Collects what is wrong with a value that SQL let pass. */
type Report = (field: string, message: string) => void;

function readList(columns: Columns, field: string, report: Report): readonly string[] {
  const value = columns[field];
  if (!Array.isArray(value)) return [];
  const list: readonly unknown[] = value;
  if (list.every((item) => typeof item === 'string')) return list;
  report(field, 'must be a list of strings');
  return list.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
}

function readMap(value: unknown, field: string, report: Report): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value);
  if (entries.every(([, member]) => typeof member === 'string')) return value as Readonly<Record<string, string>>;
  report(field, 'must map names to strings');
  return Object.fromEntries(
    entries.map(([name, member]) => [name, typeof member === 'string' ? member : JSON.stringify(member)]),
  );
}

function readBuild(value: unknown, report: Report): BuildSpec | null {
  if (typeof value !== 'object' || value === null) return null;
  const { context, file, args } = value as Record<string, unknown>;
  if (typeof context !== 'string' || !context.startsWith('/')) {
    report('build', 'needs a context, an absolute path');
    return null;
  }
  if (file !== undefined && typeof file !== 'string') report('build', 'file must be a string');
  return {
    context,
    ...(typeof file === 'string' ? { file } : {}),
    ...(args === undefined ? {} : { args: readMap(args, 'build', report) }),
  };
}

const healthTypes: Readonly<Record<keyof HealthSpec, 'string' | 'number' | 'boolean'>> = {
  http: 'string',
  tcp: 'boolean',
  log: 'string',
  port: 'number',
  interval_s: 'number',
  timeout_s: 'number',
  restart_after: 'number',
};

function readHealth(value: unknown, report: Report): HealthSpec | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    const wanted = Object.entries(healthTypes).find(([known]) => known === name)?.[1];
    if (wanted === undefined) report('health', `has no "${name}"`);
    else if (typeof member !== wanted) report('health', `${name} must be a ${wanted}`);
  }
  return value;
}

function oneOf<T extends string>(values: readonly T[], value: unknown, fallback: T): T {
  return values.find((candidate) => candidate === value) ?? fallback;
}

const numberOr = <T>(value: unknown, fallback: T): number | T => (typeof value === 'number' ? value : fallback);

/** The spec that the columns hold, and what they hold that no spec can. Absent columns (of old log entries) have their defaults. */
export function specOfColumns(columns: Columns): { readonly spec: ComponentSpec; readonly problem: string | null } {
  let problem: string | null = null;
  const report: Report = (field, message) => {
    problem ??= `${field} ${message}`;
  };
  if (typeof columns['unreadable'] === 'string') report(columns['unreadable'], 'is no JSON');
  const list = (field: string): readonly string[] => readList(columns, field, report);
  const spec: ComponentSpec = {
    name: String(columns['name']),
    runtime: oneOf(runtimes, columns['runtime'], 'container'),
    image: String(columns['image']),
    build: readBuild(columns['build'], report),
    pull: oneOf(pullPolicies, columns['pull'], componentDefaults.pull),
    update: oneOf(updatePolicies, columns['update'], componentDefaults.update),
    memoryMb: numberOr(columns['memory_mb'], null),
    vcpus: numberOr(columns['vcpus'], null),
    command: Array.isArray(columns['command']) ? list('command') : null,
    env: readMap(columns['env'], 'env', report),
    envFile: list('env_file'),
    secretFile: list('secret_file'),
    ports: list('ports'),
    volumes: list('volumes'),
    files: list('files'),
    user: typeof columns['user'] === 'string' ? columns['user'] : null,
    restart: oneOf(restartPolicies, columns['restart'], componentDefaults.restart),
    readyTimeoutS: numberOr(columns['ready_timeout_s'], componentDefaults.readyTimeoutS),
    logLimitMb: numberOr(columns['log_limit_mb'], componentDefaults.logLimitMb),
    stopTimeoutS: numberOr(columns['stop_timeout_s'], componentDefaults.stopTimeoutS),
    reconcile: oneOf(reconcileModes, columns['reconcile'], componentDefaults.reconcile),
    dependsOn: list('depends_on'),
    health: readHealth(columns['health'], report),
  };
  return { spec, problem };
}

/** What `desired` holds. */
export function desiredOf(row: ComponentRow): (typeof desiredStates)[number] {
  return oneOf(desiredStates, row.desired, 'running');
}

const jsonOrNull = (value: unknown): string | null => (value === null ? null : canonicalJson(value));

type Value = string | number | null;

/** Each definition column and what a spec writes into it. */
const definition = {
  runtime: (spec) => spec.runtime,
  memory_mb: (spec) => spec.memoryMb,
  vcpus: (spec) => spec.vcpus,
  image: (spec) => spec.image,
  build: (spec) => jsonOrNull(spec.build),
  pull: (spec) => spec.pull,
  update_policy: (spec) => spec.update,
  command: (spec) => jsonOrNull(spec.command),
  env: (spec) => canonicalJson(spec.env),
  env_file: (spec) => canonicalJson(spec.envFile),
  secret_file: (spec) => canonicalJson(spec.secretFile),
  ports: (spec) => canonicalJson(spec.ports),
  volumes: (spec) => canonicalJson(spec.volumes),
  files: (spec) => canonicalJson(spec.files),
  user: (spec) => spec.user,
  restart: (spec) => spec.restart,
  ready_timeout_s: (spec) => spec.readyTimeoutS,
  log_limit_mb: (spec) => spec.logLimitMb,
  stop_timeout_s: (spec) => spec.stopTimeoutS,
  reconcile: (spec) => spec.reconcile,
  depends_on: (spec) => canonicalJson(spec.dependsOn),
  health: (spec) => jsonOrNull(spec.health),
} as const satisfies Partial<Record<keyof ComponentRow, (spec: ComponentSpec) => Value>>;

/** The columns that the definition file has a key for, in the order of `definitionValues`. */
export const definitionColumns: readonly string[] = Object.keys(definition);

/** What a spec writes into `definitionColumns`. */
export function definitionValues(spec: ComponentSpec): readonly Value[] {
  return Object.values(definition).map((read) => read(spec));
}
