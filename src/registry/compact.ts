/**
 * Drops what is beyond its retention, some hundred rows at a time, each lot a transaction of its own, so that no writer
 * waits for long. Only the oldest entries go, in order, and how old they are is told by how long agents have run since
 * (see `running-time`): a clock that was wrong for a while costs no history, nor does one entry that it wrote.
 */
import type { Clock } from '../core/ports/clock.js';
import { inLots, lotSize } from './lots.js';
import type { Retention } from './retention.js';
import { countRunning } from './running-time.js';
import type { Session } from './session.js';
import type { Writer } from './writer.js';

const noSpecs = { specs: false } as const;

/** Runs all three kinds of compaction once. `passedMs`: how long an agent has run that was not counted yet. */
export async function compactRegistry(
  writer: Writer,
  clock: Clock,
  retention: Retention,
  passedMs: number,
): Promise<void> {
  const write = <T>(work: (step: Step) => T): Promise<T> => writer.write('relaxed', work, noSpecs);
  const ages = [retention.eventAgeMs, retention.watchAgeMs, retention.historyAgeMs];
  const [event = 0, watch = 0, history = 0] = await write((step) => countRunning(step, passedMs, ages));
  const logs: readonly Log[] = [
    { table: 'events', where: '1', count: retention.eventCount, oldRevision: event },
    { table: 'change_log', where: "entity = 'status'", count: retention.watchCount, oldRevision: watch },
  ];
  for (const log of logs) await inLots(clock, () => write((step) => dropOldest(step, log)));
  const bounds = { count: retention.historyCount, oldRevision: history };
  for (const service of await write(({ session }) => servicesWithHistory(session))) {
    await inLots(clock, () => write((step) => dropHistory(step, service, bounds)));
  }
}

/** What compaction needs of a transaction. */
interface Step {
  readonly session: Session;
  touch(): void;
}

interface Bounds {
  readonly count: number;
  /** This one and those before are older than what is kept; 0: none is. */
  readonly oldRevision: number;
}

interface Log extends Bounds {
  readonly table: string;
  readonly where: string;
}

const revisionOf = (row: unknown): number | null => (row as { revision: number | null } | undefined)?.revision ?? null;

/** The first revision of the newest `count`; 0 when there are no more. */
function firstCounted(session: Session, { table, where, count }: Log, ...parameters: readonly unknown[]): number {
  const from = `from ${table} where ${where}`;
  const end = (order: 'asc' | 'desc'): number | null =>
    revisionOf(session.prepare(`select revision ${from} order by revision ${order} limit 1`).get(...parameters));
  const [oldest, newest] = [end('asc'), end('desc')];
  // Each has a revision of its own, and counting a hundred thousand takes milliseconds.
  if (oldest === null || newest === null || newest - oldest < count) return 0;
  const row = session.prepare(`select revision ${from} order by revision desc limit 1 offset ?`);
  return revisionOf(row.get(...parameters, count - 1)) ?? 0;
}

function raiseFeedFloor(session: Session, revision: number): void {
  session.prepare('update meta set feed_floor = max(feed_floor, ?)').run(revision);
}

function dropOldest(step: Step, log: Log): number {
  const { session } = step;
  // The later of what age and count say.
  const keep = Math.max(log.oldRevision + 1, firstCounted(session, log));
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
 * What the service was when entries ceased to be old, it stays known to have been: the entry that made it so is the
 * first one that is kept, however old. Nothing is to be known of one that was no more by then.
 */
function firstKeptOfHistory(session: Session, service: string, bounds: Bounds): number {
  const log = { table: 'change_log', where: `${specEntries} and service = ?`, ...bounds };
  const then = Math.max(bounds.oldRevision, firstCounted(session, log, service));
  const held = session
    .prepare(
      `select revision, component, op from change_log
       where ${specEntries} and service = ? and revision <= ? order by revision desc limit 1`,
    )
    .get(service, then) as { revision: number; component: string | null; op: string } | undefined;
  if (held === undefined) return 0;
  return held.component === null && held.op === 'delete' ? held.revision + 1 : held.revision;
}

/**
 * Drops entries before the first kept one that a later entry of the same row supersedes by then: the
 * last of each row stays, for it is what the row was at that time.
 */
function dropHistory(step: Step, service: string, bounds: Bounds): number {
  const { session } = step;
  const keep = firstKeptOfHistory(session, service, bounds);
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
