/** Showing what a refused change would have undone. */
import { isBerthError } from '../core/errors.js';
import type { Plan } from '../core/plan.js';
import type { Invocation } from './invocation.js';
import { formatPlan } from './output/plan-text.js';

/** Runs a change; a conflict shows the plan on stderr before it is thrown on. */
export async function showingConflict<T>(invocation: Invocation, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (isBerthError(error, 'E_CONFLICT') && !invocation.json && isPlan(error.details)) {
      invocation.remark(formatPlan(error.details, invocation.styles));
    }
    throw error;
  }
}

function isPlan(details: Readonly<Record<string, unknown>>): details is Pick<Plan, 'services' | 'components'> {
  return Array.isArray(details['services']) && Array.isArray(details['components']);
}
