/** `berth exec` */
import { formatBytes } from '../durations.js';
import type { CommandRun } from '../invocation.js';

/** Runs a program inside a container; its exit code is the command's. */
export const run: CommandRun = async (invocation) => {
  const target = invocation.requiredComponent('exec');
  const argv = invocation.args.slice(1);
  const client = await invocation.connect();
  const { signal } = invocation.untilInterrupted();
  const result = await client.exec(target, argv, signal);
  if (invocation.json) invocation.printJson(result);
  else {
    invocation.write(result.stdout);
    invocation.deps.stdio.stderr.write(result.stderr);
    for (const [name, bytes] of Object.entries(result.cut ?? {})) {
      if (bytes > 0)
        invocation.remark(`only the first MiB of its ${name} is shown: ${formatBytes(bytes)} were left out`);
    }
  }
  return result.exitCode;
};
