/** What the component reconciler is told and what it answers. Everything here is plain data. */
import type { BackoffSettings } from '../../src/core/backoff.js';
import type { NewEvent } from '../../src/core/event.js';
import type { WorkloadRole } from '../../src/core/names.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { Limits } from '../../src/core/ports/driver.js';
import type { ComponentRecord } from '../../src/core/ports/registry.js';
import type { BuildSpec, ComponentSpec, PullPolicy, Runtime } from '../../src/core/spec.js';
import type { ComponentStatus, ObservedState } from '../../src/core/status.js';

/** Settings of the reconciler; all times in milliseconds. */
export interface ReconcileSettings {
  readonly backoff: BackoffSettings;
  /** How long a replacement without a probe must stay up before the old workload is removed. */
  readonly settleMs: number;
  /** This many failures of a replacement put the old one back without waiting for `ready_timeout_s`. */
  readonly failuresBeforePutBack: number;
  /** A field put back this often within `contestWindowMs` that drifts again is contested. */
  readonly healsBeforeContest: number;
  readonly contestWindowMs: number;
  /** A workload that is `stopping` this much longer than its grace is stopped again, with force. */
  readonly stuckStoppingMs: number;
}

export const defaultReconcileSettings: ReconcileSettings = Object.freeze({
  backoff: { firstMs: 1_000, longestMs: 300_000, forgetAfterMs: 600_000 },
  settleMs: 1_000,
  failuresBeforePutBack: 3,
  healsBeforeContest: 5,
  contestWindowMs: 600_000,
  stuckStoppingMs: 15_000,
});

/** How a driver that matters to the component stands. */
export interface DriverView {
  readonly name: string;
  /** false: what is listed is old, and nothing may be done on it. */
  readonly answering: boolean;
  /** Why it does not answer; null while it does. */
  readonly error: string | null;
  /** What was last seen of this workload while the driver answered; for the words of `unknown`. */
  readonly lastObserved: ObservedState | null;
}

/** An env or secret file as it is now. */
export type EnvFileView = { readonly values: Readonly<Record<string, string>> } | { readonly error: string };

/** Everything that a decision may depend on. Nothing else is read. */
export interface World {
  readonly nowMs: number;
  /** In [0, 1), for jitter. */
  readonly chance: number;
  readonly homeId: string;
  readonly namePrefix: string;
  readonly settings: ReconcileSettings;
  readonly record: ComponentRecord;
  /**
   * A driver that does not answer and may hold a workload of this component, if there is one; else the driver of the
   * runtime that is to run. null: no driver of this node serves that.
   */
  readonly driver: DriverView | null;
  /** Workloads of this component by their labels, and whoever holds its name on the host. */
  readonly workloads: readonly ObservedWorkload[];
  /** What the image's tag names now; undefined when it is not here. */
  readonly imageNow: string | undefined;
  /** By absolute path: every file that the spec, or the good spec, names. */
  readonly envFiles: ReadonlyMap<string, EnvFileView>;
  /** The spec that the main workload was made for, when that is neither the present one nor the good one. */
  readonly earlier: { readonly generation: number; readonly spec: ComponentSpec } | null;
  /** Components that must be up before this one starts and are not, each with its reason. */
  readonly waitsFor: readonly string[];
  /** Components that depend on this one and are still up. */
  readonly dependentsUp: readonly string[];
  /** The latest event of the runtime about this workload, in words; evidence for drift. */
  readonly lastRuntimeEvent: string | null;
}

/** One effect on the world. A decision holds at most one. */
export type Step =
  | {
      readonly kind: 'resolve-image';
      readonly runtime: Runtime;
      readonly reference: string;
      readonly build: BuildSpec | null;
      readonly pull: PullPolicy;
    }
  | {
      readonly kind: 'create';
      readonly role: WorkloadRole;
      readonly spec: ComponentSpec;
      readonly generation: number;
      readonly imageDigest: string;
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'start';
      readonly nativeId: string;
      readonly again: boolean;
      /** As the workload's spec declares them: their data must be where it runs before it does. */
      readonly volumes: readonly string[];
    }
  | {
      readonly kind: 'stop';
      readonly nativeId: string;
      readonly graceMs: number;
      /** The run failed: the next try that was decided stands. */
      readonly failedRun?: boolean;
    }
  | { readonly kind: 'update'; readonly nativeId: string; readonly limits: Limits }
  | { readonly kind: 'unpause'; readonly nativeId: string }
  | {
      readonly kind: 'rename';
      readonly nativeId: string;
      readonly role: WorkloadRole;
      /** As it was seen before: a workload that is down comes back to its place as one that Berth stopped. */
      readonly isUp: boolean;
      readonly startedAtMs: number | null;
    }
  | { readonly kind: 'remove'; readonly nativeId: string }
  | { readonly kind: 'purge' };

/** The words of the component machine: what a decision comes down to. One a phase. */
export const verbs = [
  'WAIT',
  'BLOCK',
  'REJECT',
  'LOSE_SIGHT',
  'BUILD',
  'CREATE',
  'START',
  'UP',
  'STOP',
  'DOWN',
  'COMPLETE',
  'BACK_OFF',
  'GIVE_UP',
  'CONTEST',
  'DELETE',
] as const;
export type Verb = (typeof verbs)[number];

/** A drift as the planner finds it; `since` is added from what was known before. */
export interface DriftFinding {
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
  readonly evidence: string;
  readonly action: string;
  /** When it came about, if the runtime says so. */
  readonly sinceMs?: number;
}

/** What the planner concludes. */
export interface Verdict {
  readonly verb: Verb;
  readonly reason: string;
  readonly message: string;
  readonly step?: Step;
  /** Look again then, whatever happens or does not. */
  readonly requeueAtMs?: number;
  readonly patch?: Partial<ComponentStatus>;
  readonly drift?: readonly DriftFinding[];
  readonly events?: readonly NewEvent[];
}

/** The answer to one world. */
export interface Decision {
  readonly status: ComponentStatus;
  /** False when the status says what it said before: nothing to write. */
  readonly changed: boolean;
  readonly events: readonly NewEvent[];
  readonly step: Step | null;
  readonly requeueAtMs: number | null;
  /** Set when the machine had no such transition: a defect, logged by whoever acts. */
  readonly irregular: string | null;
}
