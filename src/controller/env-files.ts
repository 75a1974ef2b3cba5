/** Reads env and secret files: `KEY=value` lines, `#` comments, blank lines. Cached while a file stays as it is. */
import type { EnvFileView } from '../../reconcilers/component/index.js';
import { messageOf } from '../core/errors.js';
import type { EnvFileAccess } from '../core/ports/env-files.js';
import type { ComponentSpec } from '../core/spec.js';

interface Cached {
  readonly stamp: string;
  readonly view: EnvFileView;
}

const keyPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

export class EnvFiles {
  readonly #access: EnvFileAccess;
  readonly #cache = new Map<string, Cached>();

  constructor(access: EnvFileAccess) {
    this.#access = access;
  }

  /** Every file that one of the specs names, by path. */
  async read(specs: readonly ComponentSpec[]): Promise<ReadonlyMap<string, EnvFileView>> {
    const paths = new Set(specs.flatMap((spec) => [...spec.envFile, ...spec.secretFile]));
    const views = new Map<string, EnvFileView>();
    for (const path of paths) views.set(path, await this.#readOne(path));
    return views;
  }

  async #readOne(path: string): Promise<EnvFileView> {
    try {
      const stamp = await this.#access.stamp(path);
      const cached = this.#cache.get(path);
      if (cached?.stamp === stamp) return cached.view;
      const view = parseEnvFile(await this.#access.read(path));
      this.#cache.set(path, { stamp, view });
      return view;
    } catch (error) {
      this.#cache.delete(path);
      return { error: messageOf(error) };
    }
  }
}

/** Reads the text of an env file. A wrong line is named by its number alone: it may hold a secret. */
export function parseEnvFile(text: string): EnvFileView {
  const values: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const equals = trimmed.indexOf('=');
    const key = trimmed.slice(0, Math.max(0, equals)).trim();
    if (!keyPattern.test(key)) return { error: `line ${String(index + 1)} is not KEY=value` };
    // As in definitions: it is the one key that an object cannot safely hold.
    if (key === '__proto__') return { error: `line ${String(index + 1)}: ${key} is a name that Berth refuses` };
    values[key] = unquote(trimmed.slice(equals + 1).trim());
  }
  return { values };
}

function unquote(value: string): string {
  const quote = value[0];
  const quoted = value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote);
  return quoted ? value.slice(1, -1) : value;
}
