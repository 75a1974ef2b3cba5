/** Status and the events that explain it. */
import type { ComponentKey } from '../core/names.js';
import type { ChangeContext, StatusUpdate } from '../core/ports/registry.js';
import { insertEvents } from './event-rows.js';
import type { Session } from './session.js';
import { statusColumns, statusValues } from './status-columns.js';
import type { Transaction } from './writer.js';

const upsertText = `insert into status (service, component, ${statusColumns.join(', ')})
  values (?, ?${', ?'.repeat(statusColumns.length)})
  on conflict (service, component) do update set
  ${statusColumns.map((column) => `${column} = excluded.${column}`).join(', ')}`;

/** SQLite compares, so that no row of all these columns is made. When it was last changed is no difference of its own. */
const sameText = `select 1 from status where service = ? and component = ?
  ${statusColumns.map((column) => (column === 'updated_at' ? 'and ? is not null' : `and ${column} is ?`)).join(' ')}`;

function generationOf(session: Session, key: ComponentKey): number | undefined {
  const row = session
    .prepare('select generation from components where service = ? and name = ?')
    .get(key.service, key.component) as { generation: number } | undefined;
  return row?.generation;
}

/** False when the component is gone, or its spec is newer than what was decided upon. */
function isDue(session: Session, update: StatusUpdate): boolean {
  const generation = generationOf(session, update.key);
  return generation !== undefined && generation <= update.generation;
}

function isNewStatus(session: Session, { key, status }: StatusUpdate): boolean {
  if (status === undefined) return false;
  return session.prepare(sameText).get(key.service, key.component, ...statusValues(status)) === undefined;
}

/** True when at least one update would write something. */
export function anyNews(session: Session, updates: readonly StatusUpdate[]): boolean {
  return updates.some((update) => isDue(session, update) && (update.events.length > 0 || isNewStatus(session, update)));
}

/** Writes what is news, each status before its events. */
export function writeStatus(transaction: Transaction, updates: readonly StatusUpdate[], context: ChangeContext): void {
  const { session } = transaction;
  for (const update of updates) {
    if (!isDue(session, update)) continue;
    const status = isNewStatus(session, update) ? update.status : undefined;
    if (status === undefined && update.events.length === 0) continue;
    if (!transaction.dirty) transaction.attribute(context);
    if (status !== undefined) {
      session.prepare(upsertText).run(update.key.service, update.key.component, ...statusValues(status));
    }
    insertEvents(session, update.events);
  }
}
