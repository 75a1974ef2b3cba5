/**
 * The contract of a runtime driver. test/conformance runs one suite against every driver.
 *
 * Rules that hold for each call:
 * - it takes an AbortSignal and ends soon after it fires; the driver adds a deadline of its own;
 * - it fails with a BerthError: E_DRIVER_UNREACHABLE or E_DRIVER_TIMEOUT when the runtime gave no
 *   answer (what happened is then unknown), any other code when it said no;
 * - it is idempotent where the word allows it: starting what runs, stopping what is stopped and
 *   removing what is gone succeed;
 * - it touches nothing that does not bear this home's ownership, but for reading.
 */
import type { DriverSnapshot, Garbage, HostObject, ObservedWorkload, RuntimeEvent } from '../observation.js';
import type { BuildSpec, ComponentSpec, PullPolicy, Runtime } from '../spec.js';
import type { WorkloadRole } from '../names.js';

/** One thing that a node can or cannot do. */
export interface Capability {
  /** Stable: `podman`, `oci-runtime`, `limits.memory`, `kvm` … */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in words. */
  readonly detail: string;
  /** How to get it; null when ok. */
  readonly remedy: string | null;
}

export interface CreateRequest {
  readonly service: string;
  readonly spec: ComponentSpec;
  readonly role: WorkloadRole;
  readonly generation: number;
  readonly specHash: string;
  /** `sha256:…`, pinned; the tag is not asked again. */
  readonly imageDigest: string;
  /** The whole environment of the definition: `env` over the files of `envFile` and `secretFile`. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Limits {
  /** Mebibytes; null: unlimited. */
  readonly memoryMb: number | null;
  readonly vcpus: number | null;
}

export interface LogLine {
  /** Unix milliseconds; null when the runtime does not say. */
  readonly atMs: number | null;
  readonly stream: 'stdout' | 'stderr' | 'console';
  /** Without its line end. */
  readonly text: string;
}

export interface LogOptions {
  /** Last lines to begin with; absent: all. */
  readonly tail?: number;
  /** Unix milliseconds; older lines are left out. */
  readonly sinceMs?: number;
  /** Go on until the workload ends or the signal fires. */
  readonly follow?: boolean;
}

export interface ExecResult {
  readonly exitCode: number;
  /** The beginning of what it printed, at most 1 MiB of each. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes that were left out at the end of each; absent: it is whole. */
  readonly cut?: { readonly stdout: number; readonly stderr: number };
}

/** A terminal on a workload's console. */
export interface ConsoleSession {
  /** What the workload writes from now on; ends when the session or the workload ends. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Types into it. */
  write(data: Uint8Array): void;
  /** Resolves when all that was typed so far is taken, or the session over: who types much waits for it. Never rejects. */
  written(): Promise<void>;
  /** Lets go; the workload goes on. Never throws. */
  close(): Promise<void>;
}

/** What a volume is made with when its content comes from elsewhere. */
export interface VolumeContent {
  /** A tar archive (pax) whose entries begin at the volume's root, owners as numbers. */
  readonly tar: AsyncIterable<Uint8Array>;
  /** Mebibytes; null: the driver's default. Without meaning for a container. */
  readonly sizeMb: number | null;
}

export interface WorkloadStats {
  readonly nativeId: string;
  readonly memoryBytes: number;
  /** Processor time used so far, in milliseconds. */
  readonly cpuMs: number;
}

export interface EventSink {
  /** The stream is (again) connected: whoever listens should relist, something may have been missed. */
  readonly onConnected: () => void;
  readonly onEvent: (event: RuntimeEvent) => void;
  /** The stream broke; the driver reconnects by itself, with backoff. */
  readonly onLost: (error: unknown) => void;
}

/** A folder of this machine that a driver fills. */
export interface DriverStore {
  /** What is in it, in words: `images and containers`. */
  readonly what: string;
  readonly path: string;
}

export interface Driver {
  readonly name: string;
  readonly runtimes: readonly Runtime[];
  /** The driver in whose snapshots the images stand that this one takes by reference: itself, for most. */
  readonly imagesOf: string;

  /**
   * Where on this machine it keeps what takes room, as far as it knows: it may ask its runtime for it once, and probes
   * nothing. Nothing need be there yet. Absent: it keeps nothing.
   */
  stores?(signal: AbortSignal): Promise<readonly DriverStore[]>;

