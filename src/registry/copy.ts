/** Copies of a registry's file. */
import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFile, removeDatabase, syncToDisk } from './files.js';
import { openSession, type SessionOptions } from './session.js';

/**
 * Copies the registry as of now, whole and compact, to a file that must not exist (0600). The copy is on
 * the disk under its name only when it is complete. Throws SQLite's or the file system's own error.
 */
export function copyDatabase(path: string, target: string, using: SessionOptions = {}): void {
  const partial = `${target}.partial`;
  removeDatabase(partial);
  // SQLite fills an empty file, so that nobody else can read the copy while it grows.
  makePrivateFile(partial);
  const session = openSession(path, using);
  try {
    session.prepare('vacuum into ?').run(partial);
  } catch (error) {
    removeDatabase(partial);
    throw error;
  } finally {
    session.close();
  }
  syncToDisk(partial);
  renameSync(partial, target);
  syncToDisk(dirname(target));
}
