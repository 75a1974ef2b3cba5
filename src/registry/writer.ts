/** The one place where transactions that write begin and end. */
import type { ChangeContext } from '../core/ports/registry.js';
import type { Clock } from '../core/ports/clock.js';
import type { BerthError } from '../core/errors.js';
import { retryDelayMs, waitFor } from './retry.js';
import type { Session } from './session.js';
import { isSqliteError } from './storage.js';
import { busyError, isBusy, registryError } from './sqlite-errors.js';

/**
 * `durable`: on the disk when the promise resolves, so that a spec survives a power cut (synchronous =
 * FULL). `relaxed`: survives any crash of the process; a power cut may take the last ones, never tear
 * them (NORMAL). For what is observed or done again anyway: a disk's flush takes milliseconds.
 */
export type Durability = 'durable' | 'relaxed';

/** What one caller writes, within a transaction that has the write lock. */
export class Transaction {
  readonly session: Session;
  readonly nowMs: number;
  #dirty = false;
  #filled = false;

  constructor(session: Session, nowMs: number) {
    this.session = session;
    this.nowMs = nowMs;
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  /** The triggers log to somebody by name. */
  get attributed(): boolean {
    return this.#filled;
  }

  /** To be called before the first write that raises no revision. */
  touch(): void {
    this.#dirty = true;
  }

  /** To be called before the first write that the triggers log: says who changes what, and why. */
  attribute(context: ChangeContext, purging = false): void {
    this.#dirty = true;
    this.#filled = true;
    this.session
      .prepare('update context set actor = ?, request = ?, message = ?, at = ?, purging = ?')
      .run(context.actor, context.request, context.message, this.nowMs, purging ? 1 : 0);
  }

  /** The revision as this transaction sees it. */
  revision(): number {
    return readRevision(this.session);
  }

  /** Empties the context row, so that the next client's changes are its own. */
  settle(): void {
    if (!this.#filled) return;
    this.session
      .prepare(
        `update context set actor = null, request = null, message = null, at = null, purging = 0,
         replacing = null, replacing_changes = null, replacing_at = null`,
      )
      .run();
  }
}

/** The registry's revision. */
export function readRevision(session: Session): number {
  return (session.prepare('select revision from meta').get() as { revision: number }).revision;
}

/** What is written beside the specs: statuses, events, the ledger. */
export interface WriteOptions {
  /** It may change a spec. Default: true. */
  readonly specs?: boolean;
}

export interface WriterOptions {
  readonly session: Session;
  readonly clock: Clock;
  readonly path: string;
  /** How long a write waits for somebody else's lock, in milliseconds. */
  readonly deadlineMs: number;
  /** Called right after a commit, in the same turn. False: it held no spec. */
  readonly onCommit: (holdsSpecs: boolean) => void;
  /** Called when something was undone. */
  readonly onRollback: () => void;
}

interface Job {
  readonly durability: Durability;
  readonly specs: boolean;
  readonly queuedAtMs: number;
  /** Does the work within the open transaction; answers whether it wrote anything. */
  readonly run: (transaction: Transaction) => void;
  /** Called when the transaction is committed. */
  readonly done: () => void;
  readonly fail: (error: BerthError) => void;
}

/** One flush of the disk serves all writes that wait for one; each is undone alone. */
const maxBatch = 256;
/** A batch ends after this long, so that the event loop turns. */
const batchMs = 8;

/** Lets the event loop turn; no time passes. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export class Writer {
  readonly #options: WriterOptions;
  #queue: Job[] = [];
  #draining: Promise<void> | undefined;
  #durability: Durability | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` in the order of calls, all or nothing. It must be synchronous. What it throws undoes it,
   * and it alone. One that was not marked by `touch` or `attribute` must write nothing.
   */
  write<T>(
    durability: Durability,
    work: (transaction: Transaction) => T,
    { specs = true }: WriteOptions = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: { readonly value: T } | undefined;
      this.#queue.push({
        durability,
        specs,
        queuedAtMs: this.#options.clock.monotonic(),
        run: (transaction) => {
          result = { value: work(transaction) };
        },
        done: () => {
          if (result !== undefined) resolve(result.value);
        },
        fail: reject,
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when all writes so far have ended. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // What is written in this turn joins the first batch.
    await Promise.resolve();
    for (let waited = 0; this.#queue.length > 0;) {
      try {
        this.#runBatch();
        waited = 0;
        // The event loop turns between two batches.
        if (this.#queue.length > 0) await nextTurn();
      } catch (error) {
        // Only `begin` says busy: nothing was done.
        this.#expire(error);
        await waitFor(this.#options.clock, retryDelayMs(waited));
        waited += 1;
      }
    }
    this.#draining = undefined;
  }

  /** Throws when somebody else has the lock; the queue is as it was. */
  #runBatch(): void {
    const { session } = this.#options;
    const jobs: Job[] = [];
    const holdsSpecs = (): boolean => jobs.some((job) => job.specs);
    if (!this.#begin()) return;
    let dirty = false;
    try {
      dirty = this.#fillBatch(jobs);
      session.prepare(dirty ? 'commit' : 'rollback').run();
    } catch (error) {
      // Of a commit whose answer was lost nobody knows: whoever looks again sees.
      const isUncertain = dirty && !session.inTransaction;
      this.#abandon(jobs, this.#rollBack(error));
      if (isUncertain) this.#options.onCommit(holdsSpecs());
      return;
    }
    if (dirty) this.#options.onCommit(holdsSpecs());
    for (const job of jobs) job.done();
  }

  /** Throws when somebody else has the lock; false: nobody's turn will come. */
  #begin(): boolean {
    try {
      this.#setDurability(this.#queue.some((job) => job.durability === 'durable') ? 'durable' : 'relaxed');
      this.#options.session.prepare('begin immediate').run();
      return true;
    } catch (error) {
      const known = this.#rollBack(error);
      if (isBusy(known)) throw known;
      this.#abandon(this.#queue.splice(0), known);
      return false;
    }
  }

  /** Runs what is queued, and puts into `jobs` what did not fail alone. Answers whether there is something to commit. */
  #fillBatch(jobs: Job[]): boolean {
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    let dirty = false;
    do {
      const job = this.#queue.shift();
      if (job === undefined) break;
      const outcome = this.#runJob(job);
      dirty ||= outcome === 'wrote';
      if (outcome !== 'failed') jobs.push(job);
    } while (jobs.length < maxBatch && clock.monotonic() - startMs < batchMs);
    return dirty;
  }

  /** Throws when the whole transaction is lost. */
  #runJob(job: Job): 'wrote' | 'read' | 'failed' {
    const { session, clock } = this.#options;
    const transaction = new Transaction(session, clock.now());
    try {
      session.prepare('savepoint job').run();
      job.run(transaction);
      transaction.settle();
      session.prepare('release job').run();
      return transaction.dirty ? 'wrote' : 'read';
    } catch (error) {
      this.#options.onRollback();
      job.fail(registryError(error, this.#options.path));
      // A full disk or a damaged page makes SQLite undo everything at once.
      if (!session.inTransaction) throw error;
      this.#undoJob(error);
      return 'failed';
    }
  }

  /** Throws when only the whole transaction can be undone: why it failed first, unless the process dies of the second. */
  #undoJob(cause: unknown): void {
    const { session } = this.#options;
    try {
      session.prepare('rollback to job').run();
      session.prepare('release job').run();
    } catch (error) {
      throw isSqliteError(error) ? cause : error;
    }
  }

  /** Refuses `jobs`, whose transaction is lost; with the process, also what waits. */
  #abandon(jobs: readonly Job[], error: unknown): void {
    this.#options.onRollback();
    const lost = isSqliteError(error) ? jobs : [...jobs, ...this.#queue.splice(0)];
    for (const job of lost) job.fail(registryError(error, this.#options.path));
  }

  /** Ends what is open after `cause`; answers that, or what the process died of meanwhile. */
  #rollBack(cause: unknown): unknown {
    const { session } = this.#options;
    try {
      if (session.inTransaction) session.prepare('rollback').run();
      return cause;
    } catch (error) {
      return isSqliteError(error) ? cause : error;
    }
  }

  #expire(error: unknown): void {
    const { clock, path, deadlineMs } = this.#options;
    const nowMs = clock.monotonic();
    const late = this.#queue.filter((job) => nowMs - job.queuedAtMs >= deadlineMs);
    this.#queue = this.#queue.filter((job) => nowMs - job.queuedAtMs < deadlineMs);
    for (const job of late) job.fail(busyError(path, nowMs - job.queuedAtMs, error));
  }

  #setDurability(durability: Durability): void {
    const { session } = this.#options;
    if (this.#durability === durability || session.handle.memory) return;
    session.configure(`synchronous = ${durability === 'durable' ? 'FULL' : 'NORMAL'}`);
    this.#durability = durability;
  }
}