  /** Probes what the node can do. Slow; not for the hot path. */
  capabilities(signal: AbortSignal): Promise<readonly Capability[]>;

  /** Everything, in one list call (and an inspection of what changed since the last one). */
  list(signal: AbortSignal): Promise<DriverSnapshot>;
  /** One workload by native id or host name, read afresh; undefined when the runtime says there is none. */
  inspect(idOrName: string, signal: AbortSignal): Promise<ObservedWorkload | undefined>;

  /** What a reference names here and now, as `sha256:…`; undefined when the image is not here. */
  resolveImage(reference: string, signal: AbortSignal): Promise<string | undefined>;
  /** Fetches by policy and answers the digest. E_IMAGE_MISSING (policy never), E_IMAGE_PULL. */
  pull(reference: string, policy: PullPolicy, signal: AbortSignal): Promise<string>;
  /** Builds, tags as `reference`, answers the digest. E_BUILD_FAILED carries the end of the log. */
  build(build: BuildSpec, reference: string, signal: AbortSignal): Promise<string>;

  /** Pure: what `create` would make on the host besides the workload. For the ledger. */
  objectsFor(request: CreateRequest): readonly HostObject[];
  /**
   * Makes networks and volumes that are missing, then the workload, stopped, under its role's name.
   * E_NAME_TAKEN, E_IMAGE_MISSING, E_VOLUME_SOURCE, E_DRIVER_FAILED.
   */
  create(request: CreateRequest, signal: AbortSignal): Promise<string>;
  /** E_WORKLOAD_MISSING, E_PORT_TAKEN, E_DRIVER_FAILED. */
  start(nativeId: string, signal: AbortSignal): Promise<void>;
  /** Changes limits of a running workload in place. */
  update(nativeId: string, limits: Limits, signal: AbortSignal): Promise<void>;
  /** Asks it to end, waits at most `graceMs`, then kills. Returns once it is down, or is already gone. */
  stop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void>;
  unpause(nativeId: string, signal: AbortSignal): Promise<void>;
  /** Gives a workload the name of a role. E_NAME_TAKEN, E_WORKLOAD_MISSING. */
  rename(nativeId: string, service: string, component: string, role: WorkloadRole, signal: AbortSignal): Promise<void>;
  /** Removes a workload of this home, killing it if it still runs. Named volumes stay. */
  remove(nativeId: string, signal: AbortSignal): Promise<void>;

  /** Networks and volumes that bear this home's ownership. */
  listObjects(signal: AbortSignal): Promise<readonly HostObject[]>;
  /** Removes a network or volume of this home; succeeds when it is gone. */
  removeObject(object: HostObject, signal: AbortSignal): Promise<void>;

  /** What a volume of this home holds; E_NOT_FOUND when there is none. No workload that may write to it runs meanwhile. */
  readVolume(object: HostObject, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Makes a volume anew with this content: whatever it held is gone. After a failure or a crash it may hold a part of
   * it; whoever copies begins again.
   */
  writeVolume(object: HostObject, content: VolumeContent, signal: AbortSignal): Promise<void>;

  /** What is kept and used by nothing; see `berth gc`. */
  listGarbage(signal: AbortSignal): Promise<readonly Garbage[]>;
  /** Removes it, unless something uses it by now; succeeds when it is gone. */
  removeGarbage(garbage: Garbage, signal: AbortSignal): Promise<void>;

  /** Attaches to the console of a workload that runs. E_NOT_SUPPORTED where workloads have none, E_WORKLOAD_MISSING. */
  attach(nativeId: string, signal: AbortSignal): Promise<ConsoleSession>;
  exec(nativeId: string, argv: readonly string[], signal: AbortSignal): Promise<ExecResult>;
  logs(nativeId: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;
  stats(signal: AbortSignal): Promise<readonly WorkloadStats[]>;
  /** Streams events with reconnect until the signal fires; resolves then. */
  events(sink: EventSink, signal: AbortSignal): Promise<void>;

  /** Starts what the driver needs (a service of its own) and watches it. Idempotent. */
  open(signal: AbortSignal): Promise<void>;
  /** Lets go of the runtime; workloads go on. Never throws. */
  close(): Promise<void>;
}
