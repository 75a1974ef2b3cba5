/** `berth apply` */
import { formatPlan, planJson } from '../output/plan-text.js';
import { remarkWithoutAgent } from '../changing.js';
import { showingConflict } from '../conflicts.js';
import type { CommandRun } from '../invocation.js';
import { runPlan } from '../planning.js';

/** Feeds definition files into the registry; `--dry-run` shows what it would do. */
export const run: CommandRun = async (invocation) => {
  const { options, styles } = invocation;
  const request = { path: invocation.file(), prune: options.flag('prune'), force: options.flag('force') };
  const client = await invocation.connect({ create: !options.flag('dryRun') });
  if (options.flag('dryRun')) return runPlan(invocation, await client.plan(request), { force: request.force });
  const result = await showingConflict(invocation, () => client.apply({ ...request, ...invocation.note }));
  if (invocation.json) {
    invocation.printJson({ revision: result.revision, changed: result.changed, plan: planJson(result.plan) });
    return 0;
  }
  invocation.print(formatPlan(result.plan, styles));
  if (!result.changed) return 0;
  invocation.print(`applied at revision ${result.revision}`);
  await remarkWithoutAgent(invocation, client);
  return 0;
};
