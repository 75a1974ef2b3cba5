/** Whether what the registry says would outlast its disk. Pure. */
import { sameJson } from '../../core/hash.js';
import type { RegistryCopy } from '../../core/ports/node-facts.js';
import type { ChangeLogEntry, ComponentRecord } from '../../core/ports/registry.js';
import { isoTime } from '../status-view.js';
import type { DoctorCheck } from '../views.js';
import { checkOf } from './check.js';

/** How long a changed definition may be in one place alone, in milliseconds. */
const graceMs = 24 * 3_600_000;

const remedy = 'copy it to another disk: berth db backup FILE';

/** Those that were defined otherwise since the copy, the longest ago first. To start, stop or restart defines nothing. */
export function changedSince(records: readonly ComponentRecord[], copy: RegistryCopy): readonly ComponentRecord[] {
  return records
    .filter(({ generation }) => generation > copy.revision)
    .sort((one, other) => one.generation - other.generation);
}

/** When a component was first defined otherwise after the copy, by its history; null: that reaches no longer so far. */
export function firstChangeMs(history: readonly ChangeLogEntry[], copy: RegistryCopy): number | null {
  const changes = history.filter((entry) => entry.revision > copy.revision && isDefinition(entry));
  return changes.length === 0 ? null : Math.min(...changes.map(({ atMs }) => atMs));
}

/** What a row holds beside the definition. */
const wishes = { desired: null, restart_token: null, image_refresh: null, source: null };

function isDefinition({ before, after }: ChangeLogEntry): boolean {
  return !sameJson({ ...before, ...wishes }, { ...after, ...wishes });
}

/** One check: the last copy, and what was defined since; null where there is nothing to lose. `sinceMs`: since when. */
export function backupCheck(
  records: readonly ComponentRecord[],
  copy: RegistryCopy | null,
  nowMs: number,
  sinceMs: number,
): DoctorCheck | null {
  if (copy === null) {
    if (records.length === 0) return null;
    const detail = 'never copied by berth db backup';
    return checkOf('backups', 'registry', 'warning', { detail, remedy });
  }
  const changed = changedSince(records, copy).length;
  const since =
    changed === 0
      ? 'no component has changed since'
      : `${changed} component${changed === 1 ? ' has' : 's have'} changed since`;
  const detail = `last copied ${isoTime(copy.atMs)} to ${copy.path}; ${since}`;
  const isLate = changed > 0 && nowMs - sinceMs > graceMs;
  return checkOf('backups', 'registry', isLate ? 'warning' : 'ok', { detail, remedy });
}
