/** The ledger, driver freshness, sources and volumes to remove: bookkeeping that raises no revision. */
import type { Selectable } from 'kysely';
import type { ComponentKey } from '../core/names.js';
import type { HostObject } from '../core/observation.js';
import type { DriverFreshness, LedgerRecord, SourceRecord } from '../core/ports/registry.js';
import type { LedgerTable } from './schema.js';
import { fixed, sql, type Session } from './session.js';

const insertText = `insert into ledger (driver, kind, name, service, component, generation, native_id, intended_at)
  values (?, ?, ?, ?, ?, ?, null, ?)`;
const upsertFreshnessText = `insert into freshness (driver, last_good_at, error, since) values (?, ?, ?, ?)
  on conflict (driver) do update set last_good_at = excluded.last_good_at, error = excluded.error, since = excluded.since`;
const ledgerQuery = fixed(sql.selectFrom('ledger').selectAll().orderBy('id'));
const ledgerOfText = 'select * from ledger where service = ? and component = ? order by id';
const freshnessQuery = fixed(sql.selectFrom('freshness').selectAll().orderBy('driver'));
const sourcesQuery = fixed(sql.selectFrom('sources').selectAll().orderBy('service'));
const volumesQuery = fixed(
  sql.selectFrom('volumes_to_remove').select(['service', 'volume']).orderBy('service').orderBy('volume'),
);

export type Intent = HostObject & { readonly generation: number | null };

/**
 * Writes intents; the row of an object that has one already is kept. A workload that bears the name no longer, since
 * another is about to get it, is known by its native id from then on. Answers the ids in order.
 */
export function insertIntents(session: Session, intents: readonly Intent[], nowMs: number): readonly number[] {
  return intents.map((intent) => {
    const known = session
      .prepare('select id, native_id from ledger where driver = ? and kind = ? and name = ?')
      .get(intent.driver, intent.kind, intent.name) as { id: number; native_id: string | null } | undefined;
    if (known?.native_id === null) return known.id;
    if (known !== undefined) session.run(renamed(known.id, known.native_id));
    const { driver, kind, name, service, component, generation } = intent;
    const { lastInsertRowid } = session
      .prepare(insertText)
      .run(driver, kind, name, service, component, generation, nowMs);
    return Number(lastInsertRowid);
  });
}

/** Native ids are unique for a driver, so the row gets out of the way of whoever has the name now. */
function renamed(id: number, nativeId: string) {
  return sql.updateTable('ledger').set({ name: nativeId }).where('id', '=', id);
}

/** All rows, or those of one component, in the order of their making. */
export function readLedger(session: Session, of?: ComponentKey): readonly LedgerRecord[] {
  const rows = of
    ? (session.prepare(ledgerOfText).all(of.service, of.component) as readonly Selectable<LedgerTable>[])
    : session.all(ledgerQuery);
  return rows.map((row) => ({
    id: row.id,
    driver: row.driver,
    kind: row.kind as HostObject['kind'],
    name: row.name,
    service: row.service,
    component: row.component,
    generation: row.generation,
    nativeId: row.native_id,
    intendedAtMs: row.intended_at,
  }));
}

export function setLedgerNativeId(session: Session, id: number, nativeId: string): void {
  session.prepare('update ledger set native_id = ? where id = ?').run(nativeId, id);
}

export function deleteFromLedger(session: Session, ids: readonly number[]): void {
  for (const id of ids) session.prepare('delete from ledger where id = ?').run(id);
}

export function readFreshness(session: Session): readonly DriverFreshness[] {
  return session.all(freshnessQuery).map((row) => ({
    driver: row.driver,
    lastGoodAtMs: row.last_good_at,
    error: row.error,
    since: row.since,
  }));
}

export function writeFreshness(session: Session, rows: readonly DriverFreshness[]): void {
  const statement = session.prepare(upsertFreshnessText);
  for (const { driver, lastGoodAtMs, error, since } of rows) statement.run(driver, lastGoodAtMs, error, since);
}

export function readSources(session: Session): readonly SourceRecord[] {
  return session.all(sourcesQuery).map((row) => ({
    service: row.service,
    path: row.path,
    contentHash: row.content_hash,
    appliedRevision: row.applied_revision,
  }));
}

export function readVolumesToRemove(
  session: Session,
): readonly { readonly service: string; readonly volume: string }[] {
  return session.all(volumesQuery);
}
