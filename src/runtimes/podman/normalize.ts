/** Turns what podman says into what the core understands. Pure; tested over captured answers. */
import { formatPort } from '../../core/spec.js';
import type { ObservedConfig, ObservedMount, ObservedWorkload, WorkloadState } from '../../core/observation.js';
import { labels, ownershipOf } from './labels.js';
import type { InspectedImage, InspectedMount, Inspection, ListEntry } from './wire.js';

/** What a container would have if its definition said nothing. */
export interface ImageDefaults {
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly user: string;
  /** Targets that the image itself declares as volumes. */
  readonly volumes: readonly string[];
}

/** Variables that podman sets by itself (specgen's defaults, containers.conf, and the hostname and home at start). */
const runtimeKeys = new Set(['PATH', 'TERM', 'HOSTNAME', 'HOME', 'container']);

const states: Readonly<Record<string, WorkloadState>> = {
  configured: 'created',
  created: 'created',
  initialized: 'created',
  running: 'running',
  paused: 'paused',
  stopping: 'stopping',
  stopped: 'exited',
  exited: 'exited',
  removing: 'removing',
};

/** Podman's state in the core's words. */
export function stateOf(status: string): WorkloadState {
  return states[status.toLowerCase()] ?? 'unknown';
}

/** A time of podman in Unix milliseconds; null for "never" (Go's zero time) and for what is no time. */
export function timeOf(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms <= 0 ? null : ms;
}

const secondsOf = (seconds: number | null | undefined): number | null =>
  seconds === null || seconds === undefined || seconds <= 0 ? null : seconds * 1000;

/** `KEY=value` lines as a record; the last of a key wins, as in podman. */
export function envOf(lines: readonly string[] | null | undefined): Record<string, string> {
  const env: Record<string, string> = {};
  for (const line of lines ?? []) {
    const cut = line.indexOf('=');
    if (cut < 0) env[line] = '';
    else env[line.slice(0, cut)] = line.slice(cut + 1);
  }
  return env;
}

/** The defaults that an image brings. */
export function defaultsOf(image: InspectedImage): ImageDefaults {
  return {
    env: envOf(image.Config?.Env),
    command: image.Config?.Cmd ?? [],
    user: image.Config?.User ?? image.User ?? '',
    volumes: Object.keys(image.Config?.Volumes ?? {}).map((path) => path.replace(/(.)\/+$/, '$1')),
  };
}

/** `8080/tcp` → bindings, as sorted canonical texts. */
export function portsOf(bindings: NonNullable<Inspection['HostConfig']>['PortBindings']): readonly string[] {
  const ports: string[] = [];
  for (const [key, hosts] of Object.entries(bindings ?? {})) {
    const [port, protocol] = key.split('/');
    for (const host of hosts ?? []) {
      const hostIp = host.HostIp === '' || !host.HostIp ? '0.0.0.0' : host.HostIp;
      ports.push(
        formatPort({
          hostIp,
          hostPort: Number(host.HostPort),
          port: Number(port),
          protocol: protocol === 'udp' ? 'udp' : 'tcp',
        }),
      );
    }
  }
  return ports.sort();
}

const anonymousVolume = /^[0-9a-f]{64}$/;

function isImageVolume(mount: InspectedMount, declared: readonly string[]): boolean {
  return mount.Type === 'volume' && anonymousVolume.test(mount.Name ?? '') && declared.includes(mount.Destination);
}

