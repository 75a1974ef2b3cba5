/** `berth token rotate` */
import type { CommandRun } from '../invocation.js';
import { defaultToken, printToken } from '../output/token.js';

/** Makes a token anew and prints it. E_NOT_FOUND. */
export const run: CommandRun = async (invocation) => {
  const keeper = await invocation.deps.tokens(invocation.home);
  printToken(invocation, await keeper.rotate(invocation.args[0] ?? defaultToken));
  return 0;
};
