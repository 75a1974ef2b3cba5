/** Whether the registry's log tells the whole story. */
import { isDeepStrictEqual } from 'node:util';
import type { ChangeLogEntry, Registry } from '../core/ports/registry.js';

const feedChunk = 10_000;

type Row = ChangeLogEntry['after'];

/**
 * What is wrong with the log, in words: revisions rise, each change follows on the one before it, and the last one of
 * a component is what its row says.
 */
export async function historyFindings(registry: Registry): Promise<readonly string[]> {
  const entries = await readAll(registry);
  if (entries === 'gap') return ['the feed does not reach back to the beginning'];
  const findings: string[] = [];
  const rows = new Map<string, Row>();
  const generations = new Map<string, number>();
  let revision = 0;
  for (const entry of entries) {
    if (entry.revision <= revision) findings.push(`revision ${String(entry.revision)} comes after ${String(revision)}`);
    revision = entry.revision;
    if (entry.entity !== 'event') findings.push(...follow(rows, entry), ...staleStatus(generations, entry));
  }
  for (const { key, spec } of await registry.components()) {
    const row = rows.get(`component ${key.service}/${key.component}`);
    if (row?.['image'] === spec.image && isDeepStrictEqual(row['env'], spec.env)) continue;
    findings.push(`the history of ${key.service}/${key.component} does not end with its spec`);
  }
  return findings;
}

function follow(rows: Map<string, Row>, { entity, service, component, op, before, after, revision }: ChangeLogEntry) {
  const key = `${entity} ${service ?? ''}/${component ?? ''}`;
  const last = rows.get(key) ?? null;
  rows.set(key, after);
  const isNext = op === 'insert' || isDeepStrictEqual(before, last);
  return isNext ? [] : [`revision ${String(revision)} of ${key} does not follow on what was before`];
}

/** What an edit changes without another generation. */
const wishes: ReadonlySet<string> = new Set(['desired', 'restart_token', 'image_refresh', 'source', 'deleting_at']);

/** A status that speaks of an older spec than there was. One of `unknown` speaks of none. */
function staleStatus(
  generations: Map<string, number>,
  { entity, service, component, op, before, after, revision }: ChangeLogEntry,
): readonly string[] {
  const key = `${service ?? ''}/${component ?? ''}`;
  if (entity === 'component') {
    const isOther = (name: string): boolean => !wishes.has(name) && !isDeepStrictEqual(before?.[name], after?.[name]);
    if (op === 'delete') generations.delete(key);
    else if (op === 'insert' || Object.keys(after ?? {}).some(isOther)) generations.set(key, revision);
  }
  if (entity !== 'status' || after === null || after['phase'] === 'unknown') return [];
  const spoken = Number(after['observed_generation']);
  if (spoken >= (generations.get(key) ?? 0)) return [];
  return [`revision ${String(revision)}: the status of ${key} speaks of generation ${String(spoken)}, which was past`];
}

async function readAll(registry: Registry): Promise<readonly ChangeLogEntry[] | 'gap'> {
  const entries: ChangeLogEntry[] = [];
  for (let after = 0; ;) {
    const read = await registry.feed(after, feedChunk);
    if (read.kind === 'gap') return 'gap';
    entries.push(...read.entries);
    if (read.entries.length === 0 || read.revision === after) return entries;
    after = read.revision;
  }
}
