/** SQLite's errors in Berth's words. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { BerthError, messageOf } from '../core/errors.js';

/** SQLite's extended code (`SQLITE_BUSY`, `SQLITE_CONSTRAINT_CHECK` …) or Node's (`ENOSPC`); empty for others. */
export function sqliteCode(error: unknown): string {
  if (error instanceof Database.SqliteError) return error.code;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return '';
}

/** Somebody else holds the lock: worth another try. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED');
}

/** True when the row itself was refused: a CHECK, a key, or a trigger's word. */
export function isConstraint(error: unknown): boolean {
  return sqliteCode(error).startsWith('SQLITE_CONSTRAINT');
}

/** E_REGISTRY_BUSY, for a lock that outlasted the deadline. */
export function busyError(path: string, waitedMs: number, cause: unknown): BerthError {
  return new BerthError(
    'E_REGISTRY_BUSY',
    `${path} has been locked by another program for ${Math.round(waitedMs / 100) / 10} s`,
    { cause, details: { path, waitedMs: Math.round(waitedMs) } },
  );
}

/** E_REGISTRY_CORRUPT, with what SQLite or a check found. */
export function corruptError(path: string, found: string, cause?: unknown): BerthError {
  return new BerthError('E_REGISTRY_CORRUPT', `${path} is damaged or no registry: ${found}`, {
    cause,
    details: { path, found },
  });
}

/** Whatever was thrown while the registry was used, as a BerthError; those pass as they are. */
export function registryError(error: unknown, path: string): BerthError {
  if (error instanceof BerthError) return error;
  const code = sqliteCode(error);
  const message = messageOf(error);
  if (isBusy(error)) return busyError(path, 0, error);
  const isFull = code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT';
  // SQLite tells of a file that cannot grow, its shared memory say, as of any failed input or output.
  if (isFull || (code.startsWith('SQLITE_IOERR') && isDiskFull(path))) {
    return new BerthError('E_DISK_FULL', `no room to write ${path}`, { cause: error, details: { path } });
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return corruptError(path, message, error);
  if (isConstraint(error)) {
    return new BerthError('E_DEFINITION', `the registry refused the row: ${message}`, { cause: error });
  }
  if (/^SQLITE_(IOERR|CANTOPEN|READONLY|PERM|AUTH|NOLFS)/.test(code) || /^E[A-Z]+$/.test(code)) {
    return new BerthError('E_REGISTRY_IO', `${path}: ${message}`, { cause: error, details: { path, code } });
  }
  return new BerthError('E_INTERNAL', `${path}: ${message}`, { cause: error, details: { path, code } });
}

/** Less room than one write of SQLite may want, in bytes. */
const littleRoomBytes = 65_536;

function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < littleRoomBytes;
  } catch {
    // The folder is gone or not ours to see: then the disk is not what is known to be wrong.
    return false;
  }
}
