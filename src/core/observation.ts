/** What drivers see, in words that are the same for all of them. */
import type { Runtime } from './spec.js';

/** The state of one workload in its runtime. */
export type WorkloadState = 'created' | 'running' | 'paused' | 'stopping' | 'exited' | 'removing' | 'unknown';

/** What a workload was made with, as the runtime reports it; image defaults apart. */
export interface ObservedConfig {
  /** The whole environment as the runtime reports it. */
  readonly env: Readonly<Record<string, string>>;
  /** The arguments after the entrypoint. */
  readonly command: readonly string[];
  readonly user: string;
  /** In the form of `formatPort`, sorted. */
  readonly ports: readonly string[];
  /** Sorted by target; volumes that the image itself declares are left out. */
  readonly mounts: readonly ObservedMount[];
  /** Of the image: what the workload would have if its spec said nothing. */
  readonly image: {
    readonly env: Readonly<Record<string, string>>;
    readonly command: readonly string[];
    readonly user: string;
  };
  /** Keys of `env` that the runtime itself sets: no drift when nobody asked for them. */
  readonly runtimeEnv: readonly string[];
}

export interface ObservedMount {
  readonly kind: 'named' | 'host';
  /** The host's volume name, or the absolute host path. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Labels by which Berth knows its own; null where the label is missing or not readable. */
export interface Ownership {
  readonly homeId: string;
  readonly service: string;
  readonly component: string;
  readonly generation: number | null;
  readonly specHash: string | null;
}

/** One workload, container or VM, ours or not. */
export interface ObservedWorkload {
  readonly driver: string;
  readonly runtime: Runtime;
  readonly nativeId: string;
  /** The name on the host. */
  readonly name: string;
  /** null: it bears no label of any Berth home. */
  readonly owner: Ownership | null;
  readonly state: WorkloadState;
  /** Unix milliseconds; null: never. */
  readonly createdAtMs: number | null;
  readonly startedAtMs: number | null;
  /**
   * When the program of this run was reported started, Unix milliseconds; null: the machine is up and its program
   * has not been reported yet. undefined: in this runtime a workload that runs is its program.
   */
  readonly programStartedAtMs?: number | null;
  readonly finishedAtMs: number | null;
  /** Of the last run; null while it never ended. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** `sha256:…` of the image's config: the identity of what runs. */
  readonly imageDigest: string;
  readonly imageRef: string;
  /** null: not read (somebody else's workload, or it vanished while it was read). */
  readonly config: ObservedConfig | null;
  /** Limits in force now, from the kernel where it runs; null: unlimited. undefined: not known. */
  readonly memoryMb?: number | null;
  readonly vcpus?: number | null;
  /** Addresses inside its network. */
  readonly addresses: readonly string[];
  /** What keeps the driver from knowing more, in the runtime's words; null: nothing. */
  readonly problem: string | null;
}

/** An object other than a workload that Berth makes on a host. */
export interface HostObject {
  readonly kind: 'network' | 'volume' | 'image' | 'container' | 'vm';
  readonly driver: string;
  /** The name on the host. */
  readonly name: string;
  readonly service: string;
  readonly component: string | null;
}

/** Something that a driver keeps only to be faster, and that nothing uses: an image that it built, say. */
export interface Garbage {
  readonly driver: string;
  /** What it is, for people: `image of localhost/shop-web:1.4 for microvm`. */
  readonly what: string;
  /** Identifies it to the driver. */
  readonly id: string;
  readonly bytes: number;
  /** Unix milliseconds of its last use. */
  readonly usedAtMs: number;
}

/** One answer of a driver about everything: one list call, however many workloads there are. */
export interface DriverSnapshot {
  readonly driver: string;
  /** All workloads of the host that the driver can see, owned or foreign. */
  readonly workloads: readonly ObservedWorkload[];
  /** Local images by reference (`localhost/a:1`): what each tag names now, as `sha256:…`. */
  readonly images: ReadonlyMap<string, string>;
  /** Unix milliseconds of when the answer began: what happened later is not in it. */
  readonly takenAtMs: number;
}

/** Something happened to a workload. A hint to look again, never a fact to act on. */
export interface RuntimeEvent {
  readonly driver: string;
  /** The runtime's word: `died`, `start`, `remove`, `pause`, `update`, `tag` … */
  readonly action: string;
  readonly kind: 'workload' | 'image';
  readonly nativeId: string;
  readonly name: string;
  readonly owner: Ownership | null;
  /** Unix milliseconds, by the runtime's clock. */
  readonly atMs: number;
  /** The runtime's own attributes, for evidence. */
  readonly attributes: Readonly<Record<string, string>>;
  /**
   * What the runtime says of the workload with this event. It stands until the workload can be read, which
   * may take a while: Podman locks a container until it has tidied up after it.
   */
  readonly claim?: EventClaim;
}

/** The state that an event tells of. */
export interface EventClaim {
  readonly state: 'exited' | 'paused' | 'gone';
  readonly exitCode: number | null;
}

/**
 * What an event in Podman's words (`died`, `pause`, `remove`) says of a workload by itself, with the exit code in
 * `containerExitCode`; undefined for the others.
 */
export function claimOf(action: string, attributes: Readonly<Record<string, string>>): EventClaim | undefined {
  switch (action) {
    case 'died': {
      const code = Number(attributes['containerExitCode'] ?? NaN);
      return { state: 'exited', exitCode: Number.isNaN(code) ? null : code };
    }
    case 'pause':
      return { state: 'paused', exitCode: null };
    case 'remove':
      return { state: 'gone', exitCode: null };
    default:
      return undefined;
  }
}

/**
 * The workload after the claim of an event: undefined when it is gone. The workload itself when the claim
 * says nothing new, or speaks of an earlier run.
 */
export function applyClaim(workload: ObservedWorkload, event: RuntimeEvent): ObservedWorkload | undefined {
  const { claim, atMs } = event;
  if (!claim || atMs < (workload.startedAtMs ?? workload.createdAtMs ?? 0)) return workload;
  if (claim.state === 'gone') return undefined;
  if (workload.state !== 'running' && workload.state !== 'stopping' && workload.state !== 'paused') return workload;
  if (claim.state === 'paused') return { ...workload, state: 'paused' };
  return { ...workload, state: 'exited', exitCode: claim.exitCode, finishedAtMs: atMs };
}
