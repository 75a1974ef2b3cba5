/** Events: writing them, and asking for them. */
import { severities, type BerthEvent, type NewEvent } from '../core/event.js';
import type { EventQuery } from '../core/ports/registry.js';
import type { Selectable } from 'kysely';
import type { EventTable } from './schema.js';
import { sql, type Session } from './session.js';

const defaultLimit = 1_000;

/** With the numbers that a trigger would give it otherwise, and write it twice for that. */
const insertText = `insert into events (revision, at, actor, service, component, severity, reason, message, data)
  select meta.revision + 1, context.at, context.actor, ?, ?, ?, ?, ?, ? from meta, context`;

/** Writes events; the caller has attributed the transaction: each gets its revision, time and actor from there. */
export function insertEvents(session: Session, events: readonly NewEvent[]): void {
  const statement = session.prepare(insertText);
  for (const event of events) {
    const data = event.data === undefined ? null : JSON.stringify(event.data);
    statement.run(event.service, event.component, event.severity, event.reason, event.message, data);
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
