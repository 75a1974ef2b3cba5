/** The registry's files: private to their owner, and never half there. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { sqliteCode } from './sqlite-errors.js';

/** SQLite keeps these beside a database in WAL mode. */
const companions = ['-wal', '-shm'] as const;

/** Makes the folder (0700) and an empty file (0600), unless they exist. */
export function makePrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (sqliteCode(error) !== 'EEXIST') throw error;
  }
}

/** Size in bytes; 0: there is none, or it is empty. */
export function fileSize(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** Moves a database with what SQLite keeps beside it. */
export function moveDatabase(from: string, to: string): void {
  renameSync(from, to);
  for (const suffix of companions) if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
}

/** Removes a database that nobody uses, with what SQLite keeps beside it. */
export function removeDatabase(path: string): void {
  for (const suffix of ['', '-journal', ...companions]) rmSync(path + suffix, { force: true });
}

/** Forces a file or folder to the disk, so that a rename survives a power cut. */
export function syncToDisk(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** `2026-01-31T12-00-00-000Z`: sorts by time and suits file names. */
export function timeStamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
}
