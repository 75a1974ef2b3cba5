/** Env and secret files, as they are on this machine. */
import { messageOf } from '../core/errors.js';
import type { Clock } from '../core/ports/clock.js';
import type { EnvFileAccess } from '../core/ports/env-files.js';
import { Lane, NoAnswer } from './lane.js';
import { readPlainText, statPlain } from './plain-files.js';

export interface EnvFileAccessOptions {
  readonly clock: Clock;
  /** How long a file may take to answer, in milliseconds. Default: 5,000. */
  readonly deadlineMs?: number;
}

/** No program is given more: Linux keeps arguments and environment together in 2 MiB, or a quarter of its stack. */
const mostBytes = 1_048_576;
/** Two file systems may hang, and half of Node's threads is left. */
const width = 2;

/** Nothing here waits for long, whatever stands at a path. Each error says what is wrong, and what to do. */
export function createEnvFileAccess({ clock, deadlineMs = 5_000 }: EnvFileAccessOptions): EnvFileAccess {
  const lane = new Lane({ clock, deadlineMs, width });
  const look = async <T>(path: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await lane.look(path, run);
    } catch (error) {
      throw new Error(`${messageOf(error)}; ${remedyFor(error)}`, { cause: error });
    }
  };
  return {
    stamp: (path) =>
      look(path, async () => {
        const { mtimeMs, ctimeMs, size, ino } = await statPlain(path);
        return [mtimeMs, ctimeMs, size, ino].join(':');
      }),
    read: (path) => look(path, () => readPlainText(path, mostBytes)),
  };
}

function remedyFor(error: unknown): string {
  if (error instanceof NoAnswer) return 'see what is the matter with its file system';
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'make that file, or take it out of the definition';
    case 'EACCES':
    case 'EPERM':
      return 'let the user that the agent runs as read it';
    default:
      return 'put a plain file of KEY=value lines there, shorter than 1 MiB';
  }
}
