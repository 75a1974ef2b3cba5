/** Puts a simulated container into the words that all drivers share. */
import type { ObservedConfig, ObservedWorkload } from '../../core/observation.js';
import type { WorkloadStats } from '../../core/ports/driver.js';
import { ownerOf } from './labels.js';
import type { Container } from './model.js';

/** What the runtime itself adds to every environment, as Podman does. */
export function runtimeEnv(hostname: string): Readonly<Record<string, string>> {
  return { HOME: '/root', HOSTNAME: hostname, TERM: 'xterm', container: 'simulated' };
}

export interface Observer {
  readonly driver: string;
  readonly homeId: string;
}

/** Configuration is read of the observer's own workloads only. */
export function observe(container: Container, observer: Observer): ObservedWorkload {
  const { spec } = container;
  const owner = ownerOf(spec.labels);
  return {
    driver: observer.driver,
    runtime: spec.runtime,
    nativeId: container.id,
    name: container.name,
    owner,
    state: container.problem === null ? container.state : 'unknown',
    createdAtMs: container.createdAtMs,
    startedAtMs: container.startedAtMs,
    ...(container.programStartedAtMs === undefined ? {} : { programStartedAtMs: container.programStartedAtMs }),
    finishedAtMs: container.finishedAtMs,
    exitCode: container.exitCode,
    oomKilled: container.oomKilled,
    imageDigest: spec.image.digest,
    imageRef: spec.imageRef,
    config: owner?.homeId === observer.homeId ? configOf(container) : null,
    memoryMb: container.memoryMb,
    vcpus: container.vcpus,
    addresses: container.address === null ? [] : [container.address],
    problem: container.problem,
  };
}

/** What the running workloads of a home use: the same for each. */
export function statsOf(containers: readonly Container[], homeId: string, nowMs: number): readonly WorkloadStats[] {
  return containers
    .filter(({ run, spec }) => run !== null && ownerOf(spec.labels)?.homeId === homeId)
    .map(({ id, startedAtMs }) => ({
      nativeId: id,
      memoryBytes: 8 * 1_048_576,
      cpuMs: Math.max(0, nowMs - (startedAtMs ?? 0)) / 100,
    }));
}

function configOf({ id, spec }: Container): ObservedConfig {
  const added = runtimeEnv(id.slice(0, 12));
  return {
    env: { ...added, ...spec.env },
    command: spec.command,
    user: spec.user,
    ports: spec.ports,
    mounts: spec.mounts,
    image: { env: spec.image.env, command: spec.image.command, user: spec.image.user },
    runtimeEnv: Object.keys(added),
  };
}
