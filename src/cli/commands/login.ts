/** `berth login` */
import type { CommandRun } from '../invocation.js';
import { formatTime } from '../durations.js';

/** Prints a link that logs a browser in, once. E_AGENT_UNREACHABLE without an agent. */
export const run: CommandRun = async (invocation) => {
  const { home, host } = invocation;
  const token = invocation.options.text('as');
  const link = await invocation.deps.loginLink({ home, host, token, actor: invocation.actor });
  if (invocation.json) {
    invocation.printJson(link);
    return 0;
  }
  invocation.print(link.url);
  invocation.remark(`it works once, until ${formatTime(link.expiresAt)}`);
  return 0;
};
