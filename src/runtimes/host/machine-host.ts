/** What the driver of virtual machines needs of the host beside `Host`: folders that it shares with QEMU, and bytes. */
import { constants, type Stats } from 'node:fs';
import { lchown, lstat, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { createNodeHost, spawnDetached, type Host } from './host.js';

/** How a file stands in its folder; links are not followed. */
export interface FileState {
  readonly kind: 'file' | 'directory' | 'socket' | 'symlink' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names that this file has. */
  readonly links: number;
  readonly bytes: number;
  readonly inode: number;
}

export interface FolderProcess {
  readonly pid: number;
  /** The exit code when it ends; null: by a signal. Never rejects. */
  readonly exited: Promise<number | null>;
}

export interface StartInFolder {
  /** Its working directory. */
  readonly folder: string;
  /** Emptied first; gets stdout and stderr. */
  readonly logPath: string;
  /** The whole environment: nothing of this process is passed on. */
  readonly env: Readonly<Record<string, string>>;
}

/** An open directory, by a path that is short however long its own is. */
export interface OpenFolder {
  readonly path: string;
  /** Never throws. */
  close(): Promise<void>;
}

export interface MachineHost extends Host {
  /** Starts a command in a session of its own; it outlives this process. Throws when it cannot be started. */
  readonly startInFolder: (argv: readonly string[], options: StartInFolder) => Promise<FolderProcess>;
  /** Puts a whole new file (mode 0600) in the place of `path`, or leaves what was there. Not durable: not synced. */
  readonly replaceText: (path: string, text: string, durability?: 'durable' | 'fast') => Promise<void>;
  /** Writes a new file (mode 0600); refuses when there is one. */
  readonly writeNew: (path: string, bytes: Uint8Array) => Promise<void>;
  /** undefined: there is none. */
  readonly fileState: (path: string) => Promise<FileState | undefined>;
  /** Of the name itself: links are not followed. */
  readonly setOwner: (path: string, uid: number, gid: number) => Promise<void>;
  /** Refuses to follow a symbolic link. */
  readonly setMode: (path: string, mode: number) => Promise<void>;
  /** Names in a folder; empty when it cannot be read. */
  readonly listFolder: (path: string) => Promise<readonly string[]>;
  /** At most `length` bytes from an offset on; undefined when it is no regular file that can be read. */
  readonly readBytes: (path: string, offset: number, length: number) => Promise<Buffer | undefined>;
  /**
   * Takes the first bytes of a file off the disk, whole blocks of them: they read as zeros then, and what follows keeps
   * its place, also for a process that appends meanwhile. Where that cannot be, the file is emptied.
   */
  readonly dropHead: (path: string, bytes: number) => Promise<void>;
  readonly openFolder: (path: string) => Promise<OpenFolder>;
}

function kindOf(stats: Stats): FileState['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSocket()) return 'socket';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

async function fileState(path: string): Promise<FileState | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) return undefined;
  const { uid, gid, nlink: links, size: bytes, ino: inode } = stats;
  return { kind: kindOf(stats), mode: stats.mode & 0o7777, uid, gid, links, bytes, inode };
}

/** Opens without following a link, and without waiting for the other end of a FIFO that somebody put there. */
async function withFile<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readBytes(path: string, offset: number, length: number): Promise<Buffer | undefined> {
  try {
    return await withFile(path, constants.O_RDONLY, async (file) => {
      const stats = await file.stat();
      if (!stats.isFile()) return undefined;
      const wanted = Math.min(length, Math.max(stats.size - offset, 0));
      const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, offset);
      return buffer.subarray(0, bytesRead);
    });
  } catch {
    return undefined;
  }
}

function openNew(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await openNew(path);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** Time for one hole, in milliseconds. */
const holeDeadlineMs = 30_000;

/** Node has no word for fallocate(2); the program of util-linux has. */
async function dropHead(host: Host, path: string, bytes: number): Promise<void> {
  const program = await host.findProgram('fallocate');
  const argv = ['--punch-hole', '--keep-size', '--offset', '0', '--length', String(bytes), path];
  const result = program ? await host.run([program, ...argv], { timeoutMs: holeDeadlineMs }) : undefined;
  if (result?.exitCode === 0) return;
  // A file system without holes: better no old lines than a full disk.
  await withFile(path, constants.O_WRONLY, (file) => file.truncate(0));
}

async function replaceText(path: string, text: string, durability: 'durable' | 'fast' = 'durable'): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { recursive: true, force: true });
  const file = await openNew(fresh);
  try {
    await file.writeFile(text);
    if (durability === 'durable') await file.datasync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}

async function startInFolder(argv: readonly string[], options: StartInFolder): Promise<FolderProcess> {
  await rm(options.logPath, { force: true });
  const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
  const log = await open(options.logPath, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600);
  return spawnDetached(argv, log, { cwd: options.folder, env: options.env, extendEnv: false });
}

async function openFolder(path: string): Promise<OpenFolder> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close().catch(() => undefined) };
}

/** The real machine. */
export function createMachineHost(host: Host = createNodeHost()): MachineHost {
  return {
    ...host,
    startInFolder,
    replaceText,
    writeNew,
    fileState,
    setOwner: lchown,
    setMode: (path, mode) => withFile(path, constants.O_RDONLY, (file) => file.chmod(mode)),
    listFolder: (path) => readdir(path).catch(() => []),
    readBytes,
    dropHead: (path, bytes) => dropHead(host, path, bytes),
    openFolder,
  };
}
