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
import { openSession, sql, type Session } from './session.js';
import { corruptError, registryError } from './sqlite-errors.js';
import { SqliteRegistry } from './sqlite-registry.js';

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
  /** Of other migrations; for tests. */
  readonly migrationsFolder?: string;
}

export const defaultBusyDeadlineMs = 5_000;
const alwaysVerifiedBytes = 8 * 1024 * 1024;

/**
 * Opens the registry. E_REGISTRY_MISSING, E_REGISTRY_NEWER, E_REGISTRY_OLDER (with `migrate: 'refuse'`),
 * E_REGISTRY_CORRUPT (nothing is overwritten), E_REGISTRY_IO, E_REGISTRY_BUSY, E_DISK_FULL.
 */
export async function openRegistry(options: OpenOptions): Promise<Registry> {
  const migrations = readMigrations(options.migrationsFolder ?? migrationsFolder());
  const retry = {
    clock: options.clock,
    path: options.path,
    deadlineMs: options.busyDeadlineMs ?? defaultBusyDeadlineMs,
  };
  if (fileSize(options.path) === 0) await create(options, migrations);
  const path = realPath(options.path);
  const version = await untilFree(retry, () => inspect(path, options.verify));
  const newest = migrations.length;
  if (version > newest) {
    throw new BerthError('E_REGISTRY_NEWER', `${path} has version ${version}; this Berth knows up to ${newest}`, {
      details: { path, version, newest },
    });
  }
  if (version < newest) await bringUp(options, path, version, newest);
  return untilFree(retry, () => assemble(options, path, retry.deadlineMs));
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
    const session = openSession(path);
    try {
      session.handle.pragma('journal_mode = WAL');
      session.handle.pragma('synchronous = FULL');
      session.handle.exec('begin immediate');
      // Another process may have made it while this one waited for the lock.
      if (readVersion(session) === 0) fill(session, options, migrations);
      session.handle.exec('commit');
    } finally {
      session.close();
    }
  });
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

/** The version of an existing file, once it is known to be a registry and whole. */
export function inspect(path: string, verify?: boolean): number {
  const session = openSession(path, { readonly: false });
  try {
    const id = Number(session.handle.pragma('application_id', { simple: true }));
    const version = readVersion(session);
    if (id !== applicationId) throw corruptError(path, 'it is a SQLite file, but none of Berth');
    if (version < 1) throw corruptError(path, 'it has no version');
    if (verify ?? fileSize(path) < alwaysVerifiedBytes) {
      const found = String(session.handle.pragma('quick_check(1)', { simple: true }));
      if (found !== 'ok') throw corruptError(path, found);
    }
    return version;
  } finally {
    session.close();
  }
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

function assemble(options: OpenOptions, path: string, deadlineMs: number): SqliteRegistry {
  const sessions: Session[] = [];
  const open = (): Session => {
    const session = openSession(path);
    sessions.push(session);
    return session;
  };
  try {
    const [writer, reader, watch] = [open(), open(), open()];
    writer.handle.pragma('journal_mode = WAL');
    reader.handle.pragma('query_only = ON');
    watch.handle.pragma('query_only = ON');
    const meta = reader.get(sql.selectFrom('meta').select(['home_id', 'epoch', 'name_prefix']));
    if (meta === undefined) throw corruptError(path, 'its row of identity is missing');
    return new SqliteRegistry({
      path,
      homeId: meta.home_id,
      epoch: meta.epoch,
      namePrefix: meta.name_prefix,
      clock: options.clock,
      reader,
      writer,
      watch,
      deadlineMs,
      retention: options.retention ?? retention,
    });
  } catch (error) {
    for (const session of sessions) session.close();
    throw error;
  }
}
