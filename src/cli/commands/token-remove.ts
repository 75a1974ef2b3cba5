/** `berth token remove` */
import type { CommandRun } from '../invocation.js';

/** Takes a token away. E_NOT_FOUND. */
export const run: CommandRun = async (invocation) => {
  const keeper = await invocation.deps.tokens(invocation.home);
  await keeper.remove(invocation.arg(0));
  return 0;
};
