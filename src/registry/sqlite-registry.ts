/** The registry port on SQLite. Reads ask one connection, writes another, so that neither waits for the other. */
import Database from 'better-sqlite3';
import type { BerthEvent, NewEvent } from '../core/event.js';
import { BerthError } from '../core/errors.js';
import type { ComponentKey } from '../core/names.js';
import type { Clock } from '../core/ports/clock.js';
import type {
  Change,
  ChangeContext,
  ChangeLogEntry,
  ComponentRecord,
  DriverFreshness,
  EventQuery,
  FeedRead,
  FeedScope,
  HistoryQuery,
  LedgerRecord,
  Registry,
  ServiceRecord,
  SourceRecord,
  StatusUpdate,
  VolumeHolder,
  VolumeKey,
} from '../core/ports/registry.js';
import type { ServiceSpec } from '../core/spec.js';
import type { ComponentBucket, UsageBucket } from '../core/usage.js';
import { applyChanges, type Touched } from './apply-changes.js';
import { compactRegistry } from './compact.js';
import { insertEvents, queryEvents } from './event-rows.js';
import { readFeed, readHistory, readServiceAt } from './feed.js';
import {
  deleteFromLedger,
  insertIntents,
  readFreshness,
  readLedger,
  readSources,
  readVolumesToRemove,
  setLedgerNativeId,
  writeFreshness,
  type Intent,
} from './ledger.js';
import { purgeComponentRows, purgeServiceRow } from './purge.js';
import { RecordCache } from './record-cache.js';
import { untilFree, type RetryOptions } from './retry.js';
import type { Retention } from './retention.js';
import { Stopwatch } from './running-time.js';
import { runAsStranger, sql, type Session } from './session.js';
import { storageError } from './storage.js';
import { addUsage, readUsage } from './usage.js';
import { readVolumeHolders, replaceVolumeHolders } from './volume-holders.js';
import { Watcher } from './watcher.js';
import { writeStatus } from './write-status.js';
import { readRevision, Writer } from './writer.js';

/** What a registry is made of; `openRegistry` puts it together. */
export interface SqliteRegistryParts {
  readonly path: string;
  readonly homeId: string;
  readonly epoch: string;
  readonly namePrefix: string;
  readonly clock: Clock;
  readonly reader: Session;
  readonly writer: Session;
  /** undefined: in memory, where nobody else can commit. */
  readonly watch: Session | undefined;
  /** How long a call waits for a lock in all, in milliseconds. */
  readonly deadlineMs: number;
  readonly retention: Retention;
  /** How often the file is asked whether somebody else has committed, in milliseconds. */
  readonly pollMs: number;
}

const noSpecs = { specs: false } as const;

export class SqliteRegistry implements Registry {
  readonly homeId: string;
  readonly namePrefix: string;
  readonly epoch: string;
  readonly path: string;
  readonly #clock: Clock;
  readonly #reader: Session;
  readonly #writerSession: Session;
  readonly #writer: Writer;
  readonly #watcher: Watcher;
  readonly #cache = new RecordCache();
  readonly #retry: RetryOptions;
  readonly #retention: Retention;
  readonly #running: Stopwatch;
  #closed = false;

