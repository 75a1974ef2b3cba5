/** Opens a registry: makes it, migrates it or refuses it. */
import { realpathSync } from 'node:fs';
import { BerthError } from '../core/errors.js';
import type { Chance, Clock } from '../core/ports/clock.js';
import type { Registry } from '../core/ports/registry.js';
import { fileSize, makePrivateFile } from './files.js';
import { migrateRegistry, type MigrationResult } from './migrate.js';
import {
  applicationId,
  migrationsFolder,
  readMigrations,
  readVersion,
  runMigration,
  type Migration,
} from './migrations.js';
import { retention, type Retention } from './retention.js';
import { untilFree } from './retry.js';
import { openMemory, openSession, Session, sql, type SessionOptions } from './session.js';
import { corruptError, registryError } from './sqlite-errors.js';
import { SqliteRegistry, type SqliteRegistryParts } from './sqlite-registry.js';
import type { ConnectionRole, StorageHooks } from './storage.js';
import { defaultPollMs } from './watcher.js';

export interface OpenOptions {
  /** The registry's file, usually `registry.db` in BERTH_HOME. */
  readonly path: string;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Make it when there is none. Default: false. */
  readonly create?: boolean;
  /** Prefix of workload names on the host, for a registry that is made. Default: none. */
  readonly namePrefix?: string;
  /** What to do with a registry of an older version. Default: `auto`, with a backup first. */
  readonly migrate?: 'auto' | 'refuse';
  /** Told of a migration that `auto` carried out. */
  readonly onMigrated?: (result: MigrationResult) => void;
  /** How long a call waits for a lock in all, in milliseconds. Default: 5,000. */
  readonly busyDeadlineMs?: number;
  /** Check every page on opening. Default: when the file is smaller than 8 MiB, where it takes no time. */
  readonly verify?: boolean;
  readonly retention?: Retention;
  /** How often the file is asked whether somebody else has committed, in milliseconds. Default: 20. */
  readonly pollMs?: number;
  /** Of other migrations; for tests. */
  readonly migrationsFolder?: string;
  /**
   * The whole registry lives in memory and is gone when it is closed; `path` is but its name in messages, `create`
   * is implied, and no timer polls it, for nobody else can commit. For simulations. Default: false.
   */
  readonly inMemory?: boolean;
  /** With `inMemory`: begin with what `imageOf` answered, which is much faster than making it. Default: a new one. */
  readonly image?: Uint8Array;
  /** Stands between the registry and SQLite; for simulations. Default: none. */
  readonly storage?: StorageHooks;
}

export const defaultBusyDeadlineMs = 5_000;
const alwaysVerifiedBytes = 8 * 1024 * 1024;

/**
 * Opens the registry. E_REGISTRY_MISSING, E_REGISTRY_NEWER, E_REGISTRY_OLDER (with `migrate: 'refuse'`),
 * E_REGISTRY_CORRUPT (nothing is overwritten), E_REGISTRY_IO, E_REGISTRY_BUSY, E_DISK_FULL.
 */
export async function openRegistry(options: OpenOptions): Promise<Registry> {
  const retry = {
    clock: options.clock,
    path: options.path,
    deadlineMs: options.busyDeadlineMs ?? defaultBusyDeadlineMs,
  };
  if (options.inMemory === true) return untilFree(retry, () => assembleInMemory(options));
  const migrations = migrationsOf(options);
  const look = (): Promise<number> => untilFree(retry, () => inspect(realPath(options.path), options));
  let version = fileSize(options.path) === 0 ? 0 : await look();
  if (version === 0) {
    await create(options, migrations);
    version = await look();
  }
  const path = realPath(options.path);
  const newest = migrations.length;
  if (version > newest) {
    throw new BerthError('E_REGISTRY_NEWER', `${path} has version ${version}; this Berth knows up to ${newest}`, {
      details: { path, version, newest },
    });
  }
  if (version < newest) await bringUp(options, path, version, newest);
  return untilFree(retry, () => assemble(options, path));
}

function migrationsOf(options: OpenOptions): readonly Migration[] {
  return readMigrations(options.migrationsFolder ?? migrationsFolder());
}

