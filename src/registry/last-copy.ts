/** When a registry was last copied by `berth db backup`: a note beside it, for the copy cannot tell of itself. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { messageOf } from '../core/errors.js';
import type { RegistryCopy } from '../core/ports/node-facts.js';
import { sqliteCode } from './sqlite-errors.js';

const noteOf = (registryPath: string): string => `${registryPath}.last-backup`;

/** Writes the note (0600). Never fails: the copy is there, whether it is noted or not. */
export function noteCopy(registryPath: string, { atMs, path, revision }: RegistryCopy): void {
  const note = noteOf(registryPath);
  const partial = `${note}.partial`;
  try {
    const text = JSON.stringify({ at: new Date(atMs).toISOString(), path, revision });
    writeFileSync(partial, `${text}\n`, { mode: 0o600 });
    renameSync(partial, note);
  } catch {
    // A full disk, or a folder of somebody else's: the older note stays, which claims less.
    rmSync(partial, { force: true });
  }
}

/** null: none was ever noted. Fails when there is a note that cannot be read. */
export function readLastCopy(registryPath: string): RegistryCopy | null {
  const note = noteOf(registryPath);
  try {
    const { at, path, revision } = JSON.parse(readFileSync(note, 'utf8')) as Readonly<Record<string, unknown>>;
    const atMs = typeof at === 'string' ? Date.parse(at) : Number.NaN;
    if (Number.isNaN(atMs) || typeof path !== 'string' || typeof revision !== 'number')
      throw new Error('it is no note');
    return { atMs, path, revision };
  } catch (error) {
    if (sqliteCode(error) === 'ENOENT') return null;
    throw new Error(`${note} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
