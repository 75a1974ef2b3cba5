/** What a simulation does to a registry behind its back. */
import { BerthError } from '../core/errors.js';
import type { Registry } from '../core/ports/registry.js';
import { SqliteRegistry } from './sqlite-registry.js';

/**
 * Edits the registry as any SQLite client would, for simulations: no context, foreign keys off unless asked for,
 * no faults of `OpenOptions.storage`; each statement commits unless the text begins a transaction. Who watches is
 * told. The time in the log is the registry's clock's. `registry` is what `openRegistry` answered, nothing around
 * it. Throws what SQLite says; what was committed until then stays.
 */
export function editBySql(registry: Registry, text: string, options: { readonly foreignKeys?: boolean } = {}): void {
  ofSqlite(registry).editBySql(text, options.foreignKeys ?? false);
}

/** All that a registry holds, as a file's bytes; `OpenOptions.image` takes one of a registry in memory. */
export function imageOf(registry: Registry): Uint8Array {
  return ofSqlite(registry).image();
}

function ofSqlite(registry: Registry): SqliteRegistry {
  if (registry instanceof SqliteRegistry) return registry;
  throw new BerthError('E_INTERNAL', 'this registry is none of SQLite');
}
