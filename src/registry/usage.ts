/** What components used: bookkeeping that raises no revision. */
import type { Clock } from '../core/ports/clock.js';
import type { Selectable } from 'kysely';
import type { ComponentKey } from '../core/names.js';
import { usageKeptMs, usageStepMs, usageStepOf, type ComponentBucket, type UsageBucket } from '../core/usage.js';
import { inLots, lotSize } from './lots.js';
import type { UsageTable } from './schema.js';
import type { Session } from './session.js';
import type { Writer } from './writer.js';

const noSpecs = { specs: false } as const;

/**
 * Whoever was removed since gets no row. An agent that was stopped within a step wrote what it had seen; the next one
 * adds what it saw: each counts as often as it looked (as `mergeBuckets`).
 */
const addText = `insert into usage (at, service, component, memory_bytes, memory_peak_bytes, cpu_percent, samples)
  select ?, ?, ?, ?, ?, ?, ? where exists (select 1 from components where service = ? and name = ?)
  on conflict (at, service, component) do update set
    memory_bytes = (memory_bytes * samples + excluded.memory_bytes * excluded.samples) / (samples + excluded.samples),
    memory_peak_bytes = max(memory_peak_bytes, excluded.memory_peak_bytes),
    cpu_percent = coalesce(
      (cpu_percent * samples + excluded.cpu_percent * excluded.samples) / (samples + excluded.samples),
      cpu_percent,
      excluded.cpu_percent
    ),
    samples = samples + excluded.samples`;

/** Step by step, since each is found by its time. */
const readText = `with recursive steps (at) as (select ? union all select at + ${usageStepMs} from steps where at < ?)
  select usage.* from steps join usage on usage.at = steps.at and usage.service = ? and usage.component = ?
  order by usage.at`;

/** As many as can be told of one day, the one that is under way among them. */
const keptSteps = usageKeptMs / usageStepMs + 1;
/** Steps that one write drops at most: there are never many too many, and a day off is caught up with in half a day. */
const droppedSteps = 2;

/** From the newest step back to the one that is the last to be kept, whatever clocks wrote them. */
const lastKeptText = `with recursive steps (at, place) as (
    select max(at), 1 from usage
    union all
    select (select max(at) from usage where at < steps.at), place + 1 from steps
    where steps.at is not null and place < ${keptSteps}
  )
  select at from steps where place = ${keptSteps}`;

/** The newest step that this write drops; null: none. */
const lastDroppedText = `select max(at) as at from (
    select distinct at from usage where at < ? order by at limit ${droppedSteps}
  )`;

const dropText = `delete from usage where (at, service, component) in (
    select at, service, component from usage where at <= ? order by at limit ${lotSize}
  )`;

/**
 * The newest step that goes now, when there are more than a day has and it is older than a day; null: none does. A clock
 * that is ahead so drops no more than it writes, which is what goes in that time anyway. One that is behind drops nothing,
 * and what one that was ahead wrote stays until its time has come.
 */
function lastDropped(session: Session, nowMs: number): number | null {
  const kept = stepOf(session.prepare(lastKeptText).get());
  if (kept === null) return null;
  return stepOf(session.prepare(lastDroppedText).get(Math.min(kept, usageStepOf(nowMs - usageKeptMs))));
}

const stepOf = (row: unknown): number | null => (row as { at: number | null } | undefined)?.at ?? null;

/** Drops what goes by now, and adds buckets, each lot by itself. */
export async function addUsage(writer: Writer, clock: Clock, buckets: readonly ComponentBucket[]): Promise<void> {
  const upTo = await writer.write('relaxed', ({ session, nowMs }) => lastDropped(session, nowMs), noSpecs);
  const write = <T>(work: (session: Session) => T): Promise<T> =>
    writer.write(
      'relaxed',
      (transaction) => {
        transaction.touch();
        return work(transaction.session);
      },
      noSpecs,
    );
  const dropLot = async (): Promise<number> => {
    const dropped = await write((session) => session.prepare(dropText).run(upTo).changes);
    return dropped < lotSize ? 0 : dropped;
  };
  if (upTo !== null) await inLots(clock, dropLot);
  let written = 0;
  await inLots(clock, async () => {
    const lot = buckets.slice(written, written + lotSize);
    await write((session) => {
      addLot(session, lot);
    });
    written += lot.length;
    return buckets.length - written;
  });
}

function addLot(session: Session, buckets: readonly ComponentBucket[]): void {
  const add = session.prepare(addText);
  for (const { key, atMs, memoryBytes, memoryPeakBytes, cpuPercent, samples } of buckets) {
    const { service, component } = key;
    const peakBytes = Math.round(memoryPeakBytes);
    add.run(atMs, service, component, memoryBytes, peakBytes, cpuPercent, samples, service, component);
  }
}

/** From one step that is there to the next, whatever clocks wrote them. */
const forgetText = `with recursive steps (at) as (
    select min(at) from usage
    union all
    select (select min(at) from usage where at > steps.at) from steps where steps.at is not null
  )
  delete from usage where at in (select at from steps) and service = ? and component = ?`;

/** A component is gone for good: another one by its name begins anew. */
export function forgetUsage(session: Session, { service, component }: ComponentKey): void {
  session.prepare(forgetText).run(service, component);
}

/** What is kept of one component, of the day before `nowMs`, oldest first. */
export function readUsage(session: Session, key: ComponentKey, nowMs: number): readonly UsageBucket[] {
  const rows = session
    .prepare(readText)
    .all(usageStepOf(nowMs - usageKeptMs), usageStepOf(nowMs), key.service, key.component);
  return (rows as readonly Selectable<UsageTable>[]).map((row) => ({
    atMs: row.at,
    memoryBytes: row.memory_bytes,
    memoryPeakBytes: row.memory_peak_bytes,
    cpuPercent: row.cpu_percent,
    samples: row.samples,
  }));
}
