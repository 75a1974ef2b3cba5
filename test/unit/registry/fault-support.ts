/** One fault at the n-th operation of the storage, and everything that can be said of a registry afterwards. */
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import type { Registry } from '../../../src/core/ports/registry.js';
import {
  imageOf,
  openRegistry,
  storageError,
  type OpenOptions,
  type StorageHooks,
} from '../../../src/registry/index.js';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { createVirtualClock, type VirtualClock } from '../../../src/simulation/virtual-clock.js';

/** Thrown as the death of the process. */
export const death = { name: 'death' };

export interface Fault {
  readonly name: string;
  readonly when: 'before' | 'after';
  readonly make: () => unknown;
  /** What the caller is told, if anything. */
  readonly code: string;
}

const fault = (name: string, when: Fault['when'], code: string, make: () => unknown): Fault => ({
  name,
  when,
  code,
  make,
});

export const faults: readonly Fault[] = [
  fault('busy', 'before', 'E_REGISTRY_BUSY', () => storageError('SQLITE_BUSY')),
  fault('input or output fails', 'before', 'E_REGISTRY_IO', () => storageError('SQLITE_IOERR_WRITE')),
  fault('the disk is full, and all is undone', 'before', 'E_DISK_FULL', () =>
    storageError('SQLITE_FULL', undefined, { undoes: true }),
  ),
  fault('the process dies before', 'before', 'E_INTERNAL', () => death),
  fault('done, and the answer is lost', 'after', 'E_REGISTRY_IO', () => storageError('SQLITE_IOERR_FSYNC')),
  fault('done, and the process dies', 'after', 'E_INTERNAL', () => death),
];

/** Counts operations, and lets one of them fail. */
export class FaultyStorage implements StorageHooks {
  /** Operations since `arm`. */
  count = 0;
  /** Called right after each commit of the writer that was answered. */
  onCommit: () => void = () => undefined;
  #at = Infinity;
  #fault: Fault | undefined;

  /** Begins to count; `planned` happens at the operation of number `at`, from 1. */
  arm(at = Infinity, planned?: Fault): void {
    this.count = 0;
    this.#at = at;
    this.#fault = planned;
  }

  before(): void {
    this.count += 1;
    if (this.count === this.#at && this.#fault?.when === 'before') throw this.#fault.make();
  }

  after(operation: { readonly kind: string; readonly connection: string }): void {
    if (this.count === this.#at && this.#fault?.when === 'after') throw this.#fault.make();
    if (operation.kind === 'commit' && operation.connection === 'writer') this.onCommit();
  }
}

/** A clock on which waiting takes no time of the day, so that two runs leave the same rows. */
export function frozenClock(): VirtualClock {
  const clock = createVirtualClock();
  return Object.assign(Object.create(clock) as VirtualClock, {
    now: () => 1_700_000_000_000,
    monotonic: () => clock.monotonic(),
    after: (ms: number, run: () => void) => clock.after(ms, run),
    flush: () => clock.flush(),
    settle: <T>(promise: Promise<T>, ms?: number) => clock.settle(promise, ms),
  });
}

export interface Tried {
  readonly registry: Registry;
  readonly clock: VirtualClock;
  readonly storage: FaultyStorage;
}

export async function open(options: Partial<OpenOptions>): Promise<Tried> {
  const clock = frozenClock();
  const storage = new FaultyStorage();
  const chance = createSeededChance(1);
  const registry = await openRegistry({ path: 'memory', inMemory: true, ...options, clock, chance, storage });
  onTestFinished(() => registry.close());
  return { registry, clock, storage };
}

/** Looks at a registry by SQL, past its own connections. */
export function look<T>(registry: Registry, inMemory: boolean, view: (handle: Database.Database) => T): T {
  const handle = inMemory ? new Database(Buffer.from(imageOf(registry))) : new Database(registry.path);
  try {
    return view(handle);
  } finally {
    handle.close();
  }
}

/** Every row of every table. */
export function rowsOf(handle: Database.Database): string {
  const tables = handle.prepare("select name from sqlite_master where type = 'table' order by name").pluck().all();
  return (tables as readonly string[])
    .map((table) => {
      const rows = handle.prepare(`select * from ${table}`).raw().all();
      return [table, ...rows.map((row) => JSON.stringify(row))].join('\n');
    })
    .join('\n');
}

/** What is wrong with the file, its references, its context row or its log; empty: nothing. */
export function faultsOf(handle: Database.Database): readonly string[] {
  const found: string[] = [];
  const damage = String(handle.pragma('integrity_check', { simple: true }));
  if (damage !== 'ok') found.push(damage);
  if ((handle.pragma('foreign_key_check') as readonly unknown[]).length > 0) found.push('a reference leads nowhere');
  const mine = handle.prepare('select 1 from context where actor is not null or at is not null or purging <> 0').get();
  if (mine !== undefined) found.push('the context row is not empty');
  const hole = handle
    .prepare(
      `with recursive wanted (revision) as (
         select feed_floor + 1 from meta union all
         select wanted.revision + 1 from wanted, meta where wanted.revision < meta.revision
       )
       select wanted.revision from wanted, meta where wanted.revision <= meta.revision
         and wanted.revision not in (select revision from change_log union all select revision from events)`,
    )
    .pluck()
    .get();
  if (hole !== undefined) found.push(`the log has no revision ${JSON.stringify(hole)}`);
  return found;
}

/** How a promise ended: its error's code, or `done`. */
export async function outcomeOf(clock: VirtualClock, promise: Promise<unknown>): Promise<string> {
  const outcome = promise.then(
    () => 'done',
    (error: unknown) =>
      error instanceof Error && 'code' in error ? String(error.code) : `not Berth's: ${String(error)}`,
  );
  return clock.settle(outcome, 60_000);
}
