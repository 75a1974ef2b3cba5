/** `berth db restore` */
import type { CommandRun } from '../invocation.js';

/** Puts a backup in the registry's place, after a yes. */
export const run: CommandRun = async (invocation) => {
  const from = invocation.path(invocation.arg(0));
  if (!(await invocation.confirm(`Replace the registry by ${from}?`))) {
    invocation.print('nothing was restored');
    return 1;
  }
  const { path, kept } = await invocation.deps.maintenance.restore(invocation.home, from);
  invocation.print(`${path} is restored from ${from}`);
  if (kept !== null) invocation.print(`what was there before is kept in ${kept}`);
  return 0;
};
