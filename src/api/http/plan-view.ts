/** Plans as they are answered. */
import type { PlanResult } from '../client.js';

/** Without the statements that carry it out: those are the agent's own business. */
export function shownPlan<P extends PlanResult>({ plan, ...rest }: P) {
  const { services, components, conflicts, problems, breaches, differs } = plan;
  return { ...rest, plan: { services, components, conflicts, problems, breaches, differs } };
}
