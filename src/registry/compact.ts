/**
 * Drops what is beyond its retention, some hundred rows at a time, each lot a transaction of its own, so
 * that no writer waits for long. Only the oldest entries go, in order: a clock that was wrong for a
 * while can delay that, and never cost history.
 */
import type { Clock } from '../core/ports/clock.js';
import type { Retention } from './retention.js';
import type { Session } from './session.js';
import type { Writer } from './writer.js';

const lotSize = 500;
const pauseMs = 5;

/** Runs all three kinds of compaction once. */
export async function compactRegistry(
  writer: Writer,
  clock: Clock,
  retention: Retention,
  nowMs: number,
): Promise<void> {
  const events = { table: 'events', where: '1', count: retention.eventCount, sinceMs: nowMs - retention.eventAgeMs };
  const watch = {
    table: 'change_log',
    where: "entity = 'status'",
    count: retention.watchCount,
    sinceMs: nowMs - retention.watchAgeMs,
  };
  for (const log of [events, watch]) await inLots(clock, () => writer.write('relaxed', (tx) => dropOldest(tx, log)));
  const history = { count: retention.historyCount, sinceMs: nowMs - retention.historyAgeMs };
  const services = await writer.write('relaxed', ({ session }) => servicesWithHistory(session));
  for (const service of services) {
    await inLots(clock, () => writer.write('relaxed', (tx) => dropHistory(tx, service, history)));
  }
}

/** What compaction needs of a transaction. */
interface Step {
  readonly session: Session;
  touch(): void;
}

interface Log {
  readonly table: string;
  readonly where: string;
  readonly count: number;
  readonly sinceMs: number;
}

/** Repeats until a lot is empty, leaving room for others in between. */
async function inLots(clock: Clock, dropLot: () => Promise<number>): Promise<void> {
  while ((await dropLot()) > 0) {
    await new Promise<void>((resolve) => {
      clock.after(pauseMs, resolve);
    });
  }
}

const revisionOf = (row: unknown): number | null => (row as { revision: number | null } | undefined)?.revision ?? null;

/** The first revision to keep: the later of what age and count say. */
function firstKept(session: Session, log: Log, extra = '', ...parameters: readonly unknown[]): number {
  const from = `from ${log.table} where ${log.where} ${extra}`;
  const newest = revisionOf(session.prepare(`select max(revision) as revision ${from}`).get(...parameters)) ?? 0;
  const byAge = revisionOf(
    session.prepare(`select revision ${from} and +at >= ? order by revision limit 1`).get(...parameters, log.sinceMs),
  );
  return Math.max(byAge ?? newest + 1, firstCounted(session, log, from, newest, parameters));
}

/** The first revision of the newest `count`; 0 when there are no more. */
function firstCounted(
  session: Session,
  { count }: Log,
  from: string,
  newest: number,
  parameters: readonly unknown[],
): number {
  const oldest = revisionOf(session.prepare(`select revision ${from} order by revision limit 1`).get(...parameters));
  // Each has a revision of its own, and counting a hundred thousand takes milliseconds.
  if (oldest === null || newest - oldest < count) return 0;
  const row = session.prepare(`select revision ${from} order by revision desc limit 1 offset ?`);
  return revisionOf(row.get(...parameters, count - 1)) ?? 0;
}

function raiseFeedFloor(session: Session, revision: number): void {
  session.prepare('update meta set feed_floor = max(feed_floor, ?)').run(revision);
}

function dropOldest(step: Step, log: Log): number {
  const { session } = step;
  const keep = firstKept(session, log);
  const last = revisionOf(
    session
      .prepare(
        `select max(revision) as revision from (
           select revision from ${log.table} where ${log.where} and revision < ? order by revision limit ?
         )`,
      )
      .get(keep, lotSize),
  );
  if (last === null) return 0;
  step.touch();
  const dropped = session.prepare(`delete from ${log.table} where ${log.where} and revision <= ?`).run(last);
  raiseFeedFloor(session, last);
  return dropped.changes;
}

const specEntries = "entity in ('service', 'component')";

function servicesWithHistory(session: Session): readonly string[] {
  const rows = session
    .prepare(`select distinct service from change_log where ${specEntries} and service is not null`)
    .all() as readonly { service: string }[];
  return rows.map((row) => row.service);
}

/**
 * Drops entries before the first kept one that a later entry of the same row supersedes by then: the
 * last of each row stays, for it is what the row was at that time.
 */
function dropHistory(
  step: Step,
  service: string,
  bounds: { readonly count: number; readonly sinceMs: number },
): number {
  const { session } = step;
  const log = { table: 'change_log', where: specEntries, ...bounds };
  const keep = firstKept(session, log, 'and service = ?', service);
  const droppable = session
    .prepare(
      `select revision from change_log as entry
       where ${specEntries} and service = ? and revision < ?
         and (op = 'delete' or exists (
           select 1 from change_log as later
           where ${specEntries.replaceAll('entity', 'later.entity')} and later.service = entry.service
             and later.component is entry.component and later.revision > entry.revision and later.revision <= ?
         ))
       order by revision limit ?`,
    )
    .all(service, keep, keep, lotSize) as readonly { revision: number }[];
  const last = droppable.at(-1);
  if (last === undefined) return 0;
  step.touch();
  const drop = session.prepare('delete from change_log where revision = ?');
  for (const row of droppable) drop.run(row.revision);
  session
    .prepare(
      `insert into history_floors (service, revision) values (?, ?)
       on conflict (service) do update set revision = max(revision, excluded.revision)`,
    )
    .run(service, keep);
  raiseFeedFloor(session, last.revision);
  return droppable.length;
}
