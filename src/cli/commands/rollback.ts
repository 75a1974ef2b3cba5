/** `berth rollback` */
import { BerthError } from '../../core/errors.js';
import type { CommandRun } from '../invocation.js';
import { formatPlan, planJson } from '../output/plan-text.js';
import { runPlan } from '../planning.js';

/** Puts a service back to what it was; that is a change like any other, and can be rolled back too. */
export const run: CommandRun = async (invocation) => {
  const service = invocation.arg(0);
  if (service.includes('/')) throw new BerthError('E_USAGE', 'rollback wants a service, all of it');
  const to = invocation.options.count('to', 1);
  const client = await invocation.connect();
  if (invocation.options.flag('dryRun'))
    return runPlan(invocation, await client.planRollback(service, to), { force: true });
  const result = await client.rollback(service, to, invocation.note);
  if (invocation.json) {
    invocation.printJson({
      revision: result.revision,
      to: result.to,
      changed: result.changed,
      plan: planJson(result.plan),
    });
    return 0;
  }
  invocation.print(formatPlan(result.plan, invocation.styles));
  const done = `service ${service} is as it was at revision ${result.to}`;
  invocation.print(result.changed ? `${done}; this is revision ${result.revision}` : `${done} already`);
  return 0;
};
