/** What the user wants: the shape of services and components once checked and filled with defaults. */

export const runtimes = ['container', 'microvm', 'unikernel'] as const;
/** What kind of workload realises a component. */
export type Runtime = (typeof runtimes)[number];

export const restartPolicies = ['always', 'on-failure', 'never'] as const;
export type RestartPolicy = (typeof restartPolicies)[number];

export const reconcileModes = ['auto', 'observe', 'ignore'] as const;
/** `auto` heals, `observe` reports only, `ignore` does neither. */
export type ReconcileMode = (typeof reconcileModes)[number];

export const pullPolicies = ['missing', 'always', 'never'] as const;
/** When an apply asks the image's registry: only if the image is not here, each time, or not at all. */
export type PullPolicy = (typeof pullPolicies)[number];

export const updatePolicies = ['pinned', 'auto'] as const;
/** What to do when the image's tag moves: report it (`pinned`), or follow it (`auto`). */
export type UpdatePolicy = (typeof updatePolicies)[number];

export const desiredStates = ['running', 'stopped'] as const;
export type DesiredState = (typeof desiredStates)[number];

/** How to build an image here instead of pulling it. */
export interface BuildSpec {
  /** Absolute path of the build context. */
  readonly context: string;
  /** Path of the Containerfile inside the context; absent: Containerfile, then Dockerfile. */
  readonly file?: string;
  readonly args?: Readonly<Record<string, string>>;
}

/** How to tell that a program answers. Stored and shown; the probing comes with its own issue. */
export interface HealthSpec {
  readonly http?: string;
  readonly tcp?: boolean;
  readonly log?: string;
  readonly port?: number;
  readonly interval_s?: number;
  readonly timeout_s?: number;
  /** Failures in a row before a restart; absent: report only. */
  readonly restart_after?: number;
}

/** One component as its definition declares it. Field order is the order of printed definitions. */
export interface ComponentSpec {
  readonly name: string;
  readonly runtime: Runtime;
  /** OCI reference. With `build`, the name that the built image gets. */
  readonly image: string;
  readonly build: BuildSpec | null;
  readonly pull: PullPolicy;
  readonly update: UpdatePolicy;
  /** Mebibytes; null: unlimited for a container, 256 for a VM. */
  readonly memoryMb: number | null;
  /** Cores, a fraction is allowed for a container; null: unlimited for a container, 1 for a VM. */
  readonly vcpus: number | null;
  /** Instead of the image's CMD; null keeps it. */
  readonly command: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths of `KEY=value` files, read when the workload is created. */
  readonly envFile: readonly string[];
  /** As `envFile`, but the values are never stored in the registry nor shown. */
  readonly secretFile: readonly string[];
  /** As written: `[host-ip:]host-port:port[/udp]`. Read them with `parsePort`. */
  readonly ports: readonly string[];
  /** As written: `name:/path[:options]` or `/host/path:/path[:options]`. Read them with `parseVolume`. */
  readonly volumes: readonly string[];
  /** Absolute paths of the image that a unikernel takes along; the other runtimes have the whole image. */
  readonly files: readonly string[];
  /** `uid[:gid]` or names of the image; null: the image's. */
  readonly user: string | null;
  readonly restart: RestartPolicy;
  readonly readyTimeoutS: number;
  /** Mebibytes of log kept. */
  readonly logLimitMb: number;
  readonly stopTimeoutS: number;
  readonly reconcile: ReconcileMode;
  /** Names of components of the same service. */
  readonly dependsOn: readonly string[];
  readonly health: HealthSpec | null;
}

/** A service with all of its components, as one definition file declares it. */
export interface ServiceSpec {
  readonly name: string;
  readonly node: string;
  /** false: everything of it is stopped. */
  readonly active: boolean;
  readonly components: readonly ComponentSpec[];
}

/** What an absent key of a component means. `name` and `image` have no default. */
export const componentDefaults: Omit<ComponentSpec, 'name' | 'image'> = Object.freeze({
  runtime: 'container',
  build: null,
  pull: 'missing',
  update: 'pinned',
  memoryMb: null,
  vcpus: null,
  command: null,
  env: Object.freeze({}),
  envFile: Object.freeze([]),
  secretFile: Object.freeze([]),
  ports: Object.freeze([]),
  volumes: Object.freeze([]),
  files: Object.freeze([]),
  user: null,
  restart: 'always',
  readyTimeoutS: 60,
  logLimitMb: 50,
  stopTimeoutS: 10,
  reconcile: 'auto',
  dependsOn: Object.freeze([]),
  health: null,
});

/** True for the runtimes that give a component a machine of its own. */
export function isVm(runtime: Runtime): boolean {
  return runtime !== 'container';
}

/** What an absent limit means for a virtual machine. */
export const vmDefaults = Object.freeze({ memoryMb: 256, vcpus: 1, volumeSizeMb: 1_024 });

/** The limits that a component is to run with: its own, or what its runtime gives it. null: unlimited. */
export function effectiveLimits(spec: Pick<ComponentSpec, 'runtime' | 'memoryMb' | 'vcpus'>): {
  readonly memoryMb: number | null;
  readonly vcpus: number | null;
} {
  if (!isVm(spec.runtime)) return { memoryMb: spec.memoryMb, vcpus: spec.vcpus };
  return { memoryMb: spec.memoryMb ?? vmDefaults.memoryMb, vcpus: spec.vcpus ?? vmDefaults.vcpus };
}

