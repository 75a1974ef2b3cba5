/** The few things that definitions want of a file system, and how Node does them. */
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';

/** What stands at a path, symbolic links followed. */
export interface FileLook {
  readonly kind: 'file' | 'folder' | 'other';
  readonly bytes: number;
  /** Of the thing itself: another one in its place has another. */
  readonly identity: string;
  /** Changes whenever the content may have: device, inode, size and both times. */
  readonly stamp: string;
}

/** All calls reject with the system's error, but for a path that does not exist where it says so. */
export interface DefinitionFiles {
  /** undefined: there is nothing at the path, or a link that leads nowhere. */
  look(path: string): Promise<FileLook | undefined>;
  /** Names in a folder, in no order. */
  list(folder: string): Promise<readonly string[]>;
  /** At most `maxBytes` from the beginning of a regular file. Never waits for a writer. */
  read(path: string, maxBytes: number): Promise<Uint8Array>;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

async function look(path: string): Promise<FileLook | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
    // File systems give the inode of what was deleted to what is made next: the birth tells them apart.
    const identity = `${found.dev}.${found.ino}.${found.birthtimeNs}`;
    const stamp = `${identity}.${found.size}.${found.mtimeNs}.${found.ctimeNs}`;
    return { kind, bytes: Number(found.size), identity, stamp };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function read(path: string, maxBytes: number): Promise<Uint8Array> {
  // A pipe put in the file's place between look and open must not make us wait.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(Math.min(maxBytes, (await handle.stat()).size + 1));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** The file system of this machine. */
export function nodeFiles(): DefinitionFiles {
  return { look, list: (folder) => readdir(folder), read };
}
