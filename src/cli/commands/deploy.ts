/** `berth deploy` */
import type { AppliedResult, BerthClient } from '../../api/client.js';
import { BerthError } from '../../core/errors.js';
import { showingConflict } from '../conflicts.js';
import type { CommandRun, Invocation } from '../invocation.js';
import { formatPlan, planJson } from '../output/plan-text.js';
import { defaultTimeoutMs, waitAndReport } from '../waiting.js';

/** Applies definitions, or takes moved image tags of a target, and waits until all has converged. */
export const run: CommandRun = async (invocation) => {
  const timeoutMs = invocation.options.durationMs('timeout', defaultTimeoutMs);
  const change = changeOf(invocation);
  const client = await invocation.connect({ create: invocation.options.text('file') !== null });
  const result = await showingConflict(invocation, () => change(client));
  if (!invocation.json) invocation.print(formatPlan(result.plan, invocation.styles));
  const components = result.plan.components
    .filter((item) => item.action !== 'kept')
    .map(({ service, component }) => ({ service, component }));
  const extra = { changed: result.changed, plan: planJson(result.plan) };
  return waitAndReport(invocation, client, { components, timeoutMs, revision: result.revision, extra });
};

function changeOf(invocation: Invocation): (client: BerthClient) => Promise<AppliedResult> {
  const { options, note } = invocation;
  const target = invocation.target(0);
  const hasFile = options.text('file') !== null;
  if (target !== null && hasFile) {
    throw new BerthError('E_USAGE', 'a service and -f were named; deploy wants one of them');
  }
  if (target !== null) return (client) => client.refresh(target, note);
  if (!hasFile) {
    throw new BerthError('E_USAGE', 'nothing to deploy was named', {
      suggestion: 'name a service, or a definition with: -f PATH',
    });
  }
  const request = { path: invocation.file(), prune: options.flag('prune'), force: options.flag('force'), ...note };
  return (client) => client.apply(request);
}
