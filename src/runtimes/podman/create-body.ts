/** What is sent to podman to make a container. Pure. Format: podman's specgen.SpecGenerator. */
import { hostName, networkName, volumeName, workloadName } from '../../core/names.js';
import { parsePort, parseVolume, type PortMapping, type VolumeMount } from '../../core/spec.js';
import type { CreateRequest, Limits } from '../../core/ports/driver.js';
import type { HostObject } from '../../core/observation.js';
import { labels } from './labels.js';

/** The period that processor quotas are counted in, in microseconds; the kernel's default. */
export const cpuPeriodUs = 100_000;
const bytesPerMb = 1024 * 1024;

/** One ulimit in podman's words, without `RLIMIT_`. */
export interface Ulimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** What the probes found must be passed on this host. */
export interface CreateDefaults {
  /** Passed for each container; null: podman's own choice works. */
  readonly ociRuntime: string | null;
  /** Passed for each container; empty: podman's defaults work. */
  readonly ulimits: readonly Ulimit[];
}

const isDefined = <T>(value: T | undefined): value is T => value !== undefined;

/** The mounts of a request, read; what cannot be read was refused long before. */
export function mountsOfRequest(request: CreateRequest): readonly VolumeMount[] {
  return request.spec.volumes.map(parseVolume).filter(isDefined);
}

/** Networks and named volumes that a request needs on the host. */
export function objectsOfRequest(driver: string, homeId: string, request: CreateRequest): readonly HostObject[] {
  const { service } = request;
  const base = { driver, service, component: null };
  const named = mountsOfRequest(request).filter((mount) => mount.kind === 'named');
  const volumes = [...new Set(named.map((mount) => mount.source))];
  return [
    { ...base, kind: 'network', name: networkName(homeId, service) },
    ...volumes.map((volume): HostObject => ({ ...base, kind: 'volume', name: volumeName(homeId, service, volume) })),
  ];
}

/** The host name of a request's container. */
export function nameOfRequest(prefix: string, request: CreateRequest): string {
  return hostName(prefix, workloadName(request.service, request.spec.name), request.role);
}

function memoryOf(memoryMb: number | null): { limit: number; swap: number } {
  if (memoryMb === null) return { limit: -1, swap: -1 };
  const limit = Math.round(memoryMb * bytesPerMb);
  // Memory and swap together; twice the memory is podman's own default.
  return { limit, swap: limit * 2 };
}

const quotaOf = (vcpus: number | null): number =>
  vcpus === null ? -1 : Math.max(1_000, Math.round(vcpus * cpuPeriodUs));

/** The body of `containers/{id}/update`: OCI resources; -1 is unlimited. */
export function updateBody(limits: Limits): Record<string, unknown> {
  return { memory: memoryOf(limits.memoryMb), cpu: { quota: quotaOf(limits.vcpus), period: cpuPeriodUs } };
}

function resourcesOf(limits: Limits): Record<string, unknown> {
  return {
    ...(limits.memoryMb === null ? {} : { memory: { limit: memoryOf(limits.memoryMb).limit } }),
    ...(limits.vcpus === null ? {} : { cpu: { quota: quotaOf(limits.vcpus), period: cpuPeriodUs } }),
  };
}

const portBody = (port: PortMapping): Record<string, unknown> => ({
  // Podman listens on both families when no address is named; a definition that names none means IPv4.
  host_ip: port.hostIp,
  host_port: port.hostPort,
  container_port: port.port,
  protocol: port.protocol,
});

function volumeBodies(homeId: string, request: CreateRequest): Record<string, unknown> {
  const mounts = mountsOfRequest(request);
  const mode = (mount: VolumeMount): string => (mount.readOnly ? 'ro' : 'rw');
  return {
    volumes: mounts
      .filter((mount) => mount.kind === 'named')
      .map((mount) => ({
        Name: volumeName(homeId, request.service, mount.source),
        Dest: mount.target,
        Options: [mode(mount)],
      })),
    mounts: mounts
      .filter((mount) => mount.kind === 'host')
      .map((mount) => ({
        type: 'bind',
        source: mount.source,
        destination: mount.target,
        options: [mode(mount), 'rbind'],
      })),
  };
}

/** The body of `containers/create`. */
export function createBody(
  homeId: string,
  prefix: string,
  request: CreateRequest,
  defaults: CreateDefaults,
): Record<string, unknown> {
  const { spec, service } = request;
  return {
    name: nameOfRequest(prefix, request),
    image: request.imageDigest.replace(/^sha256:/, ''),
    image_volume_mode: 'anonymous',
    labels: {
      [labels.owner]: homeId,
      [labels.service]: service,
      [labels.component]: spec.name,
      [labels.generation]: String(request.generation),
      [labels.specHash]: request.specHash,
      [labels.image]: spec.image,
    },
    ...(spec.command === null ? {} : { command: spec.command }),
    ...(spec.user === null ? {} : { user: spec.user }),
    env: request.env,
    hostname: spec.name,
    netns: { nsmode: 'bridge' },
    networks: { [networkName(homeId, service)]: { aliases: [spec.name] } },
    portmappings: spec.ports.map(parsePort).filter(isDefined).map(portBody),
    ...volumeBodies(homeId, request),
    resource_limits: resourcesOf(spec),
    ...(defaults.ulimits.length > 0 ? { r_limits: defaults.ulimits } : {}),
    ...(defaults.ociRuntime ? { oci_runtime: defaults.ociRuntime } : {}),
    log_configuration: { driver: 'k8s-file', size: spec.logLimitMb * bytesPerMb },
    stop_timeout: spec.stopTimeoutS,
    restart_policy: 'no',
  };
}
