/**
 * The one client interface between the faces and whatever answers them: the registry file now, the HTTP
 * API of an agent as well later. Every call may fail with a BerthError; E_NOT_FOUND where a service or a
 * component is named that does not exist.
 */
import type { Severity } from '../core/event.js';
import type { Plan } from '../core/plan.js';
import type { ServiceBase } from '../core/plan-replace.js';
import type { ConsoleSession, ExecResult } from '../core/ports/driver.js';
import type { DesiredState, ServiceSpec } from '../core/spec.js';
import type { GarbageOptions } from './garbage.js';
import type {
  AgentInfo,
  ComponentView,
  DoctorReport,
  EventView,
  Explanation,
  GarbageReport,
  HistoryView,
  LogEntry,
  StatusReport,
  UsageReport,
} from './views.js';

/** One component. */
export interface ComponentTarget {
  readonly service: string;
  readonly component: string;
}

/** A service, or one component of it. */
export interface Target {
  readonly service: string;
  /** null: all components of the service. */
  readonly component: string | null;
}

/** Kept in the history with every change. */
export interface ChangeNote {
  /** The `-m` of the command line; null: none. */
  readonly message: string | null;
}

/** What was seen before something was changed. */
export interface BasedNote extends ChangeNote {
  /** `base` of the plan that was looked at: E_CONFLICT when the service was changed since. Absent or null: nobody looked. */
  readonly base?: ServiceBase | null | undefined;
}

export interface ApplyOptions {
  /** A definition file, or a folder of them. */
  readonly path: string;
  /** Remove what the source declared once and declares no longer. */
  readonly prune: boolean;
  /** Undo what was edited elsewhere meanwhile. */
  readonly force: boolean;
}

export interface ReplaceOptions {
  /** A definition as text, with the name that problems are reported under. */
  readonly text: string;
  readonly path: string;
  /** The service that it must declare. */
  readonly service: string;
  /** What the author saw; a component that changed since is a conflict. */
  readonly base: ServiceBase;
  readonly force: boolean;
}

export interface PlanResult {
  /** The registry's revision that the plan was made for. */
  readonly revision: number;
  readonly plan: Plan;
}

/** What a change led to. */
export interface ChangeResult {
  /** The registry's revision after it. */
  readonly revision: number;
  /** The components that it speaks of. */
  readonly components: readonly { readonly service: string; readonly component: string }[];
}

export interface RollbackPlan extends PlanResult {
  /** The revision to go back to. */
  readonly to: number;
  /** What the plan was made from, for whoever carries it out; absent: an older agent does not say. */
  readonly base?: ServiceBase;
}

export interface AppliedResult extends PlanResult {
  /** False when nothing had to change. */
  readonly changed: boolean;
}

export interface ExportResult {
  readonly spec: ServiceSpec;
  /** TOML that parses back to `spec`. */
  readonly text: string;
  readonly base: ServiceBase;
}

export interface ExportOptions {
  /** Show the values of secrets, which are masked else. For whoever may write. */
  readonly reveal: boolean;
}

export interface EventOptions {
  readonly target: Target | null;
  /** Unix milliseconds. */
  readonly sinceMs: number | null;
  /** The newest so many; null: all that are kept. */
  readonly tail: number | null;
  /** The least one; absent: all. */
  readonly severity?: Severity | null;
  /** Only those after this revision, and before that one; absent: all. */
  readonly after?: number | null;
  readonly before?: number | null;
}

export interface LogsOptions {
  readonly target: Target;
  readonly follow: boolean;
  /** Last lines of each component; null: all. */
  readonly tail: number | null;
  /** Unix milliseconds. */
  readonly sinceMs: number | null;
}

export interface DoctorOptions {
  /** False: the runtimes are not asked what they can do, so that the answer is there soon. */
  readonly drivers: boolean;
}

/** How far a component is on its way to what is wanted. */
export type Progress = 'waiting' | 'converged' | 'failed';

export interface ProgressView {
  readonly component: ComponentView;
  readonly progress: Progress;
}

