/** Fresh looks before what cannot be taken back: the picture may be old, and a list may be partial. */
import type { Step } from '../../reconcilers/component/index.js';
import type { ComponentRecord } from '../core/ports/registry.js';
import type { WorldOptions } from './world.js';

type Sight = Pick<WorldOptions, 'view' | 'clock' | 'settings'>;

/**
 * A changed spec is good only if its program is seen to run when its time of proof is over: the event of its end may
 * be lost, or on its way. Answers false when it could not be looked at.
 */
export async function isSeenSinceProofIsDue(sight: Sight, record: ComponentRecord): Promise<boolean> {
  const { view, clock, settings } = sight;
  const { nativeId, startedAtMs, goodGeneration } = record.status;
  if (goodGeneration === record.generation || nativeId === null || startedAtMs === null) return true;
  if (clock.now() < startedAtMs + settings().settleMs) return true;
  const driver = view.driverFor(record.spec.runtime);
  if (!driver || !view.health(driver.name).answering) return true;
  return view.refresh(driver.name, nativeId);
}

/**
 * Before a workload is said to be missing and made anew, the runtime is asked for the one that was there by its id:
 * two of a component must never run. Throws when it cannot be asked.
 */
export async function isReallyMissing(sight: Sight, record: ComponentRecord, step: Step | null): Promise<boolean> {
  const { view } = sight;
  const { nativeId } = record.status;
  if (step?.kind !== 'create' || step.role !== 'main' || nativeId === null) return true;
  const driver = view.driverFor(record.spec.runtime);
  if (!driver) return true;
  if (!(await view.refresh(driver.name, nativeId))) throw new Error(`${driver.name} cannot be asked for ${nativeId}`);
  return !view.owned().some((workload) => workload.nativeId === nativeId);
}
