/** Files of secrets on this machine: read, replaced as a whole, readable by their owner alone. */
import { chmod, link, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the store of tokens needs of the file system. Missing files are answers, everything else is thrown. */
export interface TokenAccess {
  /** Something that changes when the content does (mtime, size, inode); null: there is no such file. */
  stamp(path: string): Promise<string | null>;
  /** null: there is no such file. */
  read(path: string): Promise<string | null>;
  /** Takes from others what rights they have. True: they had some. */
  makePrivate(path: string): Promise<boolean>;
  /** Makes the file, whole or not at all. False: there is one. */
  create(path: string, text: string, temporary: string): Promise<boolean>;
  /** Puts a new file in its place, whole or not at all. */
  replace(path: string, text: string, temporary: string): Promise<void>;
  /** Makes an empty file. False: there is one. */
  claim(path: string): Promise<boolean>;
  remove(path: string): Promise<void>;
}

/** Rights of everybody but the owner. */
const rightsOfOthers = 0o077;

/** The files of this machine. */
export const nodeTokenAccess: TokenAccess = {
  stamp: (path) =>
    orNull(async () => {
      const { mtimeMs, ctimeMs, size, ino } = await stat(path);
      return [mtimeMs, ctimeMs, size, ino].join(':');
    }),
  read: (path) => orNull(() => readFile(path, 'utf8')),
  makePrivate: async (path) => {
    const { mode } = await stat(path);
    if ((mode & rightsOfOthers) === 0) return false;
    await chmod(path, 0o600);
    return true;
  },
  create: async (path, text, temporary) => {
    try {
      await writeWhole(temporary, text);
      // A link, not a rename: it fails when somebody else was first.
      await link(temporary, path);
      await syncFolder(path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  },
  replace: async (path, text, temporary) => {
    try {
      await writeWhole(temporary, text);
      await rename(temporary, path);
      await syncFolder(path);
    } finally {
      await rm(temporary, { force: true });
    }
  },
  claim: async (path) => {
    try {
      await (await open(path, 'wx', 0o600)).close();
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  },
  remove: (path) => rm(path, { force: true }),
};

async function writeWhole(path: string, text: string): Promise<void> {
  // Names of temporary files are random: one that is there is not ours to write into.
  await using(await open(path, 'wx', 0o600), async (file) => {
    await file.writeFile(text);
    await file.sync();
  });
}

/** A rename survives a power cut once its folder is on the disk. */
async function syncFolder(path: string): Promise<void> {
  await using(await open(dirname(path), 'r'), (folder) => folder.sync());
}

async function using(file: FileHandle, run: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await run(file);
  } finally {
    await file.close();
  }
}

async function orNull<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
