/** `berth vm setup` */
import type { CommandRun } from '../invocation.js';

/** Fetches the kernel that microVMs boot, and says where it is. What is there already stays. */
export const run: CommandRun = async (invocation) => {
  const { signal } = invocation.untilInterrupted();
  const result = await invocation.deps.vm.setUp(
    invocation.home,
    (step) => {
      invocation.remark(step);
    },
    signal,
  );
  if (invocation.json) invocation.printJson(result);
  else invocation.print(`microVMs boot Linux ${result.version}: ${result.path}`);
  return 0;
};
