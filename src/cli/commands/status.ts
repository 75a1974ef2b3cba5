/** `berth status` */
import type { BerthClient } from '../../api/client.js';
import type { StatusReport } from '../../api/views.js';
import { formatTime } from '../durations.js';
import type { CommandRun, Invocation } from '../invocation.js';
import { noAgent, formatStatus } from '../output/status-table.js';

/** Shows every component, or those of one service. */
export const run: CommandRun = async (invocation) => {
  const service = invocation.args[0] ?? null;
  const client = await invocation.connect();
  if (invocation.options.flag('watch')) return watch(invocation, client, service);
  const report = await client.status({ service });
  if (invocation.json) {
    invocation.printJson(report);
    return 0;
  }
  invocation.print(formatStatus(report, invocation.deps.clock.now(), invocation.styles));
  if (report.agent === null) invocation.remark(noAgent);
  return 0;
};

const clearScreen = '\u001b[H\u001b[2J';

async function watch(invocation: Invocation, client: BerthClient, service: string | null): Promise<number> {
  const { signal } = invocation.untilInterrupted();
  for await (const report of client.watchStatus({ service }, signal)) {
    if (invocation.json) invocation.print(JSON.stringify(report));
    else redraw(invocation, report);
  }
  return 0;
}

/** On a terminal in place, else one table below the other. */
function redraw(invocation: Invocation, report: StatusReport): void {
  const { deps, styles } = invocation;
  const nowMs = deps.clock.now();
  const head = styles.paint('dim', `revision ${report.revision}, ${formatTime(new Date(nowMs).toISOString())}`);
  const lines = [head, formatStatus(report, nowMs, styles), ...(report.agent === null ? [noAgent] : [])];
  invocation.print(deps.stdio.stdout.isTty ? clearScreen + lines.join('\n') : `${lines.join('\n')}\n`);
}