/** What an absent key of a service means. */
export const serviceDefaults = Object.freeze({ node: 'local', active: true });

/** Bounds that the schema, the registry's CHECKs and the messages share. */
export const limits = Object.freeze({
  memoryMb: { min: 4, max: 1_048_576 },
  vcpus: { min: 0.01, max: 512 },
  volumeSizeMb: { min: 8, max: 16_777_216 },
  readyTimeoutS: { min: 1, max: 3_600 },
  logLimitMb: { min: 1, max: 102_400 },
  stopTimeoutS: { min: 0, max: 3_600 },
  componentsPerService: 200,
  entriesPerList: 1_000,
  textLength: 32_768,
  definitionBytes: 1_048_576,
});

/** One published port, read. */
export interface PortMapping {
  /** IPv4 or IPv6 address of the host; `0.0.0.0` when none was given. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

const portPattern =
  /^(?:(?<ip>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):)?(?<host>\d{1,5}):(?<port>\d{1,5})(?:\/(?<protocol>tcp|udp))?$/;

/** Reads `[host-ip:]host-port:port[/tcp|udp]`; undefined when it is anything else or out of range. */
export function parsePort(text: string): PortMapping | undefined {
  const groups = portPattern.exec(text)?.groups;
  if (!groups) return undefined;
  const hostPort = Number(groups['host']);
  const port = Number(groups['port']);
  if (hostPort < 1 || hostPort > 65_535 || port < 1 || port > 65_535) return undefined;
  const hostIp = groups['ip']?.replace(/^\[|\]$/g, '') ?? '0.0.0.0';
  if (!hostIp.includes(':') && hostIp.split('.').some((part) => Number(part) > 255)) return undefined;
  return { hostIp, hostPort, port, protocol: groups['protocol'] === 'udp' ? 'udp' : 'tcp' };
}

/** The one way to write a port mapping, so that two spellings of one mapping compare equal. */
export function formatPort(mapping: PortMapping): string {
  const ip = mapping.hostIp.includes(':') ? `[${mapping.hostIp}]` : mapping.hostIp;
  return `${ip}:${mapping.hostPort}:${mapping.port}/${mapping.protocol}`;
}

/** True when both cannot be listened on at once: same port and protocol, and an address in common. */
export function portsCollide(a: PortMapping, b: PortMapping): boolean {
  if (a.hostPort !== b.hostPort || a.protocol !== b.protocol) return false;
  const wild = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';
  return a.hostIp === b.hostIp || wild(a.hostIp) || wild(b.hostIp);
}

/** One mounted volume, read. */
export interface VolumeMount {
  readonly kind: 'named' | 'host';
  /** The volume's name within its service, or an absolute path of the host. */
  readonly source: string;
  /** Absolute path inside the workload. */
  readonly target: string;
  readonly readOnly: boolean;
  /** Size of the disk that holds it in a virtual machine, in mebibytes; null: the default. A container ignores it. */
  readonly sizeMb: number | null;
}

/** True for an absolute path without `.`, `..`, empty parts or NUL. */
export function isCleanAbsolutePath(path: string): boolean {
  if (!path.startsWith('/') || path.includes('\0')) return false;
  return (
    path === '/' ||
    path
      .slice(1)
      .split('/')
      .every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** Reads `ro`, `rw`, `size_mb=N`, or several of them with commas between; undefined for anything else. */
function parseVolumeOptions(text: string): Pick<VolumeMount, 'readOnly' | 'sizeMb'> | undefined {
  let readOnly: boolean | null = null;
  let sizeMb: number | null = null;
  for (const option of text.split(',')) {
    const size = /^size_mb=(\d{1,9})$/.exec(option)?.[1];
    if ((option === 'ro' || option === 'rw') && readOnly === null) readOnly = option === 'ro';
    else if (size !== undefined && sizeMb === null) sizeMb = Number(size);
    else return undefined;
  }
  const { min, max } = limits.volumeSizeMb;
  if (sizeMb !== null && (sizeMb < min || sizeMb > max)) return undefined;
  return { readOnly: readOnly ?? false, sizeMb };
}

/**
 * Reads `name:/path[:options]` or `/host/path:/path[:options]`; undefined when it is anything else. Options are
 * `ro` or `rw`, and for a named volume `size_mb=N`, with commas between.
 */
export function parseVolume(text: string): VolumeMount | undefined {
  const [source = '', target = '', optionText = 'rw', ...rest] = text.split(':');
  const options = parseVolumeOptions(optionText);
  if (rest.length > 0 || !options) return undefined;
  if (!isCleanAbsolutePath(target) || target === '/') return undefined;
  if (source.startsWith('/')) {
    return isCleanAbsolutePath(source) && options.sizeMb === null
      ? { kind: 'host', source, target, ...options }
      : undefined;
  }
  return /^[a-z](?:-?[a-z0-9])*$/.test(source) && source.length <= 63
    ? { kind: 'named', source, target, ...options }
    : undefined;
}
