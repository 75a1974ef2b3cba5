/** Where the settings of a home come from. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError, messageOf } from '../core/errors.js';
import { readSettings, type Settings } from './settings.js';

export interface SettingsQuery {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--config`; null: `berth.toml` in the home, if it is there. */
  readonly config: string | null;
  /** `--set KEY=VALUE`. */
  readonly set: readonly string[];
  /** `--watch FOLDER`; null: none. */
  readonly watch: string | null;
}

/** Reads file, environment and flags. E_SETTINGS. */
export function loadSettings(query: SettingsQuery): Settings {
  const filePath = query.config ?? join(query.home, 'berth.toml');
  const flags: Record<string, unknown> = {};
  for (const item of query.set) {
    const equals = item.indexOf('=');
    if (equals < 1) throw new BerthError('E_SETTINGS', `--set ${item} is not KEY=VALUE`);
    flags[item.slice(0, equals)] = item.slice(equals + 1);
  }
  if (query.watch !== null) flags['definitions'] = query.watch;
  return readSettings({ fileText: readText(filePath, query.config !== null), filePath, env: query.env, flags });
}

function readText(path: string, required: boolean): string | null {
  if (!required && !existsSync(path)) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BerthError('E_SETTINGS', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
