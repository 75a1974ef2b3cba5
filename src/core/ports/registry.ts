/**
 * The registry as the rest of Berth sees it. Everything SQL stays behind this interface.
 * Every call may fail with E_REGISTRY_BUSY, E_REGISTRY_CORRUPT, E_REGISTRY_IO or E_DISK_FULL.
 */
import type { BerthEvent, NewEvent, Severity } from '../event.js';
import type { ComponentKey } from '../names.js';
import type { HostObject } from '../observation.js';
import type { ComponentSpec, DesiredState, ServiceSpec } from '../spec.js';
import type { ComponentStatus } from '../status.js';
import type { ComponentBucket, UsageBucket } from '../usage.js';

/** Who changes something, and why; kept in the history. */
export interface ChangeContext {
  /** `cli:NAME`, `watch:PATH`, `agent`. */
  readonly actor: string;
  /** Of one request of one face; null when there is none. */
  readonly request: string | null;
  /** The `-m` of the command line. */
  readonly message: string | null;
}

export interface ServiceRecord {
  readonly name: string;
  readonly node: string;
  readonly active: boolean;
  /** Revision of the last change of this row. */
  readonly revision: number;
  readonly deleting: boolean;
}

/** A component with everything that is known of it. */
export interface ComponentRecord {
  readonly key: ComponentKey;
  readonly workload: string;
  readonly spec: ComponentSpec;
  /** Set when the row breaks a rule that no CHECK can express: phase `invalid`, and hands off. */
  readonly invalid: string | null;
  readonly service: ServiceRecord;
  /** What `start` and `stop` set. The effective wish is `stopped` as well when the service is not active. */
  readonly desired: DesiredState;
  /** Rises with each `restart`. */
  readonly restartToken: number;
  /** Rises when an apply asks for what the image's tag names now. */
  readonly imageRefresh: number;
  readonly deleting: boolean;
  /** Revision of the spec's last change. */
  readonly generation: number;
  /** Revision of the last change of this row or of its service's. */
  readonly revision: number;
  /** The file that declared it; null: made by hand. */
  readonly source: string | null;
  /** Components of its service that wait for it to run. */
  readonly dependents: readonly string[];
  readonly status: ComponentStatus;
}

/** What a definition file last fed in. One row a service. */
export interface SourceRecord {
  readonly service: string;
  /** Absolute path. */
  readonly path: string;
  /** Hash of the file's content. */
  readonly contentHash: string;
  /** The registry's revision right after it was fed in. */
  readonly appliedRevision: number;
}

/** One change, to be carried out with others in one transaction. */
export type Change =
  | { readonly kind: 'put-service'; readonly name: string; readonly node: string; readonly active: boolean }
  /** Makes or replaces the definition columns. `ifGeneration`: refuse (E_CONFLICT) when it is another; 0: must not exist. */
  | {
      readonly kind: 'put-component';
      readonly service: string;
      readonly spec: ComponentSpec;
      readonly source: string | null;
      readonly ifGeneration?: number;
      readonly refreshImage?: boolean;
    }
  /** Marks as deleting; the agent purges when the workload is gone. */
  | { readonly kind: 'delete-component'; readonly key: ComponentKey; readonly ifGeneration?: number }
  | { readonly kind: 'delete-service'; readonly name: string }
  | { readonly kind: 'set-desired'; readonly key: ComponentKey; readonly desired: DesiredState }
  | { readonly kind: 'request-restart'; readonly key: ComponentKey }
  | { readonly kind: 'put-source'; readonly source: Omit<SourceRecord, 'appliedRevision'> }
  | { readonly kind: 'delete-source'; readonly service: string }
  /** Marks a named volume for removal; the agent removes it when no workload uses it. */
  | { readonly kind: 'delete-volume'; readonly service: string; readonly volume: string };

/** One entry of the change log. */
export interface ChangeLogEntry {
  readonly revision: number;
  readonly atMs: number;
  readonly actor: string;
  readonly request: string | null;
  readonly message: string | null;
  readonly entity: 'service' | 'component' | 'status' | 'event';
  readonly service: string | null;
  readonly component: string | null;
  readonly op: 'insert' | 'update' | 'delete';
  /** The row before and after, in the spec's terms (`memory_mb`, `env` …). null: there was none. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** `specs` passes over statuses and events, which whoever writes them need not be told of. */
export type FeedScope = 'all' | 'specs';

/** What a reader of the feed learns. `gap`: its revision is older than what is kept; begin anew. */
export type FeedRead =
  | { readonly kind: 'changes'; readonly entries: readonly ChangeLogEntry[]; readonly revision: number }
  | { readonly kind: 'gap'; readonly oldest: number; readonly revision: number };

export interface StatusUpdate {
  readonly key: ComponentKey;
  /** The generation the decision was made for: a newer one in the row makes this update a no-op. */
  readonly generation: number;
  /** undefined: keep the status, write the events alone. */
  readonly status?: ComponentStatus;
  readonly events: readonly NewEvent[];
}

/** When a driver last answered. One row a driver; writing it raises no revision. */
export interface DriverFreshness {
  readonly driver: string;
  readonly lastGoodAtMs: number | null;
  /** null: it answers. */
  readonly error: string | null;
  readonly since: number | null;
}

/** An intent, written before the object is made; the proof of what is ours. Raises no revision. */
export interface LedgerRecord extends HostObject {
  readonly id: number;
  readonly generation: number | null;
  /** null until the runtime told it. */
  readonly nativeId: string | null;
  readonly intendedAtMs: number;
}

/** A named volume of a service. */
export interface VolumeKey {
  readonly service: string;
  readonly volume: string;
}

/** What one driver has of a named volume. At most one of a volume is `current`. */
export interface VolumeHolder extends VolumeKey {
  readonly driver: string;
  /** `current`: the data that counts; `copy`: of a workload that has not proven itself; `old`: to be removed. */
  readonly state: 'current' | 'copy' | 'old';
  /** Native id of the workload that a finished copy was made for; null: not finished, or no copy. */
  readonly copiedFor: string | null;
}

export interface EventQuery {
  readonly service?: string;
  readonly component?: string;
  readonly minSeverity?: Severity;
  readonly sinceMs?: number;
  readonly afterRevision?: number;
  readonly beforeRevision?: number;
  /** The newest so many, in rising order. */
  readonly limit?: number;
}

export interface HistoryQuery {
  readonly service: string;
  readonly component?: string;
  readonly beforeRevision?: number;
  readonly limit?: number;
}

export interface Registry {
  /** Random id of the home; every object on the host bears it. */
  readonly homeId: string;
  /** Prefix of workload names on the host; set when the registry is made. */
  readonly namePrefix: string;
  /** New after a restore: a resumed watch must begin anew. */
  readonly epoch: string;
  readonly path: string;

