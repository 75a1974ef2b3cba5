/** Which entries of a service's history a rollback takes back. Pure. */
import { canonicalJson } from './hash.js';
import type { ChangeLogEntry } from './ports/registry.js';

/** Columns of a row that tell when it changed, not what it says. */
const bookkeeping = new Set(['revision', 'generation', 'updated_at', 'created_at', 'id', 'workload']);
/** Fields of a component's row that no definition holds: no rollback puts them back. */
const notDefined = new Set(['desired', 'restart_token', 'image_refresh', 'source']);

/** A field that one entry of the history changed; null: there was none. */
export interface ChangedField {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The fields that an entry changed, but for those that only tell when. */
export function changedFields(entry: Pick<ChangeLogEntry, 'before' | 'after'>): readonly ChangedField[] {
  const { before, after } = entry;
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names].flatMap((field) => {
    if (bookkeeping.has(field)) return [];
    const [a, b] = [before?.[field] ?? null, after?.[field] ?? null];
    return canonicalJson(a) === canonicalJson(b) ? [] : [{ field, before: a, after: b }];
  });
}

/**
 * True when an entry changed what the service is defined as. A row that goes after it was marked as deleting is the
 * agent's carrying out of an earlier change, and none of its own.
 */
export function changesDefinition(entry: ChangeLogEntry): boolean {
  if (entry.op === 'delete') return (entry.before?.['deleting_at'] ?? null) === null;
  return entry.op === 'insert' || changedFields(entry).some(({ field }) => !notDefined.has(field));
}

/** True when both were made by one request, or at one instant by one author: they are taken back together. */
function belongTogether(one: ChangeLogEntry, other: ChangeLogEntry): boolean {
  if (one.request !== null || other.request !== null) return one.request === other.request;
  return one.actor === other.actor && one.atMs === other.atMs;
}

/**
 * Looks for the last change of a service's definition in its history, which it is given page by page, newest first.
 * `before`: the revision right before that change; null: not found, nothing before it was given.
 */
export class LastChange {
  #newest: ChangeLogEntry | undefined;
  #before: number | null = null;

  /** Takes the next entries; false when what follows cannot change the answer. */
  take(entries: readonly ChangeLogEntry[]): boolean {
    for (const entry of entries) {
      if (!changesDefinition(entry)) continue;
      this.#newest ??= entry;
      if (!belongTogether(this.#newest, entry)) return false;
      this.#before = entry.revision - 1;
    }
    return true;
  }

  get before(): number | null {
    return this.#before;
  }
}
