/** What a hub offers to whoever serves watches, and what it asks of each reader's connection. */
import type { BerthEvent } from '../../../core/event.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { Log } from '../../../core/ports/log.js';
import type { ComponentRecord, Registry } from '../../../core/ports/registry.js';
import type { DriverNames, ViewContext } from '../../status-view.js';
import type { ComponentView, EventView } from '../../views.js';

/**
 * Why a watch ended. `slow`: its reader did not keep up. `gap`: the history no longer reaches from where it was;
 * `epoch`: the registry was restored; both begin anew. `registry`: it could not be read. `ended`: the agent ends.
 */
export type WatchEnd = 'slow' | 'gap' | 'epoch' | 'registry' | 'ended';

/** One reader's connection. */
export interface WatchSink {
  /** Takes text to be sent. False: what was given before is not gone yet, beyond what is kept for a reader: it is dropped. */
  send(chunk: string): boolean;
  /** Resolves once the connection takes more without keeping it, or is gone. */
  drained(): Promise<void>;
  /** The last call: nothing is sent any more. Never called after `Watch.end`. */
  close(reason: WatchEnd): void;
}

export interface WatchRequest {
  /** The last id that the reader saw; null: begin with all that is. */
  readonly after: string | null;
  /** Only what concerns this service; null: everything. */
  readonly service: string | null;
}

/** A watch that was granted. */
export interface Watch {
  /** Begins to send; once. */
  start(sink: WatchSink): void;
  /** The reader has gone, or does not want more. */
  end(): void;
}

export interface WatchStats {
  /** Watches that are granted and have not ended. */
  readonly watchers: number;
  /** Watches that were ended because their readers were slow, since the hub was made. */
  readonly dropped: number;
}

export interface WatchHub {
  /**
   * Grants a watch; nothing is sent before its `start`. E_WATCH_GONE when it cannot go on from `after` without a gap;
   * errors of the registry.
   */
  subscribe(request: WatchRequest): Promise<Watch>;
  stats(): WatchStats;
  /** Ends all watches. */
  close(): Promise<void>;
}

/** How records and events are shown. */
export interface WatchViews {
  readonly component: (record: ComponentRecord, context: ViewContext) => ComponentView;
  /** `secrets`: of the component that it is of, not to be shown. */
  readonly event: (event: BerthEvent, secrets: readonly string[]) => EventView;
}

/** What is read at once, and kept for those who join or come back. */
export interface WatchLimits {
  /** Entries of one read of the feed. */
  readonly page: number;
  /** Characters of the last batches that are kept. */
  readonly kept: number;
}

export interface WatchHubOptions {
  readonly registry: Pick<Registry, 'epoch' | 'revision' | 'components' | 'component' | 'freshness' | 'feed' | 'watch'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly driverNames?: DriverNames;
  /** Default: as `status` and `events` show them. */
  readonly views?: WatchViews;
  /** Default: 500 entries, and 2 Mi characters. */
  readonly limits?: WatchLimits;
}
