/** What `berth db` does: check, back up, restore. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BerthError, messageOf } from '../core/errors.js';
import type { Chance, Clock } from '../core/ports/clock.js';
import { formatKey } from '../core/names.js';
import { acquireAgentLock } from './agent-lock.js';
import { copyDatabase } from './copy.js';
import { noteCopy } from './last-copy.js';
import { moveDatabase, removeDatabase, syncToDisk, timeStamp } from './files.js';
import { applicationId, migrationsFolder, readMigrations, readVersion } from './migrations.js';
import { RecordCache } from './record-cache.js';
import { untilFree } from './retry.js';
import { openSession, sql, type Session } from './session.js';
import { corruptError, registryError } from './sqlite-errors.js';

const defaultDeadlineMs = 5_000;

export interface RegistryCheck {
  readonly path: string;
  /** Of the file; null when it cannot be read. */
  readonly version: number | null;
  readonly ok: boolean;
  /** `damage`: the file; `reference`: rows without those they refer to; `rule`: components that cannot run. */
  readonly problems: readonly { readonly kind: 'damage' | 'reference' | 'rule'; readonly message: string }[];
}

/** Looks at every page, reference and rule. Damage is in the answer; throws only when the file cannot be opened at all. */
export function checkRegistry(path: string): RegistryCheck {
  if (!existsSync(path)) throw new BerthError('E_REGISTRY_MISSING', `there is no registry at ${path}`);
  let session: Session | undefined;
  try {
    session = openSession(path);
    const version = readVersion(session);
    const problems = [...findDamage(session), ...findReferences(session)];
    const current = version === readMigrations(migrationsFolder()).length;
    if (problems.length === 0 && current) problems.push(...findBrokenRules(session));
    return { path, version, ok: problems.length === 0, problems };
  } catch (error) {
    const known = registryError(error, path);
    if (known.code !== 'E_REGISTRY_CORRUPT') throw known;
    return { path, version: null, ok: false, problems: [{ kind: 'damage', message: messageOf(error) }] };
  } finally {
    session?.close();
  }
}

type Problem = RegistryCheck['problems'][number];

function findDamage(session: Session): Problem[] {
  if (Number(session.handle.pragma('application_id', { simple: true })) !== applicationId) {
    return [{ kind: 'damage', message: 'it is a SQLite file, but none of Berth' }];
  }
  const rows = session.handle.pragma('integrity_check(100)') as readonly { integrity_check: string }[];
  return rows
    .map((row) => row.integrity_check)
    .filter((message) => message !== 'ok')
    .map((message) => ({ kind: 'damage', message }));
}

function findReferences(session: Session): Problem[] {
  const rows = session.handle.pragma('foreign_key_check') as readonly {
    table: string;
    rowid: number;
    parent: string;
  }[];
  return rows.map((row) => ({
    kind: 'reference',
    message: `row ${row.rowid} of ${row.table} refers to a row of ${row.parent} that is not there`,
  }));
}

function findBrokenRules(session: Session): Problem[] {
  const cache = new RecordCache();
  cache.sync(session);
  return cache
    .list()
    .filter((record) => record.invalid !== null)
    .map((record) => ({ kind: 'rule', message: `${formatKey(record.key)}: ${record.invalid ?? ''}` }));
}

export interface BackupOptions {
  readonly path: string;
  /** Must not exist. Default: beside the registry, with its version and the time. */
  readonly target?: string;
  readonly clock: Clock;
  readonly busyDeadlineMs?: number;
}

/** Copies the registry while it is in use. Answers the copy's path. */
export async function backupRegistry(options: BackupOptions): Promise<string> {
  const { path, clock } = options;
  const { version, revision } = verifyRegistry(path);
  const target = resolve(options.target ?? `${path}.backup-v${version}-${timeStamp(clock.now())}`);
  if (existsSync(target)) {
    throw new BerthError('E_USAGE', `${target} exists already`, { suggestion: 'name a file that does not exist' });
  }
  const retry = { clock, path, deadlineMs: options.busyDeadlineMs ?? defaultDeadlineMs };
  await untilFree(retry, () => {
    copyDatabase(path, target);
  });
  noteCopy(path, { atMs: clock.now(), path: target, revision });
  return target;
}

/** The version of a file that is a whole registry. E_REGISTRY_MISSING, E_REGISTRY_CORRUPT. */
function verifyRegistry(path: string): { readonly version: number; readonly revision: number } {
  if (!existsSync(path)) throw new BerthError('E_REGISTRY_MISSING', `there is no registry at ${path}`);
  let session: Session | undefined;
  try {
    session = openSession(path);
    const [damage] = findDamage(session);
    if (damage !== undefined) throw corruptError(path, damage.message);
    const row = session.get(sql.selectFrom('meta').select('revision'));
    if (row === undefined) throw corruptError(path, 'its row of identity is missing');
    return { version: readVersion(session), revision: row.revision };
  } catch (error) {
    throw registryError(error, path);
  } finally {
    session?.close();
  }
}

export interface RestoreOptions {
  readonly path: string;
  readonly backup: string;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Who restores, for an agent that would start meanwhile. */
  readonly host: string;
  readonly pid: number;
}

export interface RestoreResult {
  /** The new epoch: watches begin anew. */
  readonly epoch: string;
  /** Where the registry that was replaced is now; null when there was none. */
  readonly keptAside: string | null;
}

/**
 * Puts a backup in the registry's place. The backup is verified first, and the old file kept aside.
 * E_AGENT_RUNNING, E_REGISTRY_CORRUPT (of the backup), E_REGISTRY_NEWER, E_REGISTRY_IO, E_DISK_FULL.
 */
export function restoreRegistry(options: RestoreOptions): RestoreResult {
  const { path, backup, clock } = options;
  const { version, revision } = verifyRegistry(backup);
  const newest = readMigrations(migrationsFolder()).length;
  if (version > newest) {
    throw new BerthError('E_REGISTRY_NEWER', `${backup} has version ${version}; this Berth knows up to ${newest}`);
  }
  const release = acquireAgentLock(path, { pid: options.pid, host: options.host, startedAtMs: clock.now() });
  const incoming = `${path}.restoring`;
  try {
    removeDatabase(incoming);
    copyDatabase(backup, incoming);
    const epoch = options.chance.id();
    // No revision is given twice, so that what the lost history numbered is not mistaken for the new one's.
    begin(incoming, epoch, Math.max(revision, lastRevision(path)) + 1);
    const keptAside = existsSync(path) ? `${path}.replaced-${timeStamp(clock.now())}` : null;
    if (keptAside !== null) moveDatabase(path, keptAside);
    moveDatabase(incoming, path);
    syncToDisk(dirname(path));
    return { epoch, keptAside };
  } catch (error) {
    removeDatabase(incoming);
    throw registryError(error, path);
  } finally {
    release();
  }
}

function begin(path: string, epoch: string, revision: number): void {
  const session = openSession(path);
  try {
    session.handle.pragma('journal_mode = DELETE');
    session.handle.pragma('synchronous = FULL');
    session.run(sql.updateTable('meta').set({ epoch, revision, feed_floor: revision }));
    session.handle.pragma('journal_mode = WAL');
  } finally {
    session.close();
  }
}

/** Of the file that is about to be replaced; 0 when it cannot tell. */
function lastRevision(path: string): number {
  try {
    return existsSync(path) ? verifyRegistry(path).revision : 0;
  } catch {
    // A damaged registry is what a restore is for.
    return 0;
  }
}