  constructor(parts: SqliteRegistryParts) {
    this.homeId = parts.homeId;
    this.namePrefix = parts.namePrefix;
    this.epoch = parts.epoch;
    this.path = parts.path;
    this.#clock = parts.clock;
    this.#reader = parts.reader;
    this.#writerSession = parts.writer;
    this.#retention = parts.retention;
    this.#running = new Stopwatch(() => parts.clock.monotonic());
    this.#retry = { clock: parts.clock, path: parts.path, deadlineMs: parts.deadlineMs };
    this.#watcher = new Watcher(parts.clock, parts.watch, parts.pollMs);
    this.#writer = new Writer({
      ...this.#retry,
      session: parts.writer,
      onCommit: (holdsSpecs) => {
        this.#watcher.committed(holdsSpecs);
      },
      onRollback: () => {
        this.#cache.reset();
      },
    });
  }

  revision(): Promise<number> {
    return this.#read((session) => readRevision(session));
  }

  services(): Promise<readonly ServiceRecord[]> {
    return this.#read((session) => {
      this.#cache.sync(session);
      return this.#cache.services();
    });
  }

  components(filter: { readonly service?: string } = {}): Promise<readonly ComponentRecord[]> {
    return this.#read((session) => {
      this.#cache.sync(session);
      return filter.service === undefined ? this.#cache.list() : this.#cache.listOf(filter.service);
    });
  }

  component(key: ComponentKey): Promise<ComponentRecord | undefined> {
    return this.#read((session) => {
      this.#cache.sync(session);
      return this.#cache.get(key);
    });
  }

  sources(): Promise<readonly SourceRecord[]> {
    return this.#read(readSources);
  }

  freshness(): Promise<readonly DriverFreshness[]> {
    return this.#read(readFreshness);
  }

  change(changes: readonly Change[], context: ChangeContext): Promise<number> {
    return this.#writer.write('durable', (transaction) => {
      const touched = applyChanges(transaction, changes, context);
      if (transaction.dirty) this.#refuseProblems(transaction.session, touched);
      return transaction.revision();
    });
  }

  updateStatus(updates: readonly StatusUpdate[], context: ChangeContext): Promise<number> {
    return this.#writer.write(
      'relaxed',
      (transaction) => writeStatus(transaction, updates, context, this.#cache),
      noSpecs,
    );
  }

  addEvents(events: readonly NewEvent[], context: ChangeContext): Promise<void> {
    return this.#writer.write(
      'relaxed',
      (transaction) => {
        insertEvents(transaction, events, context);
      },
      noSpecs,
    );
  }

  setFreshness(rows: readonly DriverFreshness[]): Promise<void> {
    return this.#writer.write(
      'relaxed',
      (transaction) => {
        transaction.touch();
        writeFreshness(transaction.session, rows);
      },
      noSpecs,
    );
  }

  purgeComponent(key: ComponentKey, events: readonly NewEvent[], context: ChangeContext): Promise<void> {
    return this.#writer.write('relaxed', (transaction) => {
      if (purgeComponentRows(transaction, key, context)) insertEvents(transaction, events, context);
    });
  }

  purgeService(name: string, context: ChangeContext): Promise<void> {
    return this.#writer.write('relaxed', (transaction) => {
      purgeServiceRow(transaction, name, context);
    });
  }

  events(query: EventQuery): Promise<readonly BerthEvent[]> {
    return this.#read((session) => queryEvents(session, query));
  }

  history(query: HistoryQuery): Promise<readonly ChangeLogEntry[]> {
    return this.#read((session) => readHistory(session, query));
  }

  serviceAt(service: string, revision: number): Promise<ServiceSpec | undefined> {
    return this.#read((session) => readServiceAt(session, service, revision));
  }

  feed(afterRevision: number, limit: number, of?: FeedScope): Promise<FeedRead> {
    return this.#read((session) => readFeed(session, afterRevision, limit, of));
  }

  watch(notify: () => void, of: FeedScope = 'all'): () => void {
    return this.#watcher.add(notify, of);
  }

  // A power cut may take the last intents: what outlives it on the host bears its owner in itself.
  recordIntents(objects: readonly Intent[]): Promise<readonly number[]> {
    return this.#writer.write(
      'relaxed',
      (transaction) => {
        transaction.touch();
        return insertIntents(transaction.session, objects, transaction.nowMs);
      },
      noSpecs,
    );
  }

  setNativeId(ledgerId: number, nativeId: string): Promise<void> {
    return this.#writer.write(
      'relaxed',
      (transaction) => {
        transaction.touch();
        setLedgerNativeId(transaction.session, ledgerId, nativeId);
      },
      noSpecs,
    );
  }

  ledger(of?: ComponentKey): Promise<readonly LedgerRecord[]> {
    return this.#read((session) => readLedger(session, of));
  }

  forget(ledgerIds: readonly number[]): Promise<void> {
    return this.#writer.write(
      'relaxed',
      (transaction) => {
        transaction.touch();
        deleteFromLedger(transaction.session, ledgerIds);
      },
      noSpecs,
    );
  }

  volumesToRemove(): Promise<readonly VolumeKey[]> {
    return this.#read(readVolumesToRemove);
  }

  volumeRemoved(service: string, volume: string, events: readonly NewEvent[], context: ChangeContext): Promise<void> {
    return this.#writer.write('relaxed', (transaction) => {
      transaction.touch();
      transaction.session.run(
        sql.deleteFrom('volumes_to_remove').where('service', '=', service).where('volume', '=', volume),
      );
      replaceVolumeHolders(transaction.session, { service, volume }, []);
      insertEvents(transaction, events, context);
    });
  }

  volumeHolders(): Promise<readonly VolumeHolder[]> {
    return this.#read(readVolumeHolders);
  }

  setVolumeHolders(volume: VolumeKey, holders: readonly Omit<VolumeHolder, 'service' | 'volume'>[]): Promise<void> {
    return this.#writer.write('durable', (transaction) => {
      transaction.touch();
      replaceVolumeHolders(transaction.session, volume, holders);
    });
  }

  addUsage(buckets: readonly ComponentBucket[]): Promise<void> {
    return addUsage(this.#writer, this.#clock, buckets);
  }

  usage(key: ComponentKey): Promise<readonly UsageBucket[]> {
    return this.#read((session) => readUsage(session, key, this.#clock.now()));
  }

  compact(): Promise<void> {
    return compactRegistry(this.#writer, this.#clock, this.#retention, this.#running.take());
  }

  /** See `imageOf`. */
  image(): Uint8Array {
    return this.#reader.handle.serialize();
  }

  /** See `editBySql`. */
  editBySql(text: string, foreignKeys: boolean): void {
    const { handle } = this.#writerSession;
    if (handle.memory && handle.inTransaction) throw storageError('SQLITE_BUSY');
    const client = handle.memory ? handle : new Database(this.path, { fileMustExist: true });
    try {
      // SQLite's clock is the host's; a simulation has its own. Nothing else of the context is filled.
      client.prepare('update context set at = ?').run(this.#clock.now());
      runAsStranger(client, text, foreignKeys);
    } finally {
      client.prepare('update context set at = null').run();
      if (client !== handle) client.close();
      this.#watcher.committed(true);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.idle();
    this.#watcher.close();
    this.#reader.close();
    this.#writerSession.close();
  }

  #read<T>(read: (session: Session) => T): Promise<T> {
    return untilFree(this.#retry, () => read(this.#reader));
  }

  /** Throws the first rule that what was just written breaks; the transaction is undone by that. */
  #refuseProblems(session: Session, touched: Touched): void {
    this.#cache.sync(session);
    const written = touched.components.flatMap((key) => this.#cache.rules.involving(key));
    const orphaned = [...touched.services].flatMap((service) => this.#cache.rules.ofService(service));
    const problems = [...written, ...orphaned.filter((problem) => problem.rule === 'dependency-missing')];
    const [first] = problems;
    if (first === undefined) return;
    throw new BerthError(first.code, first.message, { suggestion: first.suggestion, details: { problems } });
  }
}
