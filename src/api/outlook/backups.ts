/** Whether what the registry says would outlast its disk. Pure. */
import type { RegistryCopy } from '../../core/ports/node-facts.js';
import type { ComponentRecord } from '../../core/ports/registry.js';
import { isoTime } from '../status-view.js';
import type { DoctorCheck } from '../views.js';
import { checkOf } from './check.js';

/** How long a changed definition may be in one place alone, in milliseconds. */
const graceMs = 24 * 3_600_000;

const remedy = 'copy it to another disk: berth db backup FILE';

/** One check: the last copy, and what was defined since; null where there is nothing to lose. */
export function backupCheck(
  records: readonly ComponentRecord[],
  copy: RegistryCopy | null,
  nowMs: number,
): DoctorCheck | null {
  if (copy === null) {
    if (records.length === 0) return null;
    const detail = 'never copied by berth db backup';
    return checkOf('backups', 'registry', 'warning', { detail, remedy });
  }
  const changed = records.filter(({ revision }) => revision > copy.revision).length;
  const since =
    changed === 0
      ? 'no component has changed since'
      : `${changed} component${changed === 1 ? ' has' : 's have'} changed since`;
  const detail = `last copied ${isoTime(copy.atMs)} to ${copy.path}; ${since}`;
  const isLate = changed > 0 && nowMs - copy.atMs > graceMs;
  return checkOf('backups', 'registry', isLate ? 'warning' : 'ok', { detail, remedy });
}
