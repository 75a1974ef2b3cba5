/** `berth token add` */
import type { CommandRun } from '../invocation.js';
import { printToken } from '../output/token.js';

/** Makes a token and prints it. E_USAGE, E_CONFLICT. */
export const run: CommandRun = async (invocation) => {
  const access = invocation.options.text('access') === 'write' ? 'write' : 'read';
  const keeper = await invocation.deps.tokens(invocation.home);
  printToken(invocation, await keeper.add(invocation.arg(0), access));
  return 0;
};
