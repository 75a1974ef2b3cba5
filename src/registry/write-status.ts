/** Status and the events that explain it. */
import type { ComponentKey } from '../core/names.js';
import type { ChangeContext, StatusUpdate } from '../core/ports/registry.js';
import { insertEvents } from './event-rows.js';
import type { RecordCache } from './record-cache.js';
import { statusColumns, statusValues, type StatusValues } from './status-columns.js';
import type { Transaction } from './writer.js';

/** By its revision the triggers know that the agent writes it: see migration 12. */
const nextRevision = '(select revision + 1 from meta)';

const updateText = `update status set ${statusColumns.map((column) => `${column} = ?`).join(', ')},
  revision = ${nextRevision} where service = ? and component = ?`;

const insertText = `insert into status (${statusColumns.join(', ')}, revision, service, component)
  values (${statusColumns.map(() => '?').join(', ')}, ${nextRevision}, ?, ?)`;

/** The one whose changes the triggers take for its own when nobody is named. */
const agent = 'agent';

function put({ session }: Transaction, { service, component }: ComponentKey, { values }: StatusValues): void {
  // Almost always there is a row, and an update costs less than finding out.
  const { changes } = session.prepare(updateText).run(...values, service, component);
  if (changes === 0) session.prepare(insertText).run(...values, service, component);
}

/**
 * Writes what is news, each status before its events, and takes it into `cache`, which a rollback resets. What concerns a
 * component that is gone, or a spec older than the present one, is left out. Answers the revision then.
 */
export function writeStatus(
  transaction: Transaction,
  updates: readonly StatusUpdate[],
  context: ChangeContext,
  cache: RecordCache,
): number {
  cache.sync(transaction.session);
  for (const update of updates) {
    const { key, status, events } = update;
    if (!cache.isDue(update)) continue;
    const written = status === undefined ? undefined : statusValues(status);
    const isNews = written !== undefined && cache.isNewStatus(key, written.stored);
    if (isNews) {
      if (context.actor === agent) transaction.touch();
      else if (!transaction.attributed) transaction.attribute(context);
      put(transaction, key, written);
    }
    insertEvents(transaction, events, context);
    cache.take(key, isNews ? written.stored : undefined, events.length);
  }
  return cache.revision;
}
