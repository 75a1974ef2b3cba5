/** What an edit, a rollback or a refresh of images would change in the registry. Pure. */
import { formatKey } from './names.js';
import type { Plan, PlanConflict, PlanRecords } from './plan.js';
import {
  conflictOf,
  diffService,
  emptyPart,
  indexRecords,
  joinParts,
  planComponent,
  planDelete,
  planServiceRow,
  pushItem,
  restoreService,
} from './plan-parts.js';
import type { ComponentRecord } from './ports/registry.js';
import type { ServiceSpec } from './spec.js';

export interface PlanReplaceInput {
  /** The service as it shall be, all of it. */
  readonly spec: ServiceSpec;
  readonly records: PlanRecords;
  /** What the author of the change saw; null: take it as it is now. */
  readonly base: ServiceBase | null;
  readonly force: boolean;
  /** The name that problems are reported under. */
  readonly path?: string;
  /** Whoever asks may not learn whether a secret is as they guess. Default: false. */
  readonly blind?: boolean;
}

/** The state of a service that somebody read before changing it. */
export interface ServiceBase {
  /** The service row's revision; 0: there was none. */
  readonly revision: number;
  /** Generations by component. */
  readonly generations: Readonly<Record<string, number>>;
}

/** The base of a service as it is now. One that is being deleted is none: whoever makes it again makes a new one. */
export function baseOf(service: string, records: PlanRecords): ServiceBase {
  const generations: Record<string, number> = {};
  for (const record of records.components) {
    if (record.key.service === service && !record.deleting) generations[record.key.component] = record.generation;
  }
  const row = records.services.find(({ name, deleting }) => name === service && !deleting);
  return { revision: row?.revision ?? 0, generations };
}

/** The plan of an edit or a rollback: the service becomes exactly `spec`, its components keep their sources. */
export function planReplace(input: PlanReplaceInput): Plan {
  const { base } = input;
  const index = indexRecords(input.records, []);
  const { spec, problems } = restoreService(input.spec, index, input);
  const part = emptyPart();
  const service = index.services.get(spec.name);
  const current = (index.componentsOf.get(spec.name) ?? []).filter((record) => !record.deleting);
  const seen = base ?? baseOf(spec.name, input.records);
  const newer = new Set(changedSince(seen, current));
  const serviceDiffs = diffService(service, spec);
  if (serviceDiffs.length > 0 && base !== null && service !== undefined && service.revision !== base.revision) {
    part.conflicts.push(conflictOf(spec.name, null, service.revision, base.revision));
  }
  planServiceRow(part, spec, service, null, serviceDiffs);
  for (const component of spec.components) {
    const record = index.components.get(formatKey({ service: spec.name, component: component.name }));
    const item = planComponent({
      service: spec.name,
      spec: component,
      record,
      source: record?.source ?? null,
      explicit: false,
    });
    pushItem(
      part,
      item,
      newer.has(component.name) ? conflictFor(record, spec.name, component.name, seen) : null,
      input.force,
    );
  }
  const wanted = new Set(spec.components.map((component) => component.name));
  for (const record of current) {
    if (wanted.has(record.key.component)) continue;
    const conflict = newer.has(record.key.component)
      ? conflictFor(record, spec.name, record.key.component, seen)
      : null;
    pushItem(part, planDelete(record, null), conflict, input.force);
  }
  return joinParts([part], input.records, problems, input.force);
}

/** The plan of taking what the tags of some components name now. Only what has moved, or always pulls. */
export function planRefresh(components: readonly ComponentRecord[]): Plan {
  const part = emptyPart();
  for (const record of components) {
    if (record.deleting) continue;
    const { spec, source, key } = record;
    pushItem(part, planComponent({ service: key.service, spec, record, source, explicit: true }), null, false);
  }
  return joinParts([part], { services: [], components }, [], false);
}

/** Components that were made, changed or removed since somebody read the service. */
function changedSince(base: ServiceBase, current: readonly ComponentRecord[]): readonly string[] {
  const now = new Map(current.map((record) => [record.key.component, record.generation]));
  const names = new Set([...now.keys(), ...Object.keys(base.generations)]);
  return [...names].filter((name) => now.get(name) !== base.generations[name]);
}

function conflictFor(
  record: ComponentRecord | undefined,
  service: string,
  component: string,
  base: ServiceBase,
): PlanConflict {
  return conflictOf(service, component, record?.generation ?? base.revision, base.generations[component] ?? null);
}
