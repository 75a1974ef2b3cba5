/** A machine made of texts: what the driver reads of files and processes, without any. */
import type { FilePart, Host } from '../../../src/runtimes/podman/index.js';

export interface FakeHost extends Host {
  readonly files: Map<string, string>;
  /** Pids and signals, in order. */
  readonly signals: (readonly [number, NodeJS.Signals])[];
  /** Calls whoever watches a folder. */
  touch(): void;
  /** Changes when a file is replaced. */
  inode: number;
  /** At most so many are read of a file at once. */
  partBytes: number;
}

export function createFakeHost(files: Readonly<Record<string, string>> = {}, uid = 0): FakeHost {
  const texts = new Map(Object.entries(files));
  const signals: (readonly [number, NodeJS.Signals])[] = [];
  const watchers = new Set<() => void>();
  const host: FakeHost = {
    files: texts,
    signals,
    inode: 1,
    partBytes: 1024 * 1024,
    touch: () => {
      for (const watcher of watchers) watcher();
    },
    env: {},
    pid: 1,
    uid,
    readText: async (path) => texts.get(path),
    readFrom: async (path, offset): Promise<FilePart | undefined> => {
      const text = texts.get(path);
      if (text === undefined) return undefined;
      const bytes = Buffer.from(text);
      return { bytes: bytes.subarray(offset, offset + host.partBytes), size: bytes.length, inode: host.inode };
    },
    watchFolder: (_path, onChange) => {
      watchers.add(onChange);
      return () => watchers.delete(onChange);
    },
    exists: async (path) => texts.has(path),
    writeText: async (path, text) => void texts.set(path, text),
    makeFolder: async () => undefined,
    makeTemporaryFolder: async (prefix) => `${prefix}abc123`,
    remove: async (path) => void texts.delete(path),
    findProgram: async (name) => (texts.has(`/usr/bin/${name}`) ? `/usr/bin/${name}` : undefined),
    run: async () => ({ exitCode: 0, output: '', timedOut: false, cancelled: false }),
    startDetached: async () => {
      throw new Error('no process can be started here');
    },
    kill: (pid, signal) => {
      signals.push([pid, signal]);
      return true;
    },
  };
  return host;
}
