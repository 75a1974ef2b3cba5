/** Removes rows for good, once what they stood for is gone from the host. */
import { workloadName, type ComponentKey } from '../core/names.js';
import type { ChangeContext } from '../core/ports/registry.js';
import { sql, type Session } from './session.js';
import { forgetUsage } from './usage.js';
import type { Transaction } from './writer.js';

/** False when the component is not there, or is wanted again. */
export function purgeComponentRows(transaction: Transaction, key: ComponentKey, context: ChangeContext): boolean {
  const { session } = transaction;
  const row = session.get(
    sql
      .selectFrom('components')
      .select('deleting_at')
      .where('service', '=', key.service)
      .where('name', '=', key.component),
  );
  if (row === undefined || row.deleting_at === null) return false;
  transaction.attribute(context, true);
  session.run(sql.deleteFrom('components').where('service', '=', key.service).where('name', '=', key.component));
  session.run(sql.deleteFrom('status').where('service', '=', key.service).where('component', '=', key.component));
  session.run(sql.deleteFrom('addresses').where('workload', '=', workloadName(key.service, key.component)));
  forgetUsage(session, key);
  removeEmptyService(session, key.service);
  return true;
}

/** Removes a service that is marked as deleting and has no component. */
export function purgeServiceRow(transaction: Transaction, name: string, context: ChangeContext): void {
  transaction.attribute(context, true);
  removeEmptyService(transaction.session, name);
}

function removeEmptyService(session: Session, name: string): void {
  const left = session.get(sql.selectFrom('components').select('name').where('service', '=', name).limit(1));
  if (left !== undefined) return;
  session.run(sql.deleteFrom('services').where('name', '=', name).where('deleting_at', 'is not', null));
}
