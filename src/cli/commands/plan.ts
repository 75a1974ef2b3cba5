/** `berth plan` */
import type { CommandRun } from '../invocation.js';
import { runPlan } from '../planning.js';

/** Shows what `apply` would do. */
export const run: CommandRun = async (invocation) => {
  const { options } = invocation;
  const path = invocation.file();
  const client = await invocation.connect({ create: false });
  const planned = await client.plan({ path, prune: options.flag('prune'), force: false });
  return runPlan(invocation, planned, { force: false, exitCode: options.flag('exitCode') });
};
