/** The words of a plan: what would change in the registry, component by component. Pure. */
import type { DefinitionProblem } from './ports/definition.js';
import type { Change, ComponentRecord, ServiceRecord } from './ports/registry.js';
import type { RuleProblem } from './rules.js';
import type { ChangeEffect, SpecFieldChange } from './spec-diff.js';

/** `kept`: no longer declared, and left alone for want of `prune`. */
export type PlanAction = 'create' | 'update' | 'delete' | 'unchanged' | 'kept' | 'conflict';

/** What a plan does to what runs; `create` and `remove` speak for themselves. */
export type PlanEffect = ChangeEffect | 'create' | 'remove';

export interface ServicePlan {
  readonly service: string;
  /** The file that declares it; null: an edit by hand. */
  readonly source: string | null;
  readonly action: PlanAction;
  /** Of the service itself: `node`, `active`. */
  readonly differences: readonly PlanDifference[];
}

export interface PlanDifference {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface ComponentPlan {
  readonly service: string;
  readonly component: string;
  readonly action: PlanAction;
  /** The strongest effect of all differences. */
  readonly effect: PlanEffect;
  readonly differences: readonly SpecFieldChange[];
  /** Why the image is asked for again: its tag moved, or `pull = "always"` says so. null: it is not. */
  readonly refreshImage: 'moved' | 'always' | null;
  /** What else there is to know; null: nothing. */
  readonly note: string | null;
}

/** Something newer than the source that a plan would undo. */
export interface PlanConflict {
  readonly service: string;
  /** null: the service itself. */
  readonly component: string | null;
  /** The revision of the newer edit. */
  readonly revision: number;
  /** The revision after the source was last applied; null: no file ever declared it. */
  readonly appliedRevision: number | null;
  readonly message: string;
}

export interface Plan {
  readonly services: readonly ServicePlan[];
  readonly components: readonly ComponentPlan[];
  /** Not empty: nothing may be changed without `force`. With `force` the list says what is undone. */
  readonly conflicts: readonly PlanConflict[];
  /** What keeps the definitions from being applied together. */
  readonly problems: readonly DefinitionProblem[];
  /** Rules across components that the outcome would break and what is there now does not. */
  readonly breaches: readonly RuleProblem[];
  /** For `Registry.change`; empty when there are problems or breaches, or conflicts without `force`. */
  readonly changes: readonly Change[];
  /** True when the registry and the definitions differ in what they want. */
  readonly differs: boolean;
}

export interface PlanRecords {
  readonly services: readonly ServiceRecord[];
  readonly components: readonly ComponentRecord[];
}
