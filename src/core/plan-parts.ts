/** The pieces that every plan is put together from. Pure. */
import { formatKey } from './names.js';
import type { DefinitionProblem } from './ports/definition.js';
import type { Change, ComponentRecord, ServiceRecord, SourceRecord } from './ports/registry.js';
import type {
  ComponentPlan,
  Plan,
  PlanAction,
  PlanConflict,
  PlanDifference,
  PlanRecords,
  ServicePlan,
} from './plan.js';
import { findRuleProblems, type RuleProblem, type RuleSubject } from './rules.js';
import { restoreSpec } from './secrets.js';
import { diffSpecs, type ChangeEffect, type SpecFieldChange } from './spec-diff.js';
import type { ComponentSpec, ServiceSpec } from './spec.js';

/** What one source contributes to a plan. */
export interface PlanPart {
  readonly services: ServicePlan[];
  readonly components: ComponentPlan[];
  readonly conflicts: PlanConflict[];
  readonly changes: Change[];
}

export interface RecordIndex {
  readonly services: ReadonlyMap<string, ServiceRecord>;
  readonly components: ReadonlyMap<string, ComponentRecord>;
  readonly componentsOf: ReadonlyMap<string, readonly ComponentRecord[]>;
  readonly sources: ReadonlyMap<string, SourceRecord>;
}

/** A component's plan with what carries it out. */
export interface PlannedItem {
  readonly plan: ComponentPlan;
  readonly change: Change | null;
}

/** A part that changes nothing yet. */
export function emptyPart(): PlanPart {
  return { services: [], components: [], conflicts: [], changes: [] };
}

/** The records by name. */
export function indexRecords(records: PlanRecords, sources: readonly SourceRecord[]): RecordIndex {
  const componentsOf = new Map<string, ComponentRecord[]>();
  for (const record of records.components) {
    const list = componentsOf.get(record.key.service);
    if (list) list.push(record);
    else componentsOf.set(record.key.service, [record]);
  }
  return {
    services: new Map(records.services.map((row) => [row.name, row])),
    components: new Map(records.components.map((record) => [formatKey(record.key), record])),
    componentsOf,
    sources: new Map(sources.map((source) => [source.service, source])),
  };
}

/** A service as somebody wants it, with what came back masked put back from what is stored. */
export function restoreService(
  spec: ServiceSpec,
  index: RecordIndex,
  { path = `${spec.name}.toml`, blind = false }: { readonly path?: string; readonly blind?: boolean },
): { readonly spec: ServiceSpec; readonly problems: readonly DefinitionProblem[] } {
  const problems: DefinitionProblem[] = [];
  const components = spec.components.map((component, at) => {
    const record = index.components.get(formatKey({ service: spec.name, component: component.name }));
    const restored = restoreSpec(component, record?.spec, blind);
    problems.push(...restored.lost.map(({ field }) => lostSecret(path, `components[${String(at)}].${field}`)));
    return restored.spec;
  });
  const isSame = components.every((component, at) => component === spec.components[at]);
  return { spec: isSame ? spec : { ...spec, components }, problems };
}

function lostSecret(path: string, field: string): DefinitionProblem {
  return {
    path,
    line: 1,
    column: 1,
    field,
    message: 'this is masked, and no value is stored that it could stand for',
    suggestion: 'write the value itself, or put it into a secret_file',
  };
}

/** Plans the service's own row. */
export function planServiceRow(
  part: PlanPart,
  spec: ServiceSpec,
  service: ServiceRecord | undefined,
  source: string | null,
  differences: readonly PlanDifference[],
): void {
  const isNew = service === undefined || service.deleting;
  const conflict = part.conflicts.some((item) => item.component === null);
  const change = isNew ? 'create' : differences.length > 0 ? 'update' : 'unchanged';
  part.services.push({ service: spec.name, source, action: conflict ? 'conflict' : change, differences });
  if (change === 'unchanged') return;
  part.changes.push({ kind: 'put-service', name: spec.name, node: spec.node, active: spec.active });
}

interface ComponentInput {
  readonly service: string;
  readonly spec: ComponentSpec;
  readonly record: ComponentRecord | undefined;
  /** The source that the component shall have. */
  readonly source: string | null;
  /** A person asked: moved tags are followed. */
  readonly explicit: boolean;
}

/** Plans one component that is wanted. */
export function planComponent({ service, spec, record, source, explicit }: ComponentInput): PlannedItem {
  const base = { service, component: spec.name, refreshImage: null, note: null };
  const put = { kind: 'put-component', service, spec, source } as const;
  if (record === undefined || record.deleting) {
    const note = record === undefined ? null : 'it was being deleted';
    // The agent may remove the row of what is being deleted at any moment: for whoever makes it again there is none.
    const change: Change = { ...put, ifGeneration: 0 };
    return { plan: { ...base, action: 'create', effect: 'create', differences: [], note }, change };
  }
  const differences = differencesOf(record.spec, spec);
  const refreshImage = explicit ? refreshReason(record, spec) : null;
  const changed = differences.length > 0 || refreshImage === 'moved';
  const note = record.source === source || source === null ? null : `now declared by ${source}`;
  const effect = refreshImage === 'moved' ? 'replace' : strongestEffect(differences);
  const action = changed ? 'update' : 'unchanged';
  const plan: ComponentPlan = { ...base, action, effect, differences, refreshImage, note };
  if (!changed && refreshImage === null && note === null) return { plan, change: null };
  const change: Change = { ...put, ifGeneration: record.generation, refreshImage: refreshImage !== null };
  return { plan, change };
}

