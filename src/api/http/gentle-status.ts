/** The status of many components, made and sent a slice at a time: whatever else the agent does goes on in between. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { LocalClientPorts } from '../ports.js';
import { viewContext } from '../reading.js';
import { viewAgent, viewComponent } from '../status-view.js';
import { findTarget } from '../targets.js';
import type { ComponentView, StatusReport } from '../views.js';

/** Some milliseconds of work. */
const sliceSize = 200;

/** As `BerthClient.status`. E_NOT_FOUND for a service that does not exist. */
export async function readStatusGently(ports: LocalClientPorts, service: string | null): Promise<StatusReport> {
  const { registry } = ports;
  const revision = await registry.revision();
  const [records, agent, context] = await Promise.all([
    service === null ? registry.components() : findTarget(registry, { service, component: null }),
    ports.agentHolder(),
    viewContext(ports),
  ]);
  const components: ComponentView[] = [];
  for (let at = 0; at < records.length; at += sliceSize) {
    if (at > 0) await breathe();
    for (const record of records.slice(at, at + sliceSize)) components.push(viewComponent(record, context));
  }
  return { revision, agent: viewAgent(agent), components };
}

/** The report as JSON, in pieces. */
export async function* jsonOfStatus({ components, ...rest }: StatusReport): AsyncGenerator<string> {
  yield `${JSON.stringify(rest).slice(0, -1)},"components":[`;
  for (let at = 0; at < components.length; at += sliceSize) {
    if (at > 0) await breathe();
    const slice = JSON.stringify(components.slice(at, at + sliceSize));
    yield `${at > 0 ? ',' : ''}${slice.slice(1, -1)}`;
  }
  yield ']}';
}
