/** Fresh looks before what cannot be taken back: the picture may be old, and a list may be partial. */
import type { Step } from '../../reconcilers/component/index.js';
import { programSinceMs } from '../../reconcilers/component/readiness.js';
import { hostName } from '../core/names.js';
import type { ComponentRecord } from '../core/ports/registry.js';
import type { WorldOptions } from './world.js';

interface Sight extends Pick<WorldOptions, 'registry' | 'view' | 'clock' | 'settings' | 'ledger'> {
  /** Called before a runtime is asked, which may take its time. */
  readonly beforeAsking: () => Promise<void>;
}

/**
 * A changed spec is good only if its program is seen to run when its time of proof is over: the event of its end may
 * be lost, or on its way. Answers false when it could not be looked at.
 */
export async function isSeenSinceProofIsDue(sight: Sight, record: ComponentRecord): Promise<boolean> {
  const { registry, view, clock, settings } = sight;
  const { nativeId, goodGeneration } = record.status;
  if (goodGeneration === record.generation || nativeId === null) return true;
  const main = hostName(registry.namePrefix, record.workload, 'main');
  const workload = view.workloadsOf(record.key, main).find((item) => item.nativeId === nativeId);
  const sinceMs = workload && programSinceMs(workload);
  if (!workload || sinceMs === undefined || sinceMs === null || clock.now() < sinceMs + settings().settleMs)
    return true;
  if (!view.health(workload.driver).answering) return true;
  await sight.beforeAsking();
  return view.refresh(workload.driver, nativeId);
}

/**
 * Before a workload is said to be missing and made anew, each runtime that may have it is asked for the one that was
 * there by its id: two of a component must never run. One that is seen, under another name say, was decided upon.
 * Throws when one cannot be asked.
 */
export async function isReallyMissing(sight: Sight, record: ComponentRecord, step: Step | null): Promise<boolean> {
  const { view, ledger } = sight;
  const { nativeId } = record.status;
  if (step?.kind !== 'create' || step.role !== 'main' || nativeId === null) return true;
  const isSeen = (): boolean => view.owned().some((workload) => workload.nativeId === nativeId);
  if (isSeen()) return true;
  const names = new Set(await ledger.driversOf(record.key));
  const maker = view.driverFor(step.spec.runtime);
  if (maker) names.add(maker.name);
  await sight.beforeAsking();
  for (const { name } of view.drivers().filter((driver) => names.has(driver.name))) {
    if (!(await view.refresh(name, nativeId))) throw new Error(`${name} cannot be asked for ${nativeId}`);
  }
  return !isSeen();
}
