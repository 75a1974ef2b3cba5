/** What this machine has of what runs out: rooms of file systems, memory, certificate files. */
import { stat, statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { Clock } from '../core/ports/clock.js';
import type { FileSystemSpace, NodeFacts, RegistryCopy } from '../core/ports/node-facts.js';
import { Lane } from './lane.js';
import { readPlainText } from './plain-files.js';

export interface NodeFactsOptions {
  readonly clock: Clock;
  readonly lastCopy: () => Promise<RegistryCopy | null>;
  /** How long a file system may take to answer, in milliseconds. Default: 1,000. */
  readonly deadlineMs?: number;
}

/** A file system that is gone, such as one of a server, may never answer: a look at it ends here by a deadline. */
export function createNodeFacts({ clock, lastCopy, deadlineMs = 1_000 }: NodeFactsOptions): NodeFacts {
  const lane = new Lane({ clock, deadlineMs });
  return {
    space: (path) => lane.look(path, () => spaceAt(path)),
    memory: () => ({ totalBytes: totalmem(), availableBytes: freemem() }),
    readText: (path, maxBytes) => lane.look(path, () => readQuietly(path, maxBytes)),
    lastCopy,
  };
}

async function spaceAt(path: string): Promise<FileSystemSpace | undefined> {
  try {
    // One after the other: a file system that hangs is to keep one thread, and not two.
    const { dev } = await stat(path);
    const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
    return {
      device: String(dev),
      totalBytes: (blocks - bfree + bavail) * bsize,
      freeBytes: bavail * bsize,
      inodes: files === 0 ? null : { total: files, free: ffree },
    };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function readQuietly(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    return await readPlainText(path, maxBytes);
  } catch {
    // Whoever mounts it will say what is wrong with it.
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
