/** Status and the events that explain it. */
import type { ComponentKey } from '../core/names.js';
import type { ChangeContext, StatusUpdate } from '../core/ports/registry.js';
import { insertEvents } from './event-rows.js';
import type { Session } from './session.js';
import { sameStatus, statusColumns, statusValues, type StatusRow } from './status-columns.js';
import type { Transaction } from './writer.js';

const upsertText = `insert into status (service, component, ${statusColumns.join(', ')})
  values (?, ?${', ?'.repeat(statusColumns.length)})
  on conflict (service, component) do update set
  ${statusColumns.map((column) => `${column} = excluded.${column}`).join(', ')}`;

function generationOf(session: Session, key: ComponentKey): number | undefined {
  const row = session
    .prepare('select generation from components where service = ? and name = ?')
    .get(key.service, key.component) as { generation: number } | undefined;
  return row?.generation;
}

/** False when the component is gone, its spec is newer than what was decided upon, or nothing is new. */
function isNews(session: Session, update: StatusUpdate): boolean {
  const generation = generationOf(session, update.key);
  if (generation === undefined || generation > update.generation) return false;
  return update.events.length > 0 || isNewStatus(session, update);
}

function isNewStatus(session: Session, { key, status }: StatusUpdate): boolean {
  if (status === undefined) return false;
  const row = session
    .prepare('select * from status where service = ? and component = ?')
    .get(key.service, key.component) as StatusRow | undefined;
  return row === undefined || !sameStatus(row, statusValues(status));
}

/** True when at least one update would write something. */
export function anyNews(session: Session, updates: readonly StatusUpdate[]): boolean {
  return updates.some((update) => isNews(session, update));
}

/** Writes what is news, each status before its events. */
export function writeStatus(transaction: Transaction, updates: readonly StatusUpdate[], context: ChangeContext): void {
  const { session } = transaction;
  for (const update of updates) {
    if (!isNews(session, update)) continue;
    if (!transaction.dirty) transaction.attribute(context);
    if (update.status !== undefined && isNewStatus(session, update)) {
      session.prepare(upsertText).run(update.key.service, update.key.component, ...statusValues(update.status));
    }
    insertEvents(session, update.events);
  }
}