/** Named volumes and host paths, sorted by target; what the image itself declares is left out. */
export function mountsOf(
  mounts: readonly InspectedMount[] | null | undefined,
  declared: readonly string[],
): readonly ObservedMount[] {
  return (mounts ?? [])
    .filter((mount) => (mount.Type === 'volume' || mount.Type === 'bind') && !isImageVolume(mount, declared))
    .map((mount) => {
      const named = mount.Type === 'volume';
      return {
        kind: named ? ('named' as const) : ('host' as const),
        source: (named ? mount.Name : mount.Source) ?? '',
        target: mount.Destination,
        readOnly: mount.RW === false,
      };
    })
    .sort((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
}

function configOf(inspection: Inspection, image: ImageDefaults): ObservedConfig {
  const env = envOf(inspection.Config.Env);
  return {
    env,
    command: inspection.Config.Cmd ?? [],
    user: inspection.Config.User ?? '',
    ports: portsOf(inspection.HostConfig?.PortBindings),
    mounts: mountsOf(inspection.Mounts, image.volumes),
    image: { env: image.env, command: image.command, user: image.user },
    runtimeEnv: Object.keys(env).filter((key) => runtimeKeys.has(key)),
  };
}

/** `sha256:…` from an image id with or without its prefix. */
export function digestOf(imageId: string | null | undefined): string {
  if (!imageId) return '';
  return imageId.startsWith('sha256:') ? imageId : `sha256:${imageId}`;
}

const firstName = (entry: ListEntry): string => entry.Names?.[0] ?? entry.Id.slice(0, 12);

const isDown = (state: WorkloadState): boolean => state === 'exited' || state === 'removing';

/**
 * When the last run ended. After a reboot Podman says `exited` of what ran, with code 0 and the end of an earlier
 * run, or none: that program did not end by itself, and its code is not known. Within one boot the end may seem to
 * lie before the start, because Podman notes a start only when it has answered it.
 */
function endOf(startedMs: number | null, endedMs: number | null, bootedAtMs: number): number | null {
  const isEarlierEnd = startedMs !== null && endedMs !== null && endedMs < startedMs;
  return isEarlierEnd && startedMs < bootedAtMs ? null : endedMs;
}

/** A container by its list entry alone: for somebody else's, and for one whose inspection failed. */
export function workloadOfEntry(driver: string, entry: ListEntry, problem: string | null): ObservedWorkload {
  const state = stateOf(entry.State);
  const created = typeof entry.Created === 'number' ? secondsOf(entry.Created) : timeOf(entry.Created);
  const ended = secondsOf(entry.ExitedAt);
  return {
    driver,
    runtime: 'container',
    nativeId: entry.Id,
    name: firstName(entry),
    owner: ownershipOf(entry.Labels),
    state,
    createdAtMs: created,
    startedAtMs: secondsOf(entry.StartedAt),
    finishedAtMs: ended,
    exitCode: isDown(state) && ended !== null ? (entry.ExitCode ?? null) : null,
    oomKilled: false,
    imageDigest: digestOf(entry.ImageID),
    imageRef: entry.Labels?.[labels.image] ?? entry.Image ?? '',
    config: null,
    addresses: [],
    problem,
  };
}

function addressesOf(inspection: Inspection): readonly string[] {
  const networks = Object.values(inspection.NetworkSettings?.Networks ?? {});
  return networks
    .flatMap((network) => [network?.IPAddress, network?.GlobalIPv6Address])
    .filter((address): address is string => typeof address === 'string' && address !== '');
}

/**
 * When this machine was started, in Unix milliseconds, from /proc/stat (proc(5): btime, in seconds); 0 when it does
 * not tell.
 */
export function bootTimeOf(procStat: string): number {
  return Number(/^btime (\d+)$/m.exec(procStat)?.[1] ?? '0') * 1_000;
}

/**
 * A container by its inspection. `image` is null when the image itself could not be inspected; `bootedAtMs` is when
 * the machine was started.
 */
export function workloadOfInspection(
  driver: string,
  inspection: Inspection,
  image: ImageDefaults | null,
  bootedAtMs: number,
): ObservedWorkload {
  const state = stateOf(inspection.State.Status);
  const ended = endOf(timeOf(inspection.State.StartedAt), timeOf(inspection.State.FinishedAt), bootedAtMs);
  return {
    driver,
    runtime: 'container',
    nativeId: inspection.Id,
    name: inspection.Name.replace(/^\//, ''),
    owner: ownershipOf(inspection.Config.Labels),
    state,
    createdAtMs: timeOf(inspection.Created),
    startedAtMs: timeOf(inspection.State.StartedAt),
    finishedAtMs: ended,
    exitCode: isDown(state) && ended !== null ? (inspection.State.ExitCode ?? null) : null,
    oomKilled: inspection.State.OOMKilled ?? false,
    imageDigest: digestOf(inspection.Image),
    imageRef: inspection.Config.Labels?.[labels.image] ?? inspection.ImageName ?? '',
    config: image ? configOf(inspection, image) : null,
    addresses: addressesOf(inspection),
    problem: image ? null : 'its image could not be inspected',
  };
}
