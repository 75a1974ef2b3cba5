/**
 * Follows the registry for all watches together: one listener, one read of the feed a change, everything put into words
 * once. It pauses while the registry cannot be read, and ends when it cannot go on without a gap.
 */
import type { BerthEvent } from '../../../core/event.js';
import { isBerthError, messageOf } from '../../../core/errors.js';
import { formatKey } from '../../../core/names.js';
import type { ChangeLogEntry, ComponentRecord, DriverFreshness } from '../../../core/ports/registry.js';
import { secretsOf } from '../../../core/secrets.js';
import type { EventView } from '../../views.js';
import { Batch } from './batch.js';
import { Present, type PresentChange } from './present.js';
import { Recent } from './recent.js';
import type { WatchEnd, WatchHubOptions, WatchLimits, WatchViews } from './types.js';
import { messagesOf, placed, touchedBy, type Moment, type Touched } from './wording.js';

export interface FollowerOptions extends Pick<WatchHubOptions, 'registry' | 'clock' | 'log'> {
  readonly views: WatchViews;
  readonly driverNames: NonNullable<WatchHubOptions['driverNames']>;
  readonly limits: WatchLimits;
  readonly onBatch: (batch: Batch) => void;
  /** Drivers answered again, or no longer. */
  readonly onDrivers: () => void;
  /** It does not go on. */
  readonly onEnd: (reason: WatchEnd) => void;
}

/** Components that are put into words without a pause. */
const sliceSize = 250;
/** Beyond so many components one read of all is cheaper than one of each. */
const manyKeys = 50;
/** After a read failed it is tried again so much later … */
const retryMs = 200;
/** … and given up after so long in all. */
const patienceMs = 30_000;
/** Longest pause between two reads, in milliseconds; whatever comes meanwhile is told together. */
const longestPauseMs = 30;
/** A read and what follows from it take at most one part in so many of the time. */
const shareOfTime = 4;

