/** `berth token show` */
import type { CommandRun } from '../invocation.js';
import { defaultToken, printToken } from '../output/token.js';

/** Prints a token. E_NOT_FOUND. */
export const run: CommandRun = async (invocation) => {
  const keeper = await invocation.deps.tokens(invocation.home);
  printToken(invocation, await keeper.show(invocation.args[0] ?? defaultToken));
  return 0;
};
