/** `berth restart` */
import { changeAndReport } from '../changing.js';
import type { CommandRun } from '../invocation.js';

/** Asks for one restart of what is wanted running. */
export const run: CommandRun = (invocation) => {
  const target = invocation.requiredTarget();
  return changeAndReport(invocation, 'restart asked for', (client) => client.restart(target, invocation.note));
};
