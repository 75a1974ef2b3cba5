/** What components used: bookkeeping that raises no revision. */
import type { Selectable } from 'kysely';
import type { ComponentKey } from '../core/names.js';
import { usageKeptMs, usageStepMs, usageStepOf, type ComponentBucket, type UsageBucket } from '../core/usage.js';
import type { UsageTable } from './schema.js';
import type { Session } from './session.js';

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

/** What a clock that was ahead wrote stays until its time has come: one that is behind must not cost the day. */
const dropText = 'delete from usage where at < ?';

/** Step by step, since each is found by its time. */
const readText = `with recursive steps (at) as (select ? union all select at + ${usageStepMs} from steps where at < ?)
  select usage.* from steps join usage on usage.at = steps.at and usage.service = ? and usage.component = ?
  order by usage.at`;

/** Adds buckets, and drops what is older than a day at `nowMs`. */
export function addUsage(session: Session, buckets: readonly ComponentBucket[], nowMs: number): void {
  session.prepare(dropText).run(usageStepOf(nowMs - usageKeptMs));
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
