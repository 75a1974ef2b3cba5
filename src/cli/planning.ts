/** Showing a plan that is not carried out. */
import type { PlanResult } from '../api/client.js';
import { BerthError } from '../core/errors.js';
import type { Plan } from '../core/plan.js';
import type { Invocation } from './invocation.js';
import { formatPlan, planJson } from './output/plan-text.js';

/** The exit code of `--exit-code` when there is a difference. */
export const exitDiffers = 10;

/** Prints a plan, and what would keep it from being applied. Answers the exit code. */
export function runPlan(
  invocation: Invocation,
  { revision, plan }: PlanResult,
  { force, exitCode = false }: { readonly force: boolean; readonly exitCode?: boolean },
): number {
  if (invocation.json) invocation.printJson({ revision, ...planJson(plan) });
  else {
    invocation.print(formatPlan(plan, invocation.styles));
    if (!plan.differs) invocation.print('nothing to change');
    for (const conflict of plan.conflicts) {
      invocation.remark(force ? `undoes: ${conflict.message}` : `conflict: ${conflict.message}; apply wants --force`);
    }
  }
  throwProblems(plan);
  return exitCode && plan.differs ? exitDiffers : 0;
}

function throwProblems(plan: Plan): void {
  if (plan.problems.length > 0) {
    throw new BerthError('E_DEFINITION', 'the definitions do not fit together', {
      details: { problems: plan.problems },
    });
  }
  const [breach] = plan.breaches;
  if (breach === undefined) return;
  throw new BerthError(breach.code, breach.message, {
    suggestion: breach.suggestion,
    details: { breaches: plan.breaches },
  });
}