export interface WaitOptions {
  readonly components: readonly { readonly service: string; readonly component: string }[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called with the whole picture, first at once and then whenever a part of it changed. */
  readonly onProgress: (views: readonly ProgressView[]) => void;
}

export interface WaitResult {
  readonly outcome: 'converged' | 'failed' | 'timeout' | 'aborted';
  readonly views: readonly ProgressView[];
}

export interface BerthClient {
  /** What `apply` would do. E_DEFINITION with all problems in `details.problems`. */
  plan(options: ApplyOptions): Promise<PlanResult>;
  /** Feeds definitions into the registry. E_DEFINITION; E_CONFLICT with the plan in `details.plan`. */
  apply(options: ApplyOptions & ChangeNote): Promise<AppliedResult>;
  /** What `replace` would do. */
  planReplace(options: ReplaceOptions): Promise<PlanResult>;
  /** Makes a service exactly what a text says: an edit. E_DEFINITION, E_CONFLICT. */
  replace(options: ReplaceOptions & ChangeNote): Promise<AppliedResult>;
  /** Follows the tags of images that have moved, and of those that always pull. */
  refresh(target: Target, note: ChangeNote): Promise<AppliedResult>;

  status(filter: { readonly service: string | null }): Promise<StatusReport>;
  /** The status now, and again whenever it changed, until the signal fires. */
  watchStatus(filter: { readonly service: string | null }, signal: AbortSignal): AsyncIterable<StatusReport>;
  explain(target: { readonly service: string; readonly component: string }): Promise<Explanation>;
  /** Memory and processor time of the last 24 hours. */
  usage(target: ComponentTarget): Promise<UsageReport>;
  events(options: EventOptions): Promise<readonly EventView[]>;
  /** The events asked for, and then each new one as it is written, until the signal fires. */
  followEvents(options: EventOptions, signal: AbortSignal): AsyncIterable<EventView>;
  /** Lines of one or more components; with `follow` through restarts and replacements. */
  logs(options: LogsOptions, signal: AbortSignal): AsyncIterable<LogEntry>;

  /** Attaches to the console of a virtual machine. E_NOT_SUPPORTED where there is none, E_WORKLOAD_MISSING. */
  console(target: ComponentTarget, signal: AbortSignal): Promise<ConsoleSession>;
  /** Runs a program in a workload to its end. E_NOT_SUPPORTED where that cannot be, E_WORKLOAD_MISSING. */
  exec(target: ComponentTarget, argv: readonly string[], signal: AbortSignal): Promise<ExecResult>;
  /** Removes what drivers keep and nothing uses; in a dry run only lists it. */
  gc(options: GarbageOptions, signal: AbortSignal): Promise<GarbageReport>;

  setDesired(target: Target, desired: DesiredState, note: ChangeNote): Promise<ChangeResult>;
  restart(target: Target, note: ChangeNote): Promise<ChangeResult>;
  delete(target: Target, note: ChangeNote): Promise<ChangeResult>;
  /** Marks a named volume for removal. E_NOT_FOUND; E_CONFLICT when a component still mounts it. */
  deleteVolume(service: string, volume: string, note: ChangeNote): Promise<ChangeResult>;

  /** Changes of the definition, newest first; `before`: only those before this revision. */
  history(target: Target, limit: number, before?: number | null): Promise<readonly HistoryView[]>;
  /** Puts a service back to what it was right after `to`; null: before its last change. */
  planRollback(service: string, to: number | null): Promise<RollbackPlan>;
  rollback(service: string, to: number | null, note: BasedNote): Promise<AppliedResult & { readonly to: number }>;
  /** A service as a definition. A masked value that comes back in an edit means the stored one. */
  export(service: string, options?: ExportOptions): Promise<ExportResult>;

  /** What keeps this home from working, and what runs out. Default: with the drivers. */
  doctor(options?: DoctorOptions): Promise<DoctorReport>;
  /** Waits until the components are as they are wanted, one of them failed for good, or time is up. */
  waitFor(options: WaitOptions): Promise<WaitResult>;
  /** The agent that serves this home; null: none does, and nothing converges. */
  agent(): Promise<AgentInfo | null>;
  /** Names of services and components, for completion. */
  names(): Promise<readonly string[]>;
  close(): Promise<void>;
}