/** Symbolic links are followed once, so that all of Berth speaks of one file. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw registryError(error, path);
  }
}

async function create(options: OpenOptions, migrations: readonly Migration[]): Promise<void> {
  const { path } = options;
  if (options.create !== true) {
    throw new BerthError('E_REGISTRY_MISSING', `there is no registry at ${path}`, { details: { path } });
  }
  const retry = { clock: options.clock, path, deadlineMs: options.busyDeadlineMs ?? defaultBusyDeadlineMs };
  await untilFree(retry, () => {
    makePrivateFile(path);
    const session = openSession(path, using(options, 'writer'));
    try {
      session.pragma('journal_mode = WAL');
      session.configure('synchronous = FULL');
      session.execute('begin immediate');
      // Another process may have made it while this one waited for the lock.
      if (readVersion(session) === 0) fill(session, options, migrations);
      session.execute('commit');
    } finally {
      session.close();
    }
  });
}

function using(options: OpenOptions, connection: ConnectionRole): SessionOptions {
  return options.storage === undefined ? { connection } : { connection, storage: options.storage };
}

function fill(session: Session, options: OpenOptions, migrations: readonly Migration[]): void {
  for (const migration of migrations) runMigration(session, migration);
  session.run(
    sql.updateTable('meta').set({
      home_id: options.chance.id(),
      epoch: options.chance.id(),
      name_prefix: options.namePrefix ?? '',
    }),
  );
}

/** The version of an existing file, once it is known to be a registry and whole; 0: nobody finished making it. */
function inspect(path: string, options: OpenOptions): number {
  const session = openSession(path, using(options, 'reader'));
  try {
    const id = Number(session.pragma('application_id'));
    const version = readVersion(session);
    if (id === 0 && version === 0 && isEmpty(session)) return 0;
    if (id !== applicationId) throw corruptError(path, 'it is a SQLite file, but none of Berth');
    if (version < 1) throw corruptError(path, 'it has no version');
    if (options.verify ?? fileSize(path) < alwaysVerifiedBytes) {
      const found = String(session.pragma('quick_check(1)'));
      if (found !== 'ok') throw corruptError(path, found);
    }
    return version;
  } finally {
    session.close();
  }
}

/** Whoever makes a registry sets the journal's mode first, and may die of that. */
function isEmpty(session: Session): boolean {
  return session.prepare('select 1 from sqlite_master').get() === undefined;
}

async function bringUp(options: OpenOptions, path: string, version: number, newest: number): Promise<void> {
  if (options.migrate === 'refuse') {
    throw new BerthError('E_REGISTRY_OLDER', `${path} has version ${version}; this Berth needs ${newest}`, {
      details: { path, version, newest },
    });
  }
  const result = await migrateRegistry({ ...options, path });
  options.onMigrated?.(result);
}

function assemble(options: OpenOptions, path: string): SqliteRegistry {
  const sessions: Session[] = [];
  const open = (connection: ConnectionRole): Session => {
    const session = openSession(path, using(options, connection));
    sessions.push(session);
    return session;
  };
  try {
    const [writer, reader, watch] = [open('writer'), open('reader'), open('watch')];
    writer.pragma('journal_mode = WAL');
    reader.configure('query_only = ON');
    watch.configure('query_only = ON');
    return registryOf(options, path, { writer, reader, watch });
  } catch (error) {
    for (const session of sessions) session.close();
    throw error;
  }
}

/** One connection is writer and reader: what each asks is done before the other's turn. */
function assembleInMemory(options: OpenOptions): SqliteRegistry {
  const handle = openMemory(options.image);
  try {
    const writer = new Session(handle, using(options, 'writer'));
    if (options.image === undefined) {
      writer.execute('begin immediate');
      fill(writer, options, migrationsOf(options));
      writer.execute('commit');
    }
    const reader = new Session(handle, using(options, 'reader'));
    return registryOf(options, options.path, { writer, reader, watch: undefined });
  } catch (error) {
    handle.close();
    throw error;
  }
}

type Sessions = Pick<SqliteRegistryParts, 'writer' | 'reader' | 'watch'>;

function registryOf(options: OpenOptions, path: string, sessions: Sessions): SqliteRegistry {
  const meta = sessions.reader.get(sql.selectFrom('meta').select(['home_id', 'epoch', 'name_prefix']));
  if (meta === undefined) throw corruptError(path, 'its row of identity is missing');
  return new SqliteRegistry({
    path,
    homeId: meta.home_id,
    epoch: meta.epoch,
    namePrefix: meta.name_prefix,
    clock: options.clock,
    ...sessions,
    deadlineMs: options.busyDeadlineMs ?? defaultBusyDeadlineMs,
    retention: options.retention ?? retention,
    pollMs: options.pollMs ?? defaultPollMs,
  });
}