  revision(): Promise<number>;
  services(): Promise<readonly ServiceRecord[]>;
  /** All, or of one service, ordered by service and component; one query. */
  components(filter?: { readonly service?: string }): Promise<readonly ComponentRecord[]>;
  component(key: ComponentKey): Promise<ComponentRecord | undefined>;
  sources(): Promise<readonly SourceRecord[]>;
  freshness(): Promise<readonly DriverFreshness[]>;

  /** All or nothing, in one transaction. Answers the revision after it. Rules across rows are checked here. */
  change(changes: readonly Change[], context: ChangeContext): Promise<number>;

  /** Status and the events that explain it, in one transaction; only the agent calls this. */
  updateStatus(updates: readonly StatusUpdate[], context: ChangeContext): Promise<number>;
  /** Events of the home, a service or a driver, which explain no component's status. */
  addEvents(events: readonly NewEvent[], context: ChangeContext): Promise<void>;
  setFreshness(rows: readonly DriverFreshness[]): Promise<void>;
  /** Removes the rows of a component that is marked as deleting, and of its service when it was the last and marked too. */
  purgeComponent(key: ComponentKey, events: readonly NewEvent[], context: ChangeContext): Promise<void>;
  /** A service marked as deleting that has no component left. */
  purgeService(name: string, context: ChangeContext): Promise<void>;

  events(query: EventQuery): Promise<readonly BerthEvent[]>;
  /** Changes of specs, newest first. */
  history(query: HistoryQuery): Promise<readonly ChangeLogEntry[]>;
  /** The service as it was specified right after `revision`; undefined when it did not exist, E_NOT_FOUND when no longer kept. */
  serviceAt(service: string, revision: number): Promise<ServiceSpec | undefined>;
  /** The feed after a revision, in order, at most `limit` entries. `specs`: of services and components alone. Default: `all`. */
  feed(afterRevision: number, limit: number, of?: FeedScope): Promise<FeedRead>;
  /**
   * Calls `notify` soon after any commit of any client, at most 100 ms later (see `PRAGMA data_version`),
   * and of this one. `specs`: commits without any need not be told. Default: `all`. Answers what ends it.
   */
  watch(notify: () => void, of?: FeedScope): () => void;

  /**
   * Writes intents before the objects are made; answers their ids in order. Existing rows of the same object are kept;
   * a workload that was made under this name before and has another by now keeps a row of its own.
   */
  recordIntents(objects: readonly (HostObject & { readonly generation: number | null })[]): Promise<readonly number[]>;
  setNativeId(ledgerId: number, nativeId: string): Promise<void>;
  /** All, or what was meant to be made of one component. */
  ledger(of?: ComponentKey): Promise<readonly LedgerRecord[]>;
  forget(ledgerIds: readonly number[]): Promise<void>;
  /** Volumes that `delete-volume` marked. */
  volumesToRemove(): Promise<readonly VolumeKey[]>;
  /** Forgets the mark and every holder of the volume. */
  volumeRemoved(service: string, volume: string, events: readonly NewEvent[], context: ChangeContext): Promise<void>;

  volumeHolders(): Promise<readonly VolumeHolder[]>;
  /** Puts `holders` in the place of all that was known of this volume; raises no revision. */
  setVolumeHolders(volume: VolumeKey, holders: readonly Omit<VolumeHolder, 'service' | 'volume'>[]): Promise<void>;

  /**
   * Adds what components used, and drops what is older than a day unless it takes the place of nothing newer; raises no
   * revision. Those that are no more are passed over. A step that is there already gets what was seen besides. In small
   * transactions: what fails midway is written in part.
   */
  addUsage(buckets: readonly ComponentBucket[]): Promise<void>;
  /** What a component used in the last day as far as it is written, oldest first. Steps without a look are absent. */
  usage(key: ComponentKey): Promise<readonly UsageBucket[]>;

  /**
   * Drops history and events beyond their retention, in small steps that never block writers for long. Ages are counted
   * in time that agents ran, and this counts the time since the registry was opened: only an agent calls it.
   */
  compact(): Promise<void>;
  close(): Promise<void>;
}
