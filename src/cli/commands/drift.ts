/** `berth drift` */
import type { StatusReport } from '../../api/views.js';
import { formatAge } from '../durations.js';
import type { CommandRun, Invocation } from '../invocation.js';
import { noAgent } from '../output/status-table.js';
import { cell, formatTable } from '../output/table.js';
import { exitDiffers } from '../planning.js';

/** Shows each difference between desired and observed, with its evidence and what is done about it. */
export const run: CommandRun = async (invocation) => {
  const client = await invocation.connect();
  const report = await client.status({ service: invocation.args[0] ?? null });
  const drift = report.components.flatMap((component) =>
    component.drift.map((item) => ({
      service: component.service,
      component: component.component,
      runtime: component.runtime,
      ...item,
    })),
  );
  const unknown = report.components.filter((component) => component.phase === 'unknown');
  if (invocation.json) {
    invocation.printJson({
      revision: report.revision,
      agent: report.agent,
      drift,
      unknown: unknown.map(({ service, component, message }) => ({ service, component, message })),
    });
  } else {
    printDrift(invocation, drift);
    if (unknown.length > 0)
      invocation.remark(`${unknown.length} of ${report.components.length} components are unknown now`);
    if (report.agent === null) invocation.remark(noAgent);
  }
  return invocation.options.flag('exitCode') && drift.length > 0 ? exitDiffers : 0;
};

type DriftRow = StatusReport['components'][number]['drift'][number] & {
  readonly service: string;
  readonly component: string;
  readonly runtime: string;
};

function printDrift(invocation: Invocation, drift: readonly DriftRow[]): void {
  if (drift.length === 0) {
    invocation.print('no drift');
    return;
  }
  const nowMs = invocation.deps.clock.now();
  const rows = drift.map((item) => [
    cell(`${item.service}/${item.component}`),
    cell(item.runtime),
    cell(item.field, 'bold'),
    cell(item.desired),
    cell(item.observed, 'bad'),
    cell(`${formatAge(nowMs - Date.parse(item.since))} ago`),
    cell(item.action),
    cell(item.evidence, 'dim'),
  ]);
  const headings = ['COMPONENT', 'RUNTIME', 'FIELD', 'DESIRED', 'OBSERVED', 'SINCE', 'ACTION', 'EVIDENCE'];
  invocation.print(formatTable(headings, rows, invocation.styles));
}
