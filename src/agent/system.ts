/** The real world: time, chance, files, processes. Everything that acts gets it from here. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { BerthError, messageOf } from '../core/errors.js';
import type { Chance, Clock } from '../core/ports/clock.js';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => {
    // Node fires at once what is longer than 2^31 - 1 ms; nobody here means to wait for weeks.
    const timer = setTimeout(run, Math.min(delayMs, 2_147_483_647));
    return () => {
      clearTimeout(timer);
    };
  },
};

export const systemChance: Chance = { random: () => Math.random(), id: () => randomUUID() };

/**
 * The folder of the home: what was asked for, else `BERTH_HOME`, else `/var/lib/berth` for root and the
 * XDG state folder for everybody else.
 */
export function homeFolder(
  asked: string | null,
  env: Readonly<Record<string, string | undefined>>,
  isRoot: boolean,
): string {
  const named = asked ?? env['BERTH_HOME'];
  if (named) return resolve(named);
  if (isRoot) return '/var/lib/berth';
  const state = env['XDG_STATE_HOME'];
  return state ? join(state, 'berth') : join(homedir(), '.local', 'state', 'berth');
}

/** The registry file of a home. */
export function registryPath(home: string): string {
  return join(home, 'registry.db');
}

/** The file of a home's tokens for the HTTP API. */
export function tokensPath(home: string): string {
  return join(home, 'tokens.json');
}

/** A text file that the user named. E_USAGE when it cannot be read. */
export async function readUserFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new BerthError('E_USAGE', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
