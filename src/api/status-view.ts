/** From the registry's records to what people and programs are shown, secrets masked. Pure. */
import type { BerthEvent } from '../core/event.js';
import { changedFields } from '../core/last-change.js';
import type { ChangeLogEntry, ComponentRecord, DriverFreshness } from '../core/ports/registry.js';
import type { ComponentSpec, Runtime } from '../core/spec.js';
import type { Drift } from '../core/status.js';
import { maskDrift, maskEvent, maskFieldChanges, maskWords } from './mask.js';
import type { AgentInfo, ComponentView, DriftView, EventView, HistoryView, StatusReport } from './views.js';

/** Which driver serves which runtime. */
export type DriverNames = Readonly<Record<Runtime, string>>;

/** The drivers of a node, unless it was composed otherwise. */
export const defaultDriverNames: DriverNames = { container: 'podman', microvm: 'qemu', unikernel: 'qemu' };

/** Unix milliseconds as ISO 8601; null stays null. */
export function isoTime(atMs: number): string;
export function isoTime(atMs: number | null): string | null;
export function isoTime(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** What is wanted of a component in effect. */
export function effectiveDesired(record: ComponentRecord): ComponentView['desired'] {
  if (record.deleting || record.service.deleting) return 'deleted';
  return record.service.active ? record.desired : 'stopped';
}

export interface ViewContext {
  readonly nowMs: number;
  readonly freshness: readonly DriverFreshness[];
  readonly driverNames: DriverNames;
}

/** One component as `status -o json` shows it. */
export function viewComponent(record: ComponentRecord, context: ViewContext): ComponentView {
  const { status, spec, key } = record;
  const driver = context.driverNames[spec.runtime];
  const lastGoodAtMs = context.freshness.find((row) => row.driver === driver)?.lastGoodAtMs ?? null;
  const invalid = record.invalid !== null;
  return {
    service: key.service,
    component: key.component,
    workload: record.workload,
    runtime: spec.runtime,
    driver,
    desired: effectiveDesired(record),
    observed: status.observed,
    phase: invalid ? 'invalid' : status.phase,
    ready: status.ready,
    generation: record.generation,
    observedGeneration: status.observedGeneration,
    restarts: status.restarts,
    exitCode: status.exitCode,
    nextTryAt: isoTime(status.nextTryAtMs),
    observedAgeMs: lastGoodAtMs === null ? null : Math.max(0, context.nowMs - lastGoodAtMs),
    reason: invalid ? 'Invalid' : status.reason,
    message: maskWords(record.invalid ?? status.message, spec),
    startedAt: isoTime(status.startedAtMs),
    drift: status.drift.map((drift) => viewDrift(drift, spec)),
  };
}

/** A drift as the status shows it. */
export function viewDrift({ sinceMs, ...drift }: Drift, spec: ComponentSpec): DriftView {
  const { field, desired, observed, evidence, action } = drift;
  return maskDrift({ field, desired, observed, since: isoTime(sinceMs), evidence, action }, spec);
}

/** The agent as reports show it. */
export function viewAgent(agent: AgentInfo | null): StatusReport['agent'] {
  return agent === null ? null : { pid: agent.pid, since: isoTime(agent.sinceMs) };
}

/** One event as `events -o json` prints it; `secrets`: what it must not show, besides what it says itself. */
export function viewEvent(event: BerthEvent, secrets: readonly string[] = []): EventView {
  const view = {
    revision: event.revision,
    at: isoTime(event.atMs),
    severity: event.severity,
    service: event.service,
    component: event.component,
    reason: event.reason,
    message: event.message,
    actor: event.actor,
    data: event.data ?? {},
  };
  return maskEvent(view, secrets);
}

/** One entry of the history with the fields that differ. */
export function viewHistory(entry: ChangeLogEntry): HistoryView {
  return {
    revision: entry.revision,
    at: isoTime(entry.atMs),
    actor: entry.actor,
    message: entry.message,
    request: entry.request,
    service: entry.service,
    component: entry.component,
    op: entry.op,
    changes: maskFieldChanges(changedFields(entry)),
  };
}
