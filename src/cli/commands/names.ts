/** `berth names`: for the completion scripts. */
import type { CommandRun } from '../invocation.js';

/** Prints every service and component, one a line. */
export const run: CommandRun = async (invocation) => {
  const client = await invocation.connect();
  for (const name of await client.names()) invocation.print(name);
  return 0;
};
