/** Files that drivers keep: written so that a reader, or a restart, never sees half of one. */
import { constants } from 'node:fs';
import { chmod, chown, copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BerthError, messageOf } from '../../core/errors.js';

export interface FileFacts {
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly modifiedAtMs: number;
  readonly links: number;
  readonly mode: number;
  readonly isFolder: boolean;
}

/** Files and folders, passed in so that tests can own them. Failures are BerthErrors; a full disk is E_DISK_FULL. */
export interface Folders {
  /** Names in a folder; empty when there is none. */
  list(folder: string): Promise<readonly string[]>;
  /** undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  facts(path: string): Promise<FileFacts | undefined>;
  /** Puts a file in its place in one piece, on disk when this returns. Default mode 0600. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  make(folder: string, mode?: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Files or folders; missing is fine. */
  remove(path: string): Promise<void>;
  /** A second name for a file that nobody changes; a copy where it cannot be, or where others may not read it. */
  share(from: string, to: string): Promise<void>;
  /** A second name for the very same file. */
  link(from: string, to: string): Promise<void>;
  own(path: string, uid: number): Promise<void>;
  setMode(path: string, mode: number): Promise<void>;
}

/** An error of the file system in Berth's words. */
export function fileError(error: unknown, what: string): BerthError {
  if (error instanceof BerthError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new BerthError(full ? 'E_DISK_FULL' : 'E_DRIVER_FAILED', `${what}: ${messageOf(error)}`, { cause: error });
}

async function tell<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fileError(error, what);
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

async function orMissing<T>(what: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fileError(error, what);
  }
}

async function write(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const file = await open(fresh, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(fresh, { force: true });
    throw error;
  }
  await file.close();
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

async function syncFolder(folder: string): Promise<void> {
  const file = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

const othersMayRead = 0o004;

async function share(from: string, to: string): Promise<void> {
  const { mode } = await stat(from);
  try {
    if ((mode & othersMayRead) === 0) throw new Error('others may not read it');
    await link(from, to);
  } catch (error) {
    if (isMissing(error)) throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(to, 0o444);
  }
}

/** The file system of this machine. */
export function createFolders(): Folders {
  return {
    list: async (folder) => (await orMissing(`list ${folder}`, readdir(folder))) ?? [],
    read: (path) => orMissing(`read ${path}`, readFile(path, 'utf8')),
    facts: async (path) => {
      const found = await orMissing(`look at ${path}`, stat(path));
      if (!found) return undefined;
      const { size, mtimeMs, nlink, mode } = found;
      return { bytes: size, modifiedAtMs: mtimeMs, links: nlink, mode: mode & 0o7777, isFolder: found.isDirectory() };
    },
    write: (path, content, mode = 0o600) => tell(`write ${path}`, write(path, content, mode)),
    make: async (folder, mode = 0o700) => {
      await tell(`make ${folder}`, mkdir(folder, { recursive: true, mode }));
    },
    rename: async (from, to) => {
      await tell(`rename ${from}`, rename(from, to));
      await tell(`rename ${from}`, syncFolder(dirname(to)));
    },
    remove: (path) => tell(`remove ${path}`, rm(path, { recursive: true, force: true, maxRetries: 3 })),
    share: (from, to) => tell(`share ${from}`, share(from, to)),
    link: (from, to) => tell(`link ${from}`, link(from, to)),
    own: (path, uid) => tell(`give ${path} to user ${uid}`, chown(path, uid, uid)),
    setMode: (path, mode) => tell(`set the mode of ${path}`, chmod(path, mode)),
  };
}
