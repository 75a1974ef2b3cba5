/** Status and the events that explain it. */
import type { ComponentKey } from '../core/names.js';
import type { ChangeContext, StatusUpdate } from '../core/ports/registry.js';
import type { ComponentStatus } from '../core/status.js';
import { insertEvents } from './event-rows.js';
import type { Session } from './session.js';
import { statusColumns, statusValues } from './status-columns.js';
import type { Transaction } from './writer.js';

/** SQLite compares, so that a status that says nothing new is no change. When it was last changed is no difference of its own. */
const upsertText = `insert into status (service, component, ${statusColumns.join(', ')}, revision)
  values (?, ?${', ?'.repeat(statusColumns.length)}, (select revision + 1 from meta))
  on conflict (service, component) do update set
  ${[...statusColumns, 'revision'].map((column) => `${column} = excluded.${column}`).join(', ')}
  where ${statusColumns
    .filter((column) => column !== 'updated_at')
    .map((column) => `${column} is not excluded.${column}`)
    .join(' or ')}`;

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

/** What a transaction wrote of statuses and their events; it counts once that is committed. */
export interface StatusesWritten {
  /** The registry's revision then. */
  readonly revision: number;
  /** By how much this raised it. */
  readonly raised: number;
  readonly statuses: readonly { readonly key: ComponentKey; readonly status: ComponentStatus }[];
}

/** Writes what is news, each status before its events. */
export function writeStatus(
  transaction: Transaction,
  updates: readonly StatusUpdate[],
  context: ChangeContext,
): StatusesWritten {
  const { session } = transaction;
  const statuses: { key: ComponentKey; status: ComponentStatus }[] = [];
  let raised = 0;
  for (const update of updates) {
    const { key, status, events } = update;
    if ((status === undefined && events.length === 0) || !isDue(session, update)) continue;
    if (!transaction.dirty) transaction.attribute(context);
    if (status) {
      const { values, stored } = statusValues(status);
      const { changes } = session.prepare(upsertText).run(key.service, key.component, ...values);
      if (changes > 0) statuses.push({ key, status: stored });
    }
    insertEvents(session, events);
    raised += events.length;
  }
  return { revision: transaction.revision(), raised: raised + statuses.length, statuses };
}
