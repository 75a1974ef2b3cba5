/** Gathers everything that a decision about one component may depend on. Reads only. */
import type { ReconcileSettings, World } from '../../reconcilers/component/index.js';
import { componentDefaults, type ComponentSpec } from '../core/spec.js';
import { isBerthError } from '../core/errors.js';
import { hostName } from '../core/names.js';
import type { Chance, Clock } from '../core/ports/clock.js';
import type { ComponentRecord, Registry } from '../core/ports/registry.js';
import type { RuntimeView } from '../core/ports/view.js';
import { observedStates, type ObservedState } from '../core/status.js';
import type { EnvFiles } from './env-files.js';

export interface WorldOptions {
  readonly registry: Registry;
  readonly view: RuntimeView;
  readonly envFiles: EnvFiles;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly settings: () => ReconcileSettings;
}

/** The world of one component, as it is now. `siblings`: its service, when order matters; else empty. */
export async function gatherWorld(
  options: WorldOptions,
  record: ComponentRecord,
  siblings: readonly ComponentRecord[],
): Promise<World> {
  const { registry, view, clock, chance } = options;
  const driver = view.driverFor(record.spec.runtime);
  const health = driver ? view.health(driver.name) : undefined;
  const known = record.status.observed === 'unknown' ? null : record.status.observed;
  const main = hostName(registry.namePrefix, record.workload, 'main');
  return {
    nowMs: clock.now(),
    chance: chance.random(),
    homeId: registry.homeId,
    namePrefix: registry.namePrefix,
    settings: options.settings(),
    record,
    driver: health
      ? { name: health.name, answering: health.answering, error: health.error, lastObserved: known ?? lastSeen(record) }
      : null,
    workloads: view.workloadsOf(record.key, main),
    imageNow: driver ? view.imageNow(driver.name, record.spec.image) : undefined,
    envFiles: await options.envFiles.read([record.spec, ...goodSpecOf(record)]),
    earlier: await earlierSpec(options, record, main),
    waitsFor: waitsFor(record, siblings),
    dependentsUp: dependentsUp(record, siblings),
    lastRuntimeEvent: view.lastEvent(record.key),
  };
}

/** True when a decision about this component depends on others of its service. */
export function orderMatters(record: ComponentRecord): boolean {
  return record.spec.dependsOn.length > 0 || record.deleting || record.desired === 'stopped' || !record.service.active;
}

/** The words of an earlier `unknown` say what was seen last. */
function lastSeen(record: ComponentRecord): ObservedState | null {
  const word = /^last seen (\w+);/.exec(record.status.message)?.[1];
  return observedStates.find((state) => state === word) ?? null;
}

/** What the main workload was made for, from the history, while an edit that came soon after waits to replace it. */
async function earlierSpec(
  { registry, view }: WorldOptions,
  record: ComponentRecord,
  mainName: string,
): Promise<World['earlier']> {
  const workload = view.workloadsOf(record.key, mainName).find((item) => item.name === mainName);
  const generation = workload?.owner?.homeId === registry.homeId ? workload.owner.generation : null;
  if (generation === null || generation >= record.generation || generation <= (record.status.goodGeneration ?? 0))
    return null;
  try {
    const service = await registry.serviceAt(record.key.service, generation);
    const spec = service?.components.find((component) => component.name === record.key.component);
    return spec ? { generation, spec } : null;
  } catch (error) {
    if (isBerthError(error, 'E_NOT_FOUND')) return null;
    throw error;
  }
}

function goodSpecOf(record: ComponentRecord): readonly ComponentSpec[] {
  if (record.status.goodSpec === null || record.status.goodGeneration === record.generation) return [];
  return [{ ...componentDefaults, ...(JSON.parse(record.status.goodSpec) as ComponentSpec) }];
}

/** What must be up before this component starts, and is not. */
function waitsFor(record: ComponentRecord, siblings: readonly ComponentRecord[]): readonly string[] {
  return record.spec.dependsOn.flatMap((name) => {
    const dependency = siblings.find((sibling) => sibling.key.component === name);
    if (!dependency) return [`${name} (not in the service)`];
    const { phase, ready } = dependency.status;
    const up = (phase === 'running' || phase === 'failed' || phase === 'backoff') && ready;
    return up || phase === 'completed' ? [] : [`${name} (${phase})`];
  });
}

/** Components that depend on this one, are up, and are to go down as well. */
function dependentsUp(record: ComponentRecord, siblings: readonly ComponentRecord[]): readonly string[] {
  return siblings
    .filter((sibling) => sibling.spec.dependsOn.includes(record.key.component) && goesDown(sibling))
    .filter(({ status }) => status.observed === 'running' || status.observed === 'paused')
    .map((sibling) => sibling.key.component);
}

function goesDown(record: ComponentRecord): boolean {
  if (record.deleting) return true;
  return record.spec.reconcile === 'auto' && (record.desired === 'stopped' || !record.service.active);
}
