/** What start, stop, restart and delete have in common. */
import type { BerthClient, ChangeResult } from '../api/client.js';
import type { Invocation } from './invocation.js';
import { noAgent } from './output/status-table.js';
import { defaultTimeoutMs, waitAndReport } from './waiting.js';

/** Carries out a change, says what was asked for, and with `--wait` waits for it. */
export async function changeAndReport(
  invocation: Invocation,
  verb: string,
  change: (client: BerthClient) => Promise<ChangeResult>,
): Promise<number> {
  const { options } = invocation;
  const timeoutMs = options.durationMs('timeout', defaultTimeoutMs);
  const client = await invocation.connect();
  const result = await change(client);
  if (options.flag('wait')) {
    return waitAndReport(invocation, client, { components: result.components, timeoutMs, revision: result.revision });
  }
  if (invocation.json) {
    invocation.printJson(result);
    return 0;
  }
  for (const { service, component } of result.components) invocation.print(`${service}/${component}: ${verb}`);
  await remarkWithoutAgent(invocation, client);
  return 0;
}

/** Says so when nobody will act on a change. */
export async function remarkWithoutAgent(invocation: Invocation, client: BerthClient): Promise<void> {
  if ((await client.agent()) === null) invocation.remark(noAgent);
}
