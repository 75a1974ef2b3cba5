/** A plan in lines for people. Pure. */
import type { ComponentPlan, Plan, PlanEffect } from '../../core/plan.js';
import { value } from './format.js';

/** One component, or the service itself, as a plan speaks of it. */
export interface PlanLine {
  readonly name: string;
  readonly sign: '+' | '-' | '~' | '!' | '=';
  readonly words: string;
  readonly differences: readonly { readonly field: string; readonly before: string; readonly after: string }[];
  readonly note: string | null;
}

const effects: Readonly<Record<PlanEffect, string>> = {
  replace: 'a new workload takes the place of the old one',
  update: 'changed in place',
  none: 'nothing that runs is touched',
  create: 'is made',
  remove: 'is removed, with its workload',
};

const signs: Readonly<Record<ComponentPlan['action'], PlanLine['sign']>> = {
  create: '+',
  update: '~',
  delete: '-',
  unchanged: '=',
  kept: '=',
  conflict: '!',
};

/** Everything that would change; what stays is left out. */
export function planLines(plan: Plan): readonly PlanLine[] {
  const services = plan.services
    .filter(({ differences }) => differences.length > 0)
    .map(({ service, action, differences }) => ({
      name: service,
      sign: signs[action],
      words: action === 'create' ? 'a new service' : 'the service itself',
      differences: action === 'create' ? [] : differences.map(inWords),
      note: null,
    }));
  const components = plan.components
    .filter(({ action, refreshImage }) => (action !== 'unchanged' && action !== 'kept') || refreshImage !== null)
    .map((item) => ({
      name: `${item.service}/${item.component}`,
      sign: signs[item.action],
      words: wordsOf(item),
      differences: item.action === 'delete' ? [] : item.differences.map(inWords),
      note: item.note,
    }));
  return [...services, ...components];
}

function wordsOf({ action, effect, refreshImage }: ComponentPlan): string {
  if (action === 'conflict') return 'was changed by somebody else meanwhile';
  if (refreshImage !== null) return `the image is taken anew (${refreshImage})`;
  if (action === 'create') return effects.create;
  return action === 'delete' ? effects.remove : effects[effect];
}

function inWords({
  field,
  before,
  after,
}: {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}) {
  return { field, before: value(before), after: value(after) };
}
