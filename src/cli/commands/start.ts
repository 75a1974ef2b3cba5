/** `berth start` */
import { changeAndReport } from '../changing.js';
import type { CommandRun } from '../invocation.js';

/** Sets what is wanted now; no apply undoes it. */
export const run: CommandRun = (invocation) => {
  const target = invocation.requiredTarget();
  return changeAndReport(invocation, 'wanted running', (client) =>
    client.setDesired(target, 'running', invocation.note),
  );
};
