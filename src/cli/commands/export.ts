/** `berth export` */
import type { CommandRun } from '../invocation.js';

/** Prints a service as a definition that applies to the same. */
export const run: CommandRun = async (invocation) => {
  const client = await invocation.connect();
  const { spec, text } = await client.export(invocation.arg(0), { reveal: invocation.options.flag('reveal') });
  if (invocation.json) invocation.printJson(spec);
  else invocation.print(text.trimEnd());
  return 0;
};
