/** Brings a registry of an older Berth up to this one's version. */
import { BerthError } from '../core/errors.js';
import type { Clock } from '../core/ports/clock.js';
import { readAgentHolder } from './agent-lock.js';
import { copyDatabase } from './copy.js';
import { timeStamp } from './files.js';
import { commitMigration, migrationsFolder, readMigrations, readVersion } from './migrations.js';
import { untilFree } from './retry.js';
import { openSession, type SessionOptions } from './session.js';
import type { StorageHooks } from './storage.js';

export interface MigrateOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly busyDeadlineMs?: number;
  readonly migrationsFolder?: string;
  /** For simulations; see `OpenOptions`. */
  readonly storage?: StorageHooks;
}

export interface MigrationResult {
  readonly from: number;
  readonly to: number;
  /** The copy made before; null when nothing was to be done. */
  readonly backup: string | null;
  /** How to go back, in words; null likewise. */
  readonly wayBack: string | null;
}

const defaultDeadlineMs = 5_000;

/**
 * Backs the file up, then runs each missing migration in a transaction of its own. When one fails, the
 * registry stays at the version before it. E_REGISTRY_NEWER, E_AGENT_RUNNING (another process's), and as
 * `openRegistry`.
 */
export async function migrateRegistry(options: MigrateOptions): Promise<MigrationResult> {
  const { path, clock } = options;
  const using: SessionOptions = options.storage === undefined ? {} : { storage: options.storage };
  const migrations = readMigrations(options.migrationsFolder ?? migrationsFolder());
  const retry = { clock, path, deadlineMs: options.busyDeadlineMs ?? defaultDeadlineMs };
  const from = await untilFree(retry, () => versionOf(path, using));
  const newest = migrations.length;
  if (from > newest) {
    throw new BerthError('E_REGISTRY_NEWER', `${path} has version ${from}; this Berth knows up to ${newest}`);
  }
  if (from === newest) return { from, to: from, backup: null, wayBack: null };
  refuseWhileAgentRuns(path);
  const backup = `${path}.backup-v${from}-${timeStamp(clock.now())}`;
  await untilFree(retry, () => {
    copyDatabase(path, backup, using);
  });
  const session = await untilFree(retry, () => openSession(path, using));
  try {
    // A migration may rebuild a table that others refer to; what it leaves is checked by `berth db check`.
    session.configure('foreign_keys = OFF');
    session.configure('synchronous = FULL');
    for (const migration of migrations.slice(from)) {
      await untilFree(retry, () => {
        commitMigration(session, migration, path);
      });
    }
  } finally {
    session.close();
  }
  return { from, to: newest, backup, wayBack: `berth db restore ${backup}, with the Berth that you had before` };
}

function versionOf(path: string, using: SessionOptions): number {
  const session = openSession(path, using);
  try {
    return readVersion(session);
  } finally {
    session.close();
  }
}

function refuseWhileAgentRuns(path: string): void {
  const holder = readAgentHolder(path);
  if (!holder.running || holder.info?.pid === process.pid) return;
  throw new BerthError('E_AGENT_RUNNING', `an agent is using ${path}; it must end before the registry is migrated`, {
    suggestion: 'stop the agent, then run: berth db migrate',
    details: { holder: holder.info },
  });
}
