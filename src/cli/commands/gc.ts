/** `berth gc` */
import type { GarbageReport, GarbageView } from '../../api/views.js';
import { formatAge, formatBytes } from '../durations.js';
import type { CommandRun, Invocation } from '../invocation.js';
import { cell, formatTable } from '../output/table.js';

/** Removes what drivers keep and nothing uses. Exit 1 when something could not be removed, or a driver not be asked. */
export const run: CommandRun = async (invocation) => {
  const client = await invocation.connect();
  const { signal } = invocation.untilInterrupted();
  const report = await client.gc({ dryRun: invocation.options.flag('dryRun') }, signal);
  if (invocation.json) invocation.printJson(report);
  else printReport(invocation, report);
  return report.unreachable.length > 0 || report.items.some((item) => item.error !== null) ? 1 : 0;
};

function printReport(invocation: Invocation, report: GarbageReport): void {
  const { styles, deps } = invocation;
  if (report.items.length === 0) invocation.print('nothing is kept that is not used');
  else {
    const nowMs = deps.clock.now();
    const rows = report.items.map((item) => [
      cell(item.driver),
      cell(item.what),
      cell(formatBytes(item.bytes)),
      cell(`${formatAge(nowMs - Date.parse(item.usedAt))} ago`),
      cell(resultOf(item, report.dryRun), item.error === null ? 'plain' : 'bad'),
    ]);
    invocation.print(formatTable(['DRIVER', 'WHAT', 'SIZE', 'LAST USED', 'RESULT'], rows, styles));
    const count = report.dryRun ? report.items.length : report.items.filter((item) => item.removed).length;
    const total = `${count} ${count === 1 ? 'thing' : 'things'}, ${formatBytes(report.totalBytes)}`;
    invocation.print(report.dryRun ? `${total} would be freed by: berth gc` : `${total} freed`);
  }
  for (const { driver, error } of report.unreachable) {
    invocation.remark(`${driver} could not say what it keeps: ${error}`);
  }
}

function resultOf(item: GarbageView, dryRun: boolean): string {
  if (item.error !== null) return `kept: ${item.error}`;
  return dryRun ? 'would be removed' : 'removed';
}
