/**
 * What applying definitions would change in the registry, and what it would undo. Pure: records in, a plan
 * out. The command line, the API and the folder watcher all decide with it.
 *
 * The rules of "two sources, one truth":
 * - a file feeds the registry when its content changed since it last did, or when a person applies it;
 * - what was edited elsewhere since then is not undone without `force`;
 * - what a file no longer declares is removed with `prune` alone, and only if this file declared it;
 * - `start` and `stop` are not in files, so no plan touches them.
 */
import { formatKey } from './names.js';
import type { ComponentPlan, Plan, PlanConflict, PlanRecords } from './plan.js';
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
  type PlanPart,
  type RecordIndex,
} from './plan-parts.js';
import type { Definition, DefinitionProblem } from './ports/definition.js';
import type { ComponentRecord, ServiceRecord, SourceRecord } from './ports/registry.js';

/** What was applied, beside the definitions themselves. */
export interface PlanScope {
  /** A person asked for it. The folder watcher does not: an unchanged file then changes nothing. */
  readonly explicit: boolean;
  /** The folder that was applied as a whole; null: single files. */
  readonly folder: string | null;
  /** All definition files that were found, absolute. */
  readonly files: readonly string[];
}

export interface PlanApplyInput {
  readonly definitions: readonly Definition[];
  readonly records: PlanRecords;
  readonly sources: readonly SourceRecord[];
  readonly prune: boolean;
  readonly force: boolean;
  /** Whoever asks may not learn whether a secret is as they guess. Default: false. */
  readonly blind?: boolean;
  readonly scope: PlanScope;
}

/** The plan of applying definition files. */
export function planApply(input: PlanApplyInput): Plan {
  const index = indexRecords(input.records, input.sources);
  const parts: PlanPart[] = [];
  const problems: DefinitionProblem[] = [];
  const declared = new Map<string, Definition>();
  for (const definition of input.definitions) {
    const first = declared.get(definition.spec.name);
    if (first !== undefined) {
      problems.push(duplicateService(definition, first));
      continue;
    }
    declared.set(definition.spec.name, definition);
    const restored = restoreService(definition.spec, index, { ...input, path: definition.path });
    problems.push(...restored.problems);
    parts.push(planDefinition({ ...definition, spec: restored.spec }, index, input));
  }
  parts.push(planUndeclared(declared, index, input));
  return joinParts(parts, input.records, problems, input.force);
}

function planDefinition(definition: Definition, index: RecordIndex, input: PlanApplyInput): PlanPart {
  const { spec, path } = definition;
  const { explicit } = input.scope;
  const part = emptyPart();
  const source = index.sources.get(spec.name);
  const fed = source?.path === path && source.contentHash === definition.contentHash;
  if (!explicit && fed) return part;
  const service = index.services.get(spec.name);
  const differences = diffService(service, spec);
  if (!explicit && source !== undefined && source.path !== path) {
    part.conflicts.push(otherFileConflict(spec.name, source, path));
  }
  const rowConflict = differences.length > 0 ? newerRow(service, source) : null;
  if (rowConflict !== null) part.conflicts.push(rowConflict);
  planServiceRow(part, spec, service, path, differences);
  for (const component of spec.components) {
    const record = index.components.get(formatKey({ service: spec.name, component: component.name }));
    const item = planComponent({ service: spec.name, spec: component, record, source: path, explicit });
    pushItem(part, item, item.plan.differences.length > 0 ? newerEdit(record, source) : null, input.force);
  }
  if (!fed || part.changes.length > 0) {
    part.changes.push({
      kind: 'put-source',
      source: { service: spec.name, path, contentHash: definition.contentHash },
    });
  }
  return part;
}

function appliedRevisionOf(source: SourceRecord | undefined): number {
  return source?.appliedRevision ?? 0;
}

/** The edit of a service's own row since its source was last fed in; null when there was none. */
function newerRow(service: ServiceRecord | undefined, source: SourceRecord | undefined): PlanConflict | null {
  if (service === undefined || service.revision <= appliedRevisionOf(source)) return null;
  return conflictOf(service.name, null, service.revision, source?.appliedRevision ?? null);
}

