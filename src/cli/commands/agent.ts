/** `berth agent` */
import type { CommandRun } from '../invocation.js';

/** Runs the agent in the foreground until it is told to stop. */
export const run: CommandRun = (invocation) => {
  const { deps, home, options } = invocation;
  const config = options.text('config');
  return deps.runAgent({
    home,
    config: config === null ? null : invocation.path(config),
    watch: options.list('watch').map((folder) => invocation.path(folder)),
    set: options.list('set'),
  });
};
