/** `berth db migrate` */
import type { CommandRun } from '../invocation.js';

/** Brings the registry up to this version and says where the copy from before is. */
export const run: CommandRun = async (invocation) => {
  const { path, from, to, backup } = await invocation.deps.maintenance.migrate(invocation.home);
  if (from === to) invocation.print(`${path} is at schema version ${to} already`);
  else {
    invocation.print(`${path} is migrated from schema version ${from} to ${to}`);
    if (backup !== null) invocation.print(`to go back: berth db restore ${backup}`);
  }
  return 0;
};