export class Follower {
  readonly epoch: string;
  readonly present: Present;
  recent: Recent;
  freshness: readonly DriverFreshness[] = [];
  /** Everything up to this revision was told, that one included. */
  revision = 0;
  /** Where it began. */
  startedAt = 0;
  readonly #options: FollowerOptions;
  #stop: (() => void) | undefined;
  #cancel: (() => void) | undefined;
  #running = false;
  #due = false;
  #closed = false;
  /** When reads began to fail; undefined: they do not. */
  #failingSinceMs: number | undefined;
  /** Not before this, by the monotonic clock. */
  #restUntilMs = 0;
  /** What was read at the beginning may be as of any revision up to this one. */
  #loadedUntil = 0;
  #started = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.epoch = options.registry.epoch;
    this.recent = new Recent(0, options.limits.kept);
    this.present = new Present((record) =>
      options.views.component(record, { nowMs: 0, freshness: [], driverNames: options.driverNames }),
    );
  }

  /** Reads all that is, and follows from there. Errors of the registry. */
  async start(): Promise<void> {
    const { registry } = this.#options;
    // Before the first read, so that nothing is missed between the two.
    this.#stop = registry.watch(() => {
      this.#wake();
    });
    try {
      await this.#prepare(await registry.components());
      const revision = await registry.revision();
      this.freshness = await registry.freshness();
      this.present.replaceAll(await registry.components());
      this.#loadedUntil = await registry.revision();
      this.recent = new Recent(revision, this.#options.limits.kept);
      this.revision = revision;
      this.startedAt = revision;
    } catch (error) {
      this.close();
      throw error;
    }
    this.#started = true;
    this.#wake();
  }

  /** In slices: thousands of components at once would hold up everything else. */
  async #prepare(records: readonly ComponentRecord[]): Promise<void> {
    const { clock } = this.#options;
    for (let from = 0; from < records.length && !this.#closed; from += sliceSize) {
      if (from > 0) await new Promise<void>((resolve) => clock.after(0, resolve));
      this.present.prepare(records.slice(from, from + sliceSize));
    }
  }

  close(): void {
    this.#closed = true;
    this.#stop?.();
    this.#cancel?.();
  }

  /** This moment, for what is put into words. */
  moment(): Moment {
    return { epoch: this.epoch, nowMs: this.#options.clock.now(), freshness: this.freshness };
  }

  /** What became of all that a stretch of the past touches, as it is now. */
  nowOf(entries: readonly ChangeLogEntry[]): readonly PresentChange[] {
    const { keys, services } = touchedBy(entries);
    const changes = new Map<string, PresentChange>();
    for (const [text, { key }] of keys) changes.set(text, { key, entry: this.present.get(key) ?? null });
    for (const service of services.keys()) {
      for (const entry of this.present.list(service)) {
        changes.set(formatKey(entry.key), { key: entry.key, entry });
      }
    }
    return [...changes.values()];
  }

  /** What the first read may have brought along before its time: to who comes back it is news. */
  #untold(entries: readonly ChangeLogEntry[], all: boolean): readonly PresentChange[] {
    const touched = this.nowOf(entries);
    if (!all) return touched;
    const gone = touched.filter(({ entry }) => entry === null);
    return [...gone, ...this.present.list(null).map((entry) => ({ key: entry.key, entry }))];
  }

  /** The messages of a stretch of the feed, with what became of components in it. */
  batch(from: number, to: number, entries: readonly ChangeLogEntry[], changes: readonly PresentChange[]): Batch {
    const places = placed(changes, touchedBy(entries));
    return new Batch(
      from,
      to,
      messagesOf(entries, places, this.moment(), (event) => this.#view(event)),
    );
  }

  #view(event: BerthEvent): EventView {
    const { service, component } = event;
    const record = service !== null && component !== null && this.present.get({ service, component })?.record;
    return this.#options.views.event(event, record ? secretsOf(record.spec) : []);
  }

  #wake(): void {
    this.#due = true;
    if (this.#started && !this.#running) this.#arm();
  }

  /** Not in the turn of the commit: whoever commits goes on first, and commits of one turn are read together. */
  #arm(): void {
    if (this.#closed || this.#cancel) return;
    const pauseMs = Math.max(0, this.#restUntilMs - this.#options.clock.monotonic());
    this.#cancel = this.#options.clock.after(pauseMs, () => {
      this.#cancel = undefined;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    this.#running = true;
    this.#due = false;
    const beganMs = clock.monotonic();
    try {
      const isMore = await this.#round();
      this.#due ||= isMore;
      this.#failingSinceMs = undefined;
      const nowMs = clock.monotonic();
      this.#restUntilMs = nowMs + Math.min(longestPauseMs, (nowMs - beganMs) * shareOfTime);
    } catch (error) {
      this.#failed(error, beganMs);
      this.#due = true;
      this.#restUntilMs = clock.monotonic() + retryMs;
    }
    this.#running = false;
    if (this.#due) this.#arm();
  }

  /** A registry that is locked or cannot be reached pauses all watches; anything else, or too long a pause, ends them. */
  #failed(error: unknown, nowMs: number): void {
    if (this.#closed) return;
    this.#failingSinceMs ??= nowMs;
    const mayPass = isBerthError(error, 'E_REGISTRY_BUSY', 'E_REGISTRY_IO', 'E_DISK_FULL');
    if (mayPass && nowMs - this.#failingSinceMs < patienceMs) {
      this.#options.log.debug({ err: messageOf(error) }, 'watches pause');
      return;
    }
    this.#options.log.warn({ err: messageOf(error) }, 'watches end');
    this.#end('registry');
  }

  #end(reason: WatchEnd): void {
    this.close();
    this.#options.onEnd(reason);
  }

  /** Reads what is new and tells it; answers whether there may be more. */
  async #round(): Promise<boolean> {
    const { registry } = this.#options;
    if (registry.epoch !== this.epoch) {
      this.#end('epoch');
      return false;
    }
    const pageSize = this.#options.limits.page;
    const page = await registry.feed(this.revision, pageSize);
    if (page.kind === 'gap') {
      if (!this.#closed) this.#end('gap');
      return false;
    }
    const freshness = await registry.freshness();
    const touched = touchedBy(page.entries);
    const records = await this.#read(touched);
    if (this.#closed) return false;
    // From here to the end nothing waits: whoever joins sees all of it, or nothing.
    const isNews = driversText(freshness) !== driversText(this.freshness);
    this.freshness = freshness;
    this.#tell(page.entries, page.revision, records);
    if (isNews) this.#options.onDrivers();
    return page.entries.length === pageSize;
  }

  /** The records that may have changed: `all` when a definition did, as what one says may make another invalid. */
  async #read(touched: Touched): Promise<{ readonly all: boolean; readonly list: readonly ComponentRecord[] }> {
    const { registry } = this.#options;
    if (touched.specs > 0) return { all: true, list: await registry.components() };
    if (touched.keys.size > manyKeys) {
      const records = await registry.components();
      return { all: false, list: records.filter(({ key }) => touched.keys.has(formatKey(key))) };
    }
    const list: ComponentRecord[] = [];
    for (const { key } of touched.keys.values()) {
      const record = await registry.component(key);
      if (record) list.push(record);
    }
    return { all: false, list };
  }

  #tell(
    entries: readonly ChangeLogEntry[],
    to: number,
    records: { readonly all: boolean; readonly list: readonly ComponentRecord[] },
  ): void {
    const news = records.all
      ? this.present.replaceAll(records.list)
      : records.list.flatMap((record) => this.present.replace(record) ?? []);
    const from = this.revision;
    const changes = from < this.#loadedUntil ? onceEach([...this.#untold(entries, records.all), ...news]) : news;
    if (to === from) return;
    for (const { entry } of changes) if (entry) entry.toldAt = to;
    const batch = this.batch(from, to, entries, changes);
    this.revision = to;
    this.recent.push(batch);
    this.#options.onBatch(batch);
  }
}

/** The last of each component. */
function onceEach(changes: readonly PresentChange[]): readonly PresentChange[] {
  return [...new Map(changes.map((change) => [formatKey(change.key), change])).values()];
}

/** Which drivers there are, and what is wrong with each. */
function driversText(freshness: readonly DriverFreshness[]): string {
  return JSON.stringify(freshness.map(({ driver, error }) => [driver, error]));
}
