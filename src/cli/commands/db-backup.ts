/** `berth db backup` */
import type { CommandRun } from '../invocation.js';

/** Writes a copy of the registry and prints where it is. */
export const run: CommandRun = async (invocation) => {
  const [to] = invocation.args;
  const { maintenance } = invocation.deps;
  const path = await maintenance.backup(invocation.home, to === undefined ? null : invocation.path(to));
  invocation.print(path);
  return 0;
};
