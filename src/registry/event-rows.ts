/** Events: writing them, and asking for them. */
import { severities, type BerthEvent, type NewEvent } from '../core/event.js';
import type { ChangeContext, EventQuery } from '../core/ports/registry.js';
import type { Selectable } from 'kysely';
import type { EventTable } from './schema.js';
import { sql, type Session } from './session.js';
import type { Transaction } from './writer.js';

const defaultLimit = 1_000;

/** By its revision the trigger knows that nothing is left to be filled in. */
const insertText = `insert into events (revision, at, actor, service, component, severity, reason, message, data)
  values ((select revision + 1 from meta), ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Writes events; each raises the registry's revision. */
export function insertEvents(transaction: Transaction, events: readonly NewEvent[], { actor }: ChangeContext): void {
  if (events.length === 0) return;
  transaction.touch();
  const statement = transaction.session.prepare(insertText);
  for (const { service, component, severity, reason, message, data } of events) {
    const json = data === undefined ? null : JSON.stringify(data);
    statement.run(transaction.nowMs, actor, service, component, severity, reason, message, json);
  }
}

export function eventOfRow(row: Selectable<EventTable>): BerthEvent {
  return {
    revision: row.revision,
    atMs: row.at,
    actor: row.actor,
    service: row.service,
    component: row.component,
    severity: severities.find((severity) => severity === row.severity) ?? 'info',
    reason: row.reason,
    message: row.message,
    ...(row.data === null ? {} : { data: JSON.parse(row.data) as Readonly<Record<string, unknown>> }),
  };
}

/** The newest that match, in rising order. */
export function queryEvents(session: Session, query: EventQuery): readonly BerthEvent[] {
  let select = sql.selectFrom('events').selectAll();
  if (query.service !== undefined) select = select.where('service', '=', query.service);
  if (query.component !== undefined) select = select.where('component', '=', query.component);
  if (query.minSeverity !== undefined) {
    select = select.where('severity', 'in', severities.slice(severities.indexOf(query.minSeverity)));
  }
  if (query.sinceMs !== undefined) select = select.where('at', '>=', query.sinceMs);
  if (query.afterRevision !== undefined) select = select.where('revision', '>', query.afterRevision);
  if (query.beforeRevision !== undefined) select = select.where('revision', '<', query.beforeRevision);
  const rows = session.all(select.orderBy('revision', 'desc').limit(query.limit ?? defaultLimit));
  return rows.map(eventOfRow).reverse();
}
