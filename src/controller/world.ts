/** Gathers everything that a decision about one component may depend on. Reads only. */
import type { ReconcileSettings, World } from '../../reconcilers/component/index.js';
import { readGoodSpec } from '../core/good-spec.js';
import type { ComponentSpec, Runtime } from '../core/spec.js';
import { isBerthError } from '../core/errors.js';
import { hostName } from '../core/names.js';
import type { ObservedWorkload } from '../core/observation.js';
import type { Chance, Clock } from '../core/ports/clock.js';
import type { Driver } from '../core/ports/driver.js';
import type { ComponentRecord, Registry } from '../core/ports/registry.js';
import type { RuntimeView } from '../core/ports/view.js';
import { observedStates, type ObservedState } from '../core/status.js';
import type { EnvFiles } from './env-files.js';
import type { LedgerIndex } from './ledger-index.js';

export interface WorldOptions {
  readonly registry: Registry;
  readonly view: RuntimeView;
  readonly envFiles: EnvFiles;
  readonly ledger: LedgerIndex;
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
  const main = hostName(registry.namePrefix, record.workload, 'main');
  const workloads = view.workloadsOf(record.key, main);
  const imagesFor = view.driverFor(record.spec.runtime);
  return {
    nowMs: clock.now(),
    chance: chance.random(),
    homeId: registry.homeId,
    namePrefix: registry.namePrefix,
    settings: options.settings(),
    record,
    driver: await driverThatMatters(options, record, workloads),
    workloads,
    imageNow: imagesFor && view.imageNow(imagesFor.name, record.spec.image),
    envFiles: await options.envFiles.read([record.spec, ...goodSpecOf(record)]),
    earlier: await earlierSpec(
      options,
      record,
      workloads.filter(({ name }) => name === main),
    ),
    waitsFor: waitsFor(record, siblings),
    dependentsUp: dependentsUp(record, siblings),
    lastRuntimeEvent: view.lastEvent(record.key),
  };
}

/** See `World.driver`. The ledger is asked only when a driver does not answer. */
async function driverThatMatters(
  { registry, view, ledger }: WorldOptions,
  record: ComponentRecord,
  workloads: readonly ObservedWorkload[],
): Promise<World['driver']> {
  const wanted = view.driverFor(runtimeToRun(record));
  const silent = view.drivers().filter(({ name }) => !view.health(name).answering);
  const blind = silent.find((driver) => driver === wanted) ?? (await holderAmong(silent));
  const driver = blind ?? wanted;
  const lastObserved = (record.status.observed === 'unknown' ? null : record.status.observed) ?? lastSeen(record);
  if (driver) return { ...view.health(driver.name), lastObserved };
  const absent = (await ledger.driversOf(record.key)).find((name) => !view.driver(name));
  if (absent === undefined || !record.deleting) return null;
  const error = `this node has no driver ${absent}, which may hold a workload of it`;
  return { name: absent, answering: false, error, lastObserved };

  async function holderAmong(drivers: readonly Driver[]): Promise<Driver | undefined> {
    if (drivers.length === 0) return undefined;
    const seen = workloads.filter(({ owner }) => owner?.homeId === registry.homeId).map((item) => item.driver);
    const holders = new Set([...seen, ...(await ledger.driversOf(record.key))]);
    return drivers.find((driver) => holders.has(driver.name));
  }
}

/** Of the spec, or of the last good one while its generation is given up. */
function runtimeToRun(record: ComponentRecord): Runtime {
  const { status, generation, spec } = record;
  const good = status.failedGeneration === generation && status.goodSpec !== null;
  return good ? readGoodSpec(status.goodSpec).runtime : spec.runtime;
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
  { registry }: WorldOptions,
  record: ComponentRecord,
  named: readonly ObservedWorkload[],
): Promise<World['earlier']> {
  const generation = named.find(({ owner }) => owner?.homeId === registry.homeId)?.owner?.generation ?? null;
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
  return [readGoodSpec(record.status.goodSpec)];
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
