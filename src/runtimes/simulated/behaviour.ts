/** What a simulated program does. */
import type { ExecResult } from '../../core/ports/driver.js';

/** A piece of output, as the program writes it. */
export interface Output {
  /** After the start of the program. */
  readonly afterMs: number;
  readonly stream?: 'stdout' | 'stderr';
  /** Raw: it may hold several lines, or a line without its end. */
  readonly text: string;
}

/** What a program does once it is started. Absent fields: it runs until asked to end, and then ends at once. */
export interface Behaviour {
  /** Ends by itself after this time; absent: never. */
  readonly exitAfterMs?: number;
  /** The code of that end. Default: 0. */
  readonly exitCode?: number;
  /** That end is the kernel's, for want of memory. */
  readonly oomKilled?: boolean;
  readonly ignoresTerm?: boolean;
  /** From SIGTERM to its end. Default: 0. */
  readonly termDelayMs?: number;
  /** Its code after SIGTERM. Default: 143. */
  readonly termExitCode?: number;
  /** Not even SIGKILL shows: Podman's monitor is dead, the workload stays `stopping` until it is removed. */
  readonly wedged?: boolean;
  readonly output?: readonly Output[];
  /** Of a machine: from its start to the report that its program was started. Default: `SimulatedHost.bootMs`. */
  readonly bootMs?: number;
  /** Of a machine: that report never comes, nor does the program begin. */
  readonly neverBoots?: boolean;
  /** What the program adds to the content of each of its named volumes when it begins. */
  readonly writes?: string;
  /** The OCI runtime cannot start it, in these words. */
  readonly startError?: string;
  readonly exec?: (argv: readonly string[]) => ExecResult;
}

/** What a program can know when it starts. */
export interface RunFacts {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The number of this start of this workload, from 1. */
  readonly startNumber: number;
  /** In force; null: unlimited. */
  readonly memoryMb: number | null;
}

/** One behaviour for every start, or one that depends on the start. */
export type Program = Behaviour | ((facts: RunFacts) => Behaviour);
