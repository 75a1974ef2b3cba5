/** Components that are left alone because somebody said so: since when, by whom, and why. Pure. */
import { formatKey } from '../../core/names.js';
import type { ChangeLogEntry, ComponentRecord } from '../../core/ports/registry.js';
import { isoTime } from '../status-view.js';
import type { DoctorCheck } from '../views.js';
import { checkOf } from './check.js';

/** Where a hold comes from. */
export interface Hold {
  readonly record: ComponentRecord;
  /** The change that began it; null: the history no longer reaches so far. */
  readonly began: Pick<ChangeLogEntry, 'atMs' | 'actor' | 'message'> | null;
}

/** Those that are held, those whose row changed longest ago first. */
export function heldOf(records: readonly ComponentRecord[]): readonly ComponentRecord[] {
  return records
    .filter(({ spec, deleting, service }) => spec.reconcile !== 'auto' && !deleting && !service.deleting)
    .sort((a, b) => a.revision - b.revision);
}

/** The change that held a component, in its history, which is newest first. */
export function beginOfHold(history: readonly ChangeLogEntry[]): Hold['began'] {
  return history.find(({ before, after }) => isHeld(after) && !isHeld(before)) ?? null;
}

function isHeld(columns: ChangeLogEntry['after']): boolean {
  const mode = columns?.['reconcile'];
  return mode === 'observe' || mode === 'ignore';
}

const shown = 20;

/** One check a hold, oldest first; beyond some their number alone. `unread`: holds that were not looked into. */
export function holdChecks(holds: readonly Hold[], unread: number): readonly DoctorCheck[] {
  const sorted = [...holds].sort((a, b) => (a.began?.atMs ?? 0) - (b.began?.atMs ?? 0));
  const checks = sorted.slice(0, shown).map(checkHold);
  const more = holds.length - checks.length + unread;
  if (more === 0) return checks;
  const words = { detail: `${more} more components are held`, remedy: 'see them with: berth status' };
  return [...checks, checkOf('holds', 'more', 'warning', words)];
}

function checkHold({ record, began }: Hold): DoctorCheck {
  const { spec, status, key } = record;
  const parts = [
    `reconcile = "${spec.reconcile}" ${began === null ? 'for longer than the history is kept' : beginInWords(began)}`,
    ...(status.drift.length > 0 ? [`differs in ${status.drift.map(({ field }) => field).join(', ')}`] : []),
  ];
  const remedy = `to have it put right, set reconcile = "auto": berth edit ${key.service}`;
  return checkOf('holds', formatKey(key), 'warning', { detail: parts.join('; '), remedy });
}

function beginInWords({ atMs, actor, message }: NonNullable<Hold['began']>): string {
  const why = message === null || message === '' ? '' : `: ${message}`;
  return `since ${isoTime(atMs)} by ${actor}${why}`;
}
