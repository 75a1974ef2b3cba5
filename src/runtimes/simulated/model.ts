/** The things of a simulated host. They follow Podman's: a container, an image, a run of a program. */
import type { ObservedMount, WorkloadState } from '../../core/observation.js';
import type { Runtime } from '../../core/spec.js';
import type { Program } from './behaviour.js';
import type { LogBook } from './log-book.js';
import type { Run } from './run.js';

/** What an image sets for its workloads. */
export interface ImageDefinition {
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly program?: Program;
  /** Why no machine can be made of it; absent: one can. */
  readonly noBoot?: string;
}

/** The two runtimes of a host: names, networks and volumes are each one's own. */
export type Realm = 'container' | 'vm';

export interface SimulatedImage {
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly user: string;
  readonly program: Program;
  readonly noBoot: string | null;
}

/** Who did something: a home by its driver, a person, or the program itself. */
export type Actor = `home:${string}` | 'hand' | 'self';

export interface ContainerSpec {
  readonly runtime: Runtime;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: SimulatedImage;
  readonly imageRef: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly user: string;
  /** In the form of `formatPort`, sorted. */
  readonly ports: readonly string[];
  /** Sorted by target. */
  readonly mounts: readonly ObservedMount[];
  readonly network: string | null;
  readonly memoryMb: number | null;
  readonly vcpus: number | null;
}

/** A container or machine of the host. Only its engine changes it. */
export interface Container {
  readonly id: string;
  spec: ContainerSpec;
  name: string;
  state: WorkloadState;
  readonly createdAtMs: number;
  startedAtMs: number | null;
  /** Of a machine: when the program of this run was reported started. undefined: a container is its program. */
  programStartedAtMs: number | null | undefined;
  finishedAtMs: number | null;
  exitCode: number | null;
  oomKilled: boolean;
  /** In force now; those of `spec` whenever it does not run. */
  memoryMb: number | null;
  vcpus: number | null;
  /** How often it was started. */
  starts: number;
  address: string | null;
  problem: string | null;
  /** The present run; null while it does not run. */
  run: Run | null;
  readonly log: LogBook;
  /** Rises with each change: lets a driver keep what it made of it. */
  version: number;
}

/** One thing that happened on the host. */
export interface JournalEntry {
  readonly atMs: number;
  readonly by: Actor;
  /** `create`, `start`, `stop`, `kill`, `died`, `pause`, `unpause`, `rename`, `update`, `remove`, `network-create` … */
  readonly action: string;
  /** Native id of the workload, or the name of another object. */
  readonly id: string;
  /** The name at that moment. */
  readonly name: string;
  readonly detail: string;
}

/** Something that must never happen, and did. */
export interface Violation {
  readonly atMs: number;
  readonly rule:
    'two-running' | 'foreign-touched' | 'volume-in-use' | 'acted-on-ignorance' | 'status-ahead' | 'spec-lost';
  readonly detail: string;
}
