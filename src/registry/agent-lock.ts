/**
 * One agent a registry. The lock is SQLite's own on a small file beside the registry, so that the
 * operating system lets go of it when the process dies, however it dies.
 */
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { BerthError } from '../core/errors.js';
import { makePrivateFile } from './files.js';
import { busyError, isBusy, registryError } from './sqlite-errors.js';

/** Who holds the lock, as the holder itself wrote it. */
export interface AgentInfo {
  readonly pid: number;
  readonly host: string;
  readonly startedAtMs: number;
}

export interface AgentHolder {
  readonly running: boolean;
  /** null when none runs, or it has not said yet. */
  readonly info: AgentInfo | null;
}

/** Long enough for a passing look of `readAgentHolder`, on a host that has much to do as well. In milliseconds. */
const lookTimeoutMs = 2_000;

function lockPaths(registryPath: string): { readonly lock: string; readonly holder: string } {
  const real = existsSync(registryPath) ? realpathSync(registryPath) : registryPath;
  const base = join(dirname(real), `${basename(real)}.agent`);
  return { lock: `${base}.lock`, holder: `${base}.json` };
}

/**
 * Takes the lock and answers what releases it. E_AGENT_RUNNING names the one that holds it, at once. Whoever merely looks
 * is waited for, `patienceMs` at most, and blocks this process so long; E_REGISTRY_BUSY after that.
 */
export function acquireAgentLock(registryPath: string, info: AgentInfo, patienceMs = lookTimeoutMs): () => void {
  const paths = lockPaths(registryPath);
  let handle: Database.Database | undefined;
  try {
    makePrivateFile(paths.lock);
    handle = new Database(paths.lock, { timeout: 0 });
    // An agent lets nobody read; whoever looks does.
    look(handle);
    handle.pragma(`busy_timeout = ${patienceMs}`);
    handle.exec('begin exclusive');
    writeFileSync(paths.holder, JSON.stringify(info), { mode: 0o600 });
  } catch (error) {
    const isAgent = handle !== undefined && isBusy(error) && isHeld(handle);
    handle?.close();
    if (isAgent) throw runningError(registryPath, readInfo(paths.holder), error);
    throw isBusy(error) ? busyError(paths.lock, patienceMs, error) : registryError(error, paths.lock);
  }
  const held = handle;
  return () => {
    if (!held.open) return;
    rmSync(paths.holder, { force: true });
    held.close();
  };
}

/** Whether an agent serves the registry now. Looks without taking anything; works for every process. */
export function readAgentHolder(registryPath: string): AgentHolder {
  const paths = lockPaths(registryPath);
  if (!existsSync(paths.lock)) return { running: false, info: null };
  let handle: Database.Database | undefined;
  try {
    handle = new Database(paths.lock, { readonly: true, fileMustExist: true, timeout: 0 });
    look(handle);
    return { running: false, info: null };
  } catch (error) {
    if (isBusy(error)) return { running: true, info: readInfo(paths.holder) };
    throw registryError(error, paths.lock);
  } finally {
    handle?.close();
  }
}

/** Throws that it is busy while an agent holds the lock. */
function look(handle: Database.Database): void {
  handle.prepare('select count(*) from sqlite_schema').get();
}

function isHeld(handle: Database.Database): boolean {
  try {
    handle.pragma('busy_timeout = 0');
    look(handle);
    return false;
  } catch (error) {
    return isBusy(error);
  }
}

function readInfo(path: string): AgentInfo | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<AgentInfo>;
    const { pid, host, startedAtMs } = value;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof startedAtMs !== 'number') return null;
    return { pid, host, startedAtMs };
  } catch {
    // Not written yet, or half: the lock alone tells whether somebody runs.
    return null;
  }
}

function runningError(registryPath: string, info: AgentInfo | null, cause: unknown): BerthError {
  const who =
    info === null
      ? 'an agent'
      : `the agent with process id ${info.pid} on ${info.host}, since ${new Date(info.startedAtMs).toISOString()},`;
  return new BerthError('E_AGENT_RUNNING', `${who} serves ${registryPath}`, {
    cause,
    details: { path: registryPath, holder: info },
  });
}
