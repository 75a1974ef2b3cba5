/** Whether the change log is whole: no revision is missing, and each entry begins where the one before ended. */
import { isDeepStrictEqual } from 'node:util';
import type { BookedChange, Books, Row } from './books.js';

/** What is wrong with the history, one sentence each; empty: nothing. */
export function historyFindings(books: Books): readonly string[] {
  return [...holes(books), ...chainFaults(books.changes), ...lastEntryFaults(books)];
}

function holes({ changes, eventRevisions, feedFloor, revision }: Books): readonly string[] {
  const known = [...changes.map((change) => change.revision), ...eventRevisions];
  const seen = new Set(known);
  const found: string[] = known.length === seen.size ? [] : ['history: an event and a change bear one revision'];
  for (let number = feedFloor + 1; number <= revision; number += 1) {
    if (!seen.has(number)) found.push(`history: revision ${String(number)} of ${String(revision)} is missing`);
  }
  const above = known.filter((number) => number > revision);
  return [...found, ...above.map((number) => `history: revision ${String(number)} is above the registry's`)];
}

/** A status goes silently with its component. */
function chainFaults(changes: readonly BookedChange[]): readonly string[] {
  const last = new Map<string, string | null>();
  const found: string[] = [];
  for (const change of changes) {
    const key = keyOf(change);
    const before = last.get(key);
    if (before !== undefined && !sameJson(before, change.before))
      found.push(`history: revision ${String(change.revision)} (${key}) begins otherwise than the one before it ended`);
    if (before === undefined && change.op !== 'insert' && change.revision > 0 && isWhole(changes))
      found.push(`history: revision ${String(change.revision)} (${key}) changes what was never made`);
    last.set(key, change.after);
    if (change.entity === 'component' && change.op === 'delete') last.delete(statusKeyOf(change));
  }
  return found;
}

/** Nothing was compacted: the log begins with the first revision. */
function isWhole(changes: readonly BookedChange[]): boolean {
  return changes[0]?.revision === 1;
}

/** The newest entry of each component is what its row holds. */
function lastEntryFaults({ changes, componentRows }: Books): readonly string[] {
  const newest = new Map<string, BookedChange>();
  for (const change of changes) newest.set(keyOf(change), change);
  return componentRows.flatMap((row) => {
    const key = `component ${String(row['service'])}/${String(row['name'])}`;
    const after = JSON.parse(newest.get(key)?.after ?? 'null') as Record<string, unknown> | null;
    if (after === null) return [`history: nothing tells of ${key}`];
    return Object.entries(after)
      .filter(([field, value]) => !isDeepStrictEqual(value, valueOf(row, field)))
      .map(([field]) => `history: the newest entry of ${key} says something else of ${field} than its row`);
  });
}

function valueOf(row: Row, field: string): unknown {
  const value = row[field === 'update' ? 'update_policy' : field] ?? null;
  const isJson = typeof value === 'string' && /^[[{]/.test(value);
  return isJson ? JSON.parse(value) : value;
}

const keyOf = ({ entity, service, component }: BookedChange): string =>
  component === null ? `${entity} ${String(service)}` : `${entity} ${String(service)}/${component}`;

const statusKeyOf = (change: BookedChange): string => keyOf({ ...change, entity: 'status' });

function sameJson(a: string | null, b: string | null): boolean {
  return isDeepStrictEqual(JSON.parse(a ?? 'null'), JSON.parse(b ?? 'null'));
}
