/** What the driver needs of the machine: files and processes, passed in so that tests can own them. */
import { constants, watch } from 'node:fs';
import { access, mkdir, mkdtemp, open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { createTextReader } from './read-text.js';

/** How a command that ran to its end went. */
export interface RunResult {
  /** null: it was ended by a signal, by the deadline, or never started. */
  readonly exitCode: number | null;
  /** stdout and stderr interleaved; the end of it, at most `maxOutputBytes`. */
  readonly output: string;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that was started in a session of its own. */
export interface DetachedProcess {
  readonly pid: number;
  /** Resolves when it ends; never rejects. */
  readonly exited: Promise<void>;
}

/** What stands in a file from some offset on. */
export interface FilePart {
  readonly bytes: Uint8Array;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Changes when another file took its place. */
  readonly inode: number;
}

/** The machine as the driver sees it. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Number of this process. */
  readonly pid: number;
  /** Effective user id; 0 is root. */
  readonly uid: number;
  /** The file's text; undefined when it cannot be read. */
  readonly readText: (path: string) => Promise<string | undefined>;
  /** The file from a byte offset on, at most 1 MiB of it; undefined when it cannot be read. */
  readonly readFrom: (path: string, offset: number) => Promise<FilePart | undefined>;
  /** Calls back when something in a folder changes; answers what ends it, undefined when it cannot be watched. */
  readonly watchFolder: (path: string, onChange: () => void) => (() => void) | undefined;
  readonly exists: (path: string) => Promise<boolean>;
  /** Writes with mode 0600. */
  readonly writeText: (path: string, text: string) => Promise<void>;
  /** Makes the folder and its parents with mode 0700. */
  readonly makeFolder: (path: string) => Promise<void>;
  /** A fresh folder with mode 0700, whose path begins with `prefix`. */
  readonly makeTemporaryFolder: (prefix: string) => Promise<string>;
  /** Removes a file or folder; a missing one is fine. */
  readonly remove: (path: string) => Promise<void>;
  /** Full path of a program in PATH or the folders of system programs; undefined when there is none. */
  readonly findProgram: (name: string) => Promise<string | undefined>;
  /** Runs a command to its end. Never throws, never uses a shell. */
  readonly run: (argv: readonly string[], options: RunOptions) => Promise<RunResult>;
  /** Starts a command in a session of its own, its output appended to a log; it outlives this process. */
  readonly startDetached: (argv: readonly string[], logPath: string) => Promise<DetachedProcess>;
  /** Sends a signal; false when there is no such process or it is not ours to signal. */
  readonly kill: (pid: number, signal: NodeJS.Signals) => boolean;
}

const systemFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const maxOutputCharacters = 65_536;

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findProgram(name: string, path: string | undefined): Promise<string | undefined> {
  const folders = [...(path ?? '').split(delimiter).filter((folder) => folder !== ''), ...systemFolders];
  for (const folder of folders) {
    const candidate = join(folder, name);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

const maxPartBytes = 1024 * 1024;

async function readFrom(path: string, offset: number): Promise<FilePart | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const { size, ino: inode } = await file.stat();
    const length = Math.min(Math.max(size - offset, 0), maxPartBytes);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
    return { bytes: buffer.subarray(0, bytesRead), size, inode };
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

function watchFolder(path: string, onChange: () => void): (() => void) | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onChange);
    watcher.on('error', () => {
      watcher.close();
    });
    return () => {
      watcher.close();
    };
  } catch {
    return undefined;
  }
}

async function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const [file = '', ...args] = argv;
  const result = await execa(file, args, {
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: options.timeoutMs,
    forceKillAfterDelay: 2_000,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.env ? { env: options.env } : {}),
  });
  const output = typeof result.all === 'string' ? result.all : '';
  const words = output === '' && result.failed ? (result.originalMessage ?? '') : output;
  return {
    exitCode: result.exitCode ?? null,
    output: words.slice(-maxOutputCharacters),
    timedOut: result.timedOut,
    cancelled: result.isCanceled,
  };
}

async function startDetached(argv: readonly string[], logPath: string): Promise<DetachedProcess> {
  const log = await open(logPath, 'w', 0o600);
  const { pid, exited } = await spawnDetached(argv, log, {});
  return { pid, exited: exited.then(() => undefined) };
}

/**
 * Starts a command in a session of its own with its output in an open file, which is closed then. Throws when it cannot
 * be started; `exited` never rejects, and is null for an end by a signal.
 */
export async function spawnDetached(
  argv: readonly string[],
  log: FileHandle,
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly extendEnv?: boolean },
): Promise<{ readonly pid: number; readonly exited: Promise<number | null> }> {
  const [file = '', ...args] = argv;
  try {
    const child = execa(file, args, {
      ...options,
      detached: true,
      cleanup: false,
      reject: false,
      buffer: false,
      stdin: 'ignore',
      stdout: log.fd as 1,
      stderr: log.fd as 1,
    });
    child.unref();
    const exited = child.then(
      (result) => result.exitCode ?? null,
      () => null,
    );
    if (child.pid === undefined) {
      const { originalMessage } = await child;
      throw new Error(originalMessage ?? `${file} could not be started`);
    }
    return { pid: child.pid, exited };
  } finally {
    await log.close();
  }
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The real machine. */
export function createNodeHost(): Host {
  return {
    env: process.env,
    pid: process.pid,
    uid: process.geteuid?.() ?? 0,
    readText: createTextReader(),
    readFrom,
    watchFolder,
    exists: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    writeText: (path, text) => writeFile(path, text, { mode: 0o600 }),
    makeFolder: async (path) => {
      await mkdir(path, { recursive: true, mode: 0o700 });
    },
    makeTemporaryFolder: (prefix) => mkdtemp(prefix),
    remove: (path) => rm(path, { recursive: true, force: true }),
    findProgram: (name) => findProgram(name, process.env['PATH']),
    run,
    startDetached,
    kill,
  };
}
