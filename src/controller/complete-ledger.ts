/** Gives the rows of the ledger the ids that nobody lived, or was let, to write down. */
import type { ObservedWorkload } from '../core/observation.js';
import type { LedgerRecord, Registry } from '../core/ports/registry.js';
import type { RuntimeView } from '../core/ports/view.js';
import { isWorkload } from './ledger-index.js';

/**
 * What was made for an intent whose row has no id yet is known by its labels: its id is written down. `rows`: the whole
 * ledger, or all that it has of some components. Answers the rows as they are then.
 */
export async function completeLedger(
  registry: Registry,
  view: RuntimeView,
  rows: readonly LedgerRecord[],
): Promise<readonly LedgerRecord[]> {
  const workloads = rows.filter(isWorkload);
  const known = new Set(workloads.map(({ driver, nativeId }) => `${driver} ${String(nativeId)}`));
  const completed = new Map<number, string>();
  for (const row of workloads.filter(({ nativeId }) => nativeId === null)) {
    const made = view
      .owned()
      .filter((workload) => isIntentFor(row, workload) && !known.has(`${workload.driver} ${workload.nativeId}`));
    // It may have got another name since.
    const [match] = [...made.filter(({ name }) => name === row.name), ...made];
    if (!match) continue;
    known.add(`${match.driver} ${match.nativeId}`);
    await registry.setNativeId(row.id, match.nativeId);
    completed.set(row.id, match.nativeId);
  }
  return completed.size === 0 ? rows : rows.map((row) => ({ ...row, nativeId: completed.get(row.id) ?? row.nativeId }));
}

/** The ledger shows that this home meant to make this workload. */
export function isIntentFor(row: LedgerRecord, orphan: ObservedWorkload): boolean {
  if (row.driver !== orphan.driver || !isWorkload(row)) return false;
  if (row.nativeId === orphan.nativeId) return true;
  return row.nativeId === null && row.service === orphan.owner?.service && row.component === orphan.owner.component;
}