function refreshReason(record: ComponentRecord, spec: ComponentSpec): 'moved' | 'always' | null {
  if (record.status.drift.some((drift) => drift.field === 'image')) return 'moved';
  return spec.pull === 'always' ? 'always' : null;
}

/** Plans the deletion of one component. */
export function planDelete(record: ComponentRecord, note: string | null): PlannedItem {
  const { service, component } = record.key;
  return {
    plan: { service, component, action: 'delete', effect: 'remove', differences: [], refreshImage: null, note },
    change: { kind: 'delete-component', key: record.key, ifGeneration: record.generation },
  };
}

/** Adds a planned component to a part, with what it would undo; null: nothing. */
export function pushItem(part: PlanPart, item: PlannedItem, conflict: PlanConflict | null, force: boolean): void {
  const blocked = conflict !== null && !force;
  part.components.push(blocked ? { ...item.plan, action: 'conflict' } : item.plan);
  if (conflict !== null && item.plan.action !== 'unchanged') part.conflicts.push(conflict);
  if (item.change !== null) part.changes.push(item.change);
}

/** What the parts of a plan come to, with the changes that carry it out. */
export function joinParts(
  parts: readonly PlanPart[],
  records: PlanRecords,
  problems: readonly DefinitionProblem[],
  force: boolean,
): Plan {
  const services = parts.flatMap((part) => part.services);
  const components = parts.flatMap((part) => part.components);
  const conflicts = parts.flatMap((part) => part.conflicts);
  const changes = parts.flatMap((part) => part.changes);
  const breaches = newBreaches(records.components, changes);
  const usable = problems.length === 0 && breaches.length === 0 && (force || conflicts.length === 0);
  const settled = (item: { readonly action: PlanAction }): boolean =>
    item.action === 'unchanged' || item.action === 'kept';
  return {
    services: services.map((item) => (force && item.action === 'conflict' ? { ...item, action: 'update' } : item)),
    components,
    conflicts,
    problems,
    breaches,
    changes: usable ? changes : [],
    differs: !(services.every(settled) && components.every(settled)),
  };
}

/** Rules that the records do not break, and would after the changes. */
function newBreaches(records: readonly ComponentRecord[], changes: readonly Change[]): readonly RuleProblem[] {
  const touching = changes.some((change) => change.kind === 'put-component' || change.kind === 'delete-component');
  if (!touching) return [];
  const before: RuleSubject[] = records.map((record) => ({
    service: record.key.service,
    spec: record.spec,
    generation: record.generation,
    deleting: record.deleting,
  }));
  const after = new Map(before.map((subject) => [subjectKey(subject), subject]));
  for (const change of changes) {
    if (change.kind === 'put-component') {
      const subject = { service: change.service, spec: change.spec };
      after.set(subjectKey(subject), subject);
    } else if (change.kind === 'delete-component') {
      const old = after.get(formatKey(change.key));
      if (old) after.set(formatKey(change.key), { ...old, deleting: true });
    }
  }
  const known = new Set(findRuleProblems(before).map((problem) => problem.message));
  return findRuleProblems([...after.values()]).filter((problem) => !known.has(problem.message));
}

function subjectKey(subject: RuleSubject): string {
  return formatKey({ service: subject.service, component: subject.spec.name });
}

/** Differences of the service itself; none when it is to be made. */
export function diffService(service: ServiceRecord | undefined, spec: ServiceSpec): readonly PlanDifference[] {
  if (service === undefined || service.deleting) return [];
  const differences: PlanDifference[] = [];
  if (service.node !== spec.node) differences.push({ field: 'node', before: service.node, after: spec.node });
  if (service.active !== spec.active) differences.push({ field: 'active', before: service.active, after: spec.active });
  return differences;
}

function strongestEffect(differences: readonly SpecFieldChange[]): ChangeEffect {
  if (differences.some((difference) => difference.effect === 'replace')) return 'replace';
  return differences.some((difference) => difference.effect === 'update') ? 'update' : 'none';
}

/** Something newer that would be undone; `component` null: the service itself. */
export function conflictOf(
  service: string,
  component: string | null,
  revision: number,
  appliedRevision: number | null,
): PlanConflict {
  const name = component === null ? `service ${service}` : `${service}/${component}`;
  const message =
    appliedRevision === null
      ? `${name} was changed by hand at revision ${revision}, and no file declared it`
      : `${name} was changed elsewhere at revision ${revision}, after revision ${appliedRevision}`;
  return { service, component, revision, appliedRevision, message };
}

/** Most of what is applied is as it was; a plain comparison tells that much faster than the differences do. */
function differencesOf(before: ComponentSpec, after: ComponentSpec): readonly SpecFieldChange[] {
  return isSame(before, after) ? [] : diffSpecs(before, after);
}

/** True when two JSON values are the same, written the same way. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  const names = Object.keys(left);
  if (Array.isArray(a) !== Array.isArray(b) || names.length !== Object.keys(right).length) return false;
  return names.every((name) => isSame(left[name], right[name]));
}
