/** `berth usage` */
import type { BerthClient, Target } from '../../api/client.js';
import type { UsageReport } from '../../api/views.js';
import type { CommandRun } from '../invocation.js';
import { noAgent } from '../output/status-table.js';
import { cell, formatTable, type Cell } from '../output/table.js';

const headings = ['COMPONENT', 'MEMORY', 'LIMIT', 'PEAK 24H', 'CPU'];

/** Shows what components use of memory and processor. */
export const run: CommandRun = async (invocation) => {
  const target = invocation.requiredTarget();
  const client = await invocation.connect();
  const [reports, agent] = [await reportsOf(client, target), await client.agent()];
  if (invocation.json) {
    invocation.printJson(reports);
    return 0;
  }
  invocation.print(formatTable(headings, reports.map(usageRow), invocation.styles));
  if (agent === null) invocation.remark(noAgent);
  return 0;
};

async function reportsOf(client: BerthClient, { service, component }: Target): Promise<readonly UsageReport[]> {
  if (component !== null) return [await client.usage({ service, component })];
  const { components } = await client.status({ service });
  const reports: UsageReport[] = [];
  // One by one: a service of hundreds is no reason to ask an agent for all at once.
  for (const view of components) reports.push(await client.usage(view));
  return reports;
}

function usageRow({ service, component, now, memoryLimitMb, points }: UsageReport): readonly Cell[] {
  const peaks = [...points.map((point) => point.memoryPeakMb), ...(now === null ? [] : [now.memoryMb])];
  const limit = memoryLimitMb ?? Number.POSITIVE_INFINITY;
  const cpuPercent = now?.cpuPercent ?? null;
  return [
    cell(`${service}/${component}`),
    megabytes(now?.memoryMb ?? null, limit),
    cell(memoryLimitMb === null ? '-' : `${memoryLimitMb} MiB`, memoryLimitMb === null ? 'dim' : 'plain'),
    megabytes(peaks.length === 0 ? null : Math.max(...peaks), limit),
    cpuPercent === null ? cell('-', 'dim') : cell(`${cpuPercent.toFixed(1)} %`),
  ];
}

/** From nine tenths of the limit on it is told apart. */
const nearLimit = 0.9;

function megabytes(memoryMb: number | null, limitMb: number): Cell {
  if (memoryMb === null) return cell('-', 'dim');
  return cell(`${memoryMb.toFixed(1)} MiB`, memoryMb >= limitMb * nearLimit ? 'warn' : 'plain');
}
