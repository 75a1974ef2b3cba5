/** What Berth no longer tries, until somebody changes something. Pure. */
import { formatKey } from '../../core/names.js';
import type { ComponentRecord } from '../../core/ports/registry.js';
import { maskWords } from '../mask.js';
import type { DoctorCheck } from '../views.js';
import { checkOf } from './check.js';

const shown = 20;

/** One check a component that was given up, or whose newest definition was; beyond some their number alone. */
export function triesChecks(records: readonly ComponentRecord[]): readonly DoctorCheck[] {
  const checks = records.flatMap((record) => {
    const detail = record.invalid === null && !record.deleting ? givenUp(record) : null;
    const remedy = `see why with: berth explain ${formatKey(record.key)}`;
    return detail === null ? [] : [checkOf('tries', formatKey(record.key), 'warning', { detail, remedy })];
  });
  if (checks.length <= shown) return checks;
  const words = {
    detail: `${checks.length - shown} more components are no longer tried`,
    remedy: 'see them with: berth status',
  };
  return [...checks.slice(0, shown), checkOf('tries', 'more', 'warning', words)];
}

/** In words; null: it is tried, or there is nothing to try. */
function givenUp({ status, spec, generation }: ComponentRecord): string | null {
  const message = maskWords(status.message, spec);
  switch (status.phase) {
    case 'failed':
    case 'contested':
    case 'blocked':
      return status.nextTryAtMs === null ? `${status.phase}: ${message}` : null;
    default: {
      if (status.failedGeneration !== generation) return null;
      const instead = status.goodGeneration === null ? '' : `; generation ${status.goodGeneration} stands in for it`;
      return `generation ${generation} did not become ready and is not tried again${instead}`;
    }
  }
}
