/** `berth db check` */
import { BerthError } from '../../core/errors.js';
import type { CommandRun } from '../invocation.js';

/** Checks the registry file. E_REGISTRY_CORRUPT with what was found. */
export const run: CommandRun = async (invocation) => {
  const result = await invocation.deps.maintenance.check(invocation.home);
  if (invocation.json) invocation.printJson(result);
  else if (result.ok) invocation.print(`${result.path} is sound, schema version ${result.version}`);
  if (result.ok) return 0;
  if (!invocation.json) for (const problem of result.problems) invocation.print(problem);
  throw new BerthError('E_REGISTRY_CORRUPT', `${result.path} is damaged: ${result.problems[0] ?? 'see above'}`);
};
