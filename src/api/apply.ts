/** Operations that change definitions: plan first, refuse what must not be, then write in one transaction. */
import { BerthError } from '../core/errors.js';
import type { Plan, PlanRecords } from '../core/plan.js';
import { planApply } from '../core/plan-apply.js';
import { baseOf, planRefresh, planReplace, type ServiceBase } from '../core/plan-replace.js';
import type { ServiceSpec } from '../core/spec.js';
import type { AppliedResult, ApplyOptions, PlanResult, ReplaceOptions, Target } from './client.js';
import { requireBase } from './bases.js';
import { definitionError, loadDefinitions, parseEdit, type LoadedDefinitions } from './definitions.js';
import { maskPlan } from './mask.js';
import { contextOf, type LocalClientPorts } from './ports.js';
import { findLiving } from './targets.js';

/** What applying a file or folder would do. E_DEFINITION. */
export async function planOfApply(ports: LocalClientPorts, options: ApplyOptions): Promise<PlanResult> {
  return planOfDefinitions(ports, await loadDefinitions(await ports.reader(), options.path), options);
}

/** What applying definitions that were read already would do. */
export async function planOfDefinitions(
  ports: LocalClientPorts,
  loaded: LoadedDefinitions,
  options: Pick<ApplyOptions, 'prune' | 'force'>,
): Promise<PlanResult> {
  const { revision, records } = await readState(ports);
  const plan = planApply({
    ...loaded,
    records,
    sources: await ports.registry.sources(),
    blind: ports.blind ?? false,
    prune: options.prune,
    force: options.force,
  });
  return { revision, plan };
}

/** What an edited text would do to its service. E_DEFINITION. */
export async function planOfReplace(ports: LocalClientPorts, options: ReplaceOptions): Promise<PlanResult> {
  return planOfSpec(ports, parseEdit(await ports.reader(), options).spec, options);
}

export interface SpecOptions {
  /** What conflicts are told by; null: the service as it is now. */
  readonly base: ServiceBase | null;
  readonly force: boolean;
  readonly path?: string;
  /** E_CONFLICT when the service is another one by now; absent or null: whatever it is. */
  readonly seen?: ServiceBase | null | undefined;
}

/** What it takes to make a service exactly `spec`. */
export async function planOfSpec(
  ports: LocalClientPorts,
  spec: ServiceSpec,
  options: SpecOptions,
): Promise<PlanResult> {
  const { revision, records } = await readState(ports);
  const { base, force, path, seen = null } = options;
  if (seen !== null) requireBase(spec.name, seen, baseOf(spec.name, records));
  const named = path === undefined ? {} : { path };
  return { revision, plan: planReplace({ spec, records, base, force, blind: ports.blind ?? false, ...named }) };
}

/** What following the moved image tags of a target would do. E_NOT_FOUND. */
export async function planOfRefresh(ports: LocalClientPorts, target: Target): Promise<PlanResult> {
  const revision = await ports.registry.revision();
  return { revision, plan: planRefresh(await findLiving(ports.registry, target)) };
}

/** A plan as it is shown: what it writes has secrets, what anybody sees has none. */
export function shown<Planned extends PlanResult>(planned: Planned): Planned {
  return { ...planned, plan: maskPlan(planned.plan) };
}

/** Writes what a plan says, and answers it as it is shown. E_CONFLICT, or the code of the rule that the outcome would break. */
export async function carryOut(
  ports: LocalClientPorts,
  planned: PlanResult,
  force: boolean,
  message: string | null,
): Promise<AppliedResult> {
  refuse(planned.plan, force);
  const { changes } = planned.plan;
  if (changes.length === 0) return { ...shown(planned), changed: false };
  const revision = await ports.registry.change(changes, contextOf(ports, message));
  return { ...shown({ plan: planned.plan, revision }), changed: true };
}

/** Throws when a plan must not be carried out. E_DEFINITION, E_CONFLICT, E_PORT_COLLISION, E_NAME_COLLISION. */
export function refuse(plan: Plan, force: boolean): void {
  if (plan.problems.length > 0) throw definitionError(plan.problems);
  const breach = plan.breaches[0];
  if (breach !== undefined) {
    const others = plan.breaches.length > 1 ? ` (and ${plan.breaches.length - 1} more)` : '';
    throw new BerthError(breach.code, `${breach.message}${others}`, {
      suggestion: breach.suggestion,
      details: { breaches: plan.breaches },
    });
  }
  if (plan.conflicts.length > 0 && !force) {
    const [first] = plan.conflicts;
    const others = plan.conflicts.length > 1 ? ` (and ${plan.conflicts.length - 1} more)` : '';
    throw new BerthError('E_CONFLICT', `${first?.message ?? 'it was changed elsewhere'}${others}`, {
      details: { conflicts: plan.conflicts, services: plan.services, components: maskPlan(plan).components },
    });
  }
}

async function readState(
  ports: LocalClientPorts,
): Promise<{ readonly revision: number; readonly records: PlanRecords }> {
  const { registry } = ports;
  const revision = await registry.revision();
  const [services, components] = await Promise.all([registry.services(), registry.components()]);
  return { revision, records: { services, components } };
}