/** The edit of a component since its source was last fed in; null when there was none. */
function newerEdit(record: ComponentRecord | undefined, source: SourceRecord | undefined): PlanConflict | null {
  if (record === undefined || record.deleting || record.generation <= appliedRevisionOf(source)) return null;
  const { service, component } = record.key;
  return conflictOf(service, component, record.generation, source?.appliedRevision ?? null);
}

/** What the applied files declared once and declare no longer. */
function planUndeclared(
  declared: ReadonlyMap<string, Definition>,
  index: RecordIndex,
  input: PlanApplyInput,
): PlanPart {
  const part = emptyPart();
  const covered = coveredPaths(input);
  const wanted = new Set<string>();
  for (const { spec } of declared.values()) {
    for (const component of spec.components) wanted.add(formatKey({ service: spec.name, component: component.name }));
  }
  const removed = new Set<string>();
  for (const record of input.records.components) {
    if (record.deleting || record.source === null || !covered.has(record.source)) continue;
    if (wanted.has(formatKey(record.key))) continue;
    if (!input.prune) {
      part.components.push(keptPlan(record));
      continue;
    }
    removed.add(formatKey(record.key));
    const conflict = newerEdit(record, index.sources.get(record.key.service));
    pushItem(part, planDelete(record, `no longer in ${record.source}`), conflict, input.force);
  }
  if (input.prune) pruneServices(part, { declared, covered, removed, index, sources: input.sources });
  return part;
}

/** Services that no applied file declares any more go with their last component. */
function pruneServices(
  part: PlanPart,
  context: {
    readonly declared: ReadonlyMap<string, Definition>;
    readonly covered: ReadonlySet<string>;
    readonly removed: ReadonlySet<string>;
    readonly index: RecordIndex;
    readonly sources: readonly SourceRecord[];
  },
): void {
  const { declared, covered, removed, index, sources } = context;
  for (const source of sources) {
    if (declared.has(source.service) || !covered.has(source.path)) continue;
    const rest = (index.componentsOf.get(source.service) ?? []).filter(
      (record) => !record.deleting && !removed.has(formatKey(record.key)),
    );
    const service = index.services.get(source.service);
    if (service !== undefined && !service.deleting && rest.length === 0) {
      part.services.push({ service: source.service, source: source.path, action: 'delete', differences: [] });
      part.changes.push({ kind: 'delete-service', name: source.service });
    }
    part.changes.push({ kind: 'delete-source', service: source.service });
  }
}

/** Files that the apply speaks for: those found, and those of the folder that are gone. */
function coveredPaths(input: PlanApplyInput): ReadonlySet<string> {
  const covered = new Set(input.definitions.map((definition) => definition.path));
  const { folder } = input.scope;
  if (folder === null) return covered;
  const found = new Set(input.scope.files);
  const inFolder = (path: string): boolean => path.slice(0, Math.max(path.lastIndexOf('/'), 1)) === folder;
  const paths = [
    ...input.sources.map((source) => source.path),
    ...input.records.components.flatMap((record) => (record.source === null ? [] : [record.source])),
  ];
  for (const path of paths) {
    if (inFolder(path) && !found.has(path)) covered.add(path);
  }
  return covered;
}

function keptPlan(record: ComponentRecord): ComponentPlan {
  return {
    ...record.key,
    action: 'kept',
    effect: 'none',
    differences: [],
    refreshImage: null,
    note: `no longer in ${record.source ?? 'its file'}; remove it with --prune`,
  };
}

function otherFileConflict(service: string, source: SourceRecord, path: string): PlanConflict {
  const message = `service ${service} is declared by ${source.path}; ${path} declares it as well`;
  return {
    service,
    component: null,
    revision: source.appliedRevision,
    appliedRevision: source.appliedRevision,
    message,
  };
}

function duplicateService(definition: Definition, first: Definition): DefinitionProblem {
  return {
    path: definition.path,
    line: 1,
    column: 1,
    field: 'name',
    message: `service "${definition.spec.name}" is declared by ${first.path} as well`,
    suggestion: 'give one of them another name, or put their components into one file',
  };
}
