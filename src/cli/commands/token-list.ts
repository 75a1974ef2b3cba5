/** `berth token list` */
import type { CommandRun } from '../invocation.js';
import { formatTime } from '../durations.js';
import { cell, formatTable } from '../output/table.js';

/** Shows the tokens of the home, by name alone. */
export const run: CommandRun = async (invocation) => {
  const keeper = await invocation.deps.tokens(invocation.home);
  const tokens = (await keeper.list()).map(({ name, access, createdAt }) => ({ name, access, createdAt }));
  if (invocation.json) {
    invocation.printJson(tokens);
    return 0;
  }
  if (tokens.length === 0) {
    invocation.remark(
      `there are none in ${keeper.path}: an agent makes one at its first start, or: berth token add NAME`,
    );
    return 0;
  }
  const rows = tokens.map(({ name, access, createdAt }) => [cell(name), cell(access), cell(formatTime(createdAt))]);
  invocation.print(formatTable(['NAME', 'ACCESS', 'MADE'], rows, invocation.styles));
  return 0;
};
