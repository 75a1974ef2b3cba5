/** What the faces show: plain JSON, stable names. Times are ISO 8601 in UTC; null: never, or not known. */
import type { Severity } from '../core/event.js';
import type { Capability } from '../core/ports/driver.js';
import type { Runtime } from '../core/spec.js';
import type { ObservedState, Phase } from '../core/status.js';

/** The agent that serves a home. */
export interface AgentInfo {
  readonly pid: number;
  /** Unix milliseconds. */
  readonly sinceMs: number;
}

export interface DriftView {
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
  readonly since: string;
  readonly evidence: string;
  readonly action: string;
}

export interface ComponentView {
  readonly service: string;
  readonly component: string;
  readonly workload: string;
  readonly runtime: Runtime;
  readonly driver: string;
  /** What is wanted in effect: a component of a service that is not active is wanted stopped. */
  readonly desired: 'running' | 'stopped' | 'deleted';
  readonly observed: ObservedState;
  readonly phase: Phase;
  readonly ready: boolean;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly restarts: number;
  readonly exitCode: number | null;
  readonly nextTryAt: string | null;
  /** Age of the driver's last good answer. */
  readonly observedAgeMs: number | null;
  readonly reason: string;
  readonly message: string;
  readonly startedAt: string | null;
  readonly drift: readonly DriftView[];
}

/** What a component used within one step. */
export interface UsagePoint {
  /** When the step began. */
  readonly at: string;
  /** Mebibytes: the mean of what was seen, and the most. */
  readonly memoryMb: number;
  readonly memoryPeakMb: number;
  /** The mean; 100 is one core. null: memory was seen, and processor time could not be told. */
  readonly cpuPercent: number | null;
}

/** Figures of one component, of the last 24 hours. */
export interface UsageReport {
  readonly service: string;
  readonly component: string;
  /** Seconds of one step. */
  readonly stepS: number;
  /** Mebibytes, of its definition; null: none. */
  readonly memoryLimitMb: number | null;
  /** The newest look; null: it does not run, or nobody looks. */
  readonly now: Omit<UsagePoint, 'memoryPeakMb'> | null;
  /** Oldest first; steps of which nothing is known are absent. The last one may not be over yet. */
  readonly points: readonly UsagePoint[];
}

export interface StatusReport {
  readonly revision: number;
  readonly agent: { readonly pid: number; readonly since: string } | null;
  readonly components: readonly ComponentView[];
}

export interface EventView {
  readonly revision: number;
  readonly at: string;
  readonly severity: Severity;
  readonly service: string | null;
  readonly component: string | null;
  readonly reason: string;
  readonly message: string;
  readonly actor: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface LogEntry {
  readonly service: string;
  readonly component: string;
  /** null: the runtime does not say. */
  readonly at: string | null;
  readonly stream: 'stdout' | 'stderr' | 'console';
  readonly text: string;
}

export interface FieldChangeView {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface HistoryView {
  readonly revision: number;
  readonly at: string;
  readonly actor: string;
  readonly message: string | null;
  /** Of one command; changes made together share it. */
  readonly request: string | null;
  readonly service: string | null;
  /** null: the service itself. */
  readonly component: string | null;
  readonly op: 'insert' | 'update' | 'delete';
  readonly changes: readonly FieldChangeView[];
}

/** Why a component is as it is. */
export interface Explanation {
  readonly component: ComponentView;
  readonly image: { readonly reference: string; readonly digest: string | null };
  readonly source: string | null;
  /** What keeps the row from being acted on; null: nothing. */
  readonly invalid: string | null;
  /** What it waits for, one sentence each. */
  readonly waitsFor: readonly string[];
  /** Newest last. */
  readonly decisions: readonly EventView[];
  readonly lastChange: HistoryView | null;
  /** The driver does not answer: since when and why. */
  readonly driverError: { readonly error: string; readonly since: string | null } | null;
  readonly failedGeneration: number | null;
  readonly goodGeneration: number | null;
  readonly agent: { readonly pid: number; readonly since: string } | null;
}

/** Something that a driver keeps and nothing uses. */
export interface GarbageView {
  readonly driver: string;
  readonly what: string;
  readonly id: string;
  readonly bytes: number;
  /** When it was last used. */
  readonly usedAt: string;
  readonly removed: boolean;
  /** Why it could not be removed; null: it was, or nobody tried. */
  readonly error: string | null;
}

export interface GarbageReport {
  /** True: nothing was to be removed. */
  readonly dryRun: boolean;
  /** Longest unused first, driver by driver. */
  readonly items: readonly GarbageView[];
  /** Of what was removed; of everything in a dry run. */
  readonly totalBytes: number;
  /** Drivers that could not say what they keep. */
  readonly unreachable: readonly { readonly driver: string; readonly error: string }[];
}

export interface DoctorCheck extends Capability {
  /**
   * `registry`, `agent`, `api`, the driver's name; or what runs out: `disk`, `memory`, `certificates`, `backups`, `holds`,
   * `tries`.
   */
  readonly area: string;
  /** An error keeps Berth or what it runs from working; a warning costs a feature, or will. */
  readonly level: 'ok' | 'warning' | 'error';
}

export interface DoctorReport {
  readonly ok: boolean;
  readonly checks: readonly DoctorCheck[];
}
