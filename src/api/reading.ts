/** Operations that only read: status, why it is so, history, a definition to print. */
import { BerthError } from '../core/errors.js';
import { LastChange } from '../core/last-change.js';
import { formatKey, type ComponentKey } from '../core/names.js';
import { baseOf, type ServiceBase } from '../core/plan-replace.js';
import type { ComponentRecord, DriverFreshness, HistoryQuery } from '../core/ports/registry.js';
import type { BerthEvent } from '../core/event.js';
import { secretsOf } from '../core/secrets.js';
import type { ServiceSpec } from '../core/spec.js';
import type { ExportOptions, ExportResult, PlanResult, Target } from './client.js';
import { planOfSpec } from './apply.js';
import { maskService } from './mask.js';
import type { LocalClientPorts } from './ports.js';
import {
  defaultDriverNames,
  effectiveDesired,
  isoTime,
  viewAgent,
  viewComponent,
  viewEvent,
  viewHistory,
  type ViewContext,
} from './status-view.js';
import { findLiving, findTarget, unknownService } from './targets.js';
import type { EventView, Explanation, HistoryView, StatusReport } from './views.js';

/** What views of components need beside their records. */
export async function viewContext(ports: LocalClientPorts): Promise<ViewContext> {
  return {
    nowMs: ports.clock.now(),
    freshness: await ports.registry.freshness(),
    driverNames: ports.driverNames ?? defaultDriverNames,
  };
}

/** All components, or those of one service. With `mustExist` an unknown service is E_NOT_FOUND. */
export async function readStatus(
  ports: LocalClientPorts,
  filter: { readonly service: string | null; readonly mustExist: boolean },
): Promise<StatusReport> {
  const { registry } = ports;
  const { service } = filter;
  const revision = await registry.revision();
  const read = (): Promise<readonly ComponentRecord[]> => {
    if (service === null) return registry.components();
    return filter.mustExist ? findTarget(registry, { service, component: null }) : registry.components({ service });
  };
  const [records, agent, context] = await Promise.all([read(), ports.agentHolder(), viewContext(ports)]);
  return {
    revision,
    agent: viewAgent(agent),
    components: records.map((record) => viewComponent(record, context)),
  };
}

const decisionsShown = 10;

/** Everything that says why a component is as it is. E_NOT_FOUND. */
export async function explain(ports: LocalClientPorts, key: ComponentKey): Promise<Explanation> {
  const { registry } = ports;
  const [record] = await findTarget(registry, key);
  if (record === undefined) throw unknownService(key.service, []);
  const [siblings, events, history, agent, context] = await Promise.all([
    registry.components({ service: key.service }),
    registry.events({ ...key, limit: decisionsShown }),
    registry.history({ ...key, limit: 1 }),
    ports.agentHolder(),
    viewContext(ports),
  ]);
  const component = viewComponent(record, context);
  const driver = context.freshness.find((row) => row.driver === component.driver);
  const { status } = record;
  return {
    component,
    image: { reference: record.spec.image, digest: status.imageDigest },
    source: record.source,
    invalid: record.invalid,
    waitsFor: reasonsToWait(record, siblings, driver, agent !== null),
    decisions: events.map((event) => viewEvent(event, secretsOf(record.spec))),
    lastChange: history[0] === undefined ? null : viewHistory(history[0]),
    driverError:
      driver === undefined || driver.error === null ? null : { error: driver.error, since: isoTime(driver.since) },
    failedGeneration: status.failedGeneration,
    goodGeneration: status.goodGeneration,
    agent: viewAgent(agent),
  };
}

function reasonsToWait(
  record: ComponentRecord,
  siblings: readonly ComponentRecord[],
  driver: DriverFreshness | undefined,
  served: boolean,
): readonly string[] {
  const reasons: string[] = [];
  const { status } = record;
  if (!served) reasons.push('an agent: none serves this home now');
  if (driver !== undefined && driver.error !== null) reasons.push(`${driver.driver} to answer again: ${driver.error}`);
  if (served && status.observedRevision < record.revision) {
    reasons.push(`the agent to look at revision ${record.revision}; it has seen ${status.observedRevision}`);
  }
  if (effectiveDesired(record) === 'running' && status.phase !== 'running' && status.phase !== 'completed') {
    for (const name of record.spec.dependsOn) {
      const other = siblings.find((sibling) => sibling.key.component === name);
      if (other === undefined) reasons.push(`${record.key.service}/${name}, which does not exist`);
      else if (!other.status.ready && other.status.phase !== 'completed') {
        reasons.push(`${formatKey(other.key)}, which is ${other.status.phase}`);
      }
    }
  }
  if (status.nextTryAtMs !== null) reasons.push(`the next try at ${isoTime(status.nextTryAtMs)}`);
  return reasons;
}

/** Events as they are shown: without what is secret now in their service, or anywhere for those of the home. */
export async function viewEvents(
  ports: LocalClientPorts,
  events: readonly BerthEvent[],
): Promise<readonly EventView[]> {
  if (events.length === 0) return [];
  const all: string[] = [];
  const ofService = new Map<string, string[]>();
  for (const { key, spec } of await ports.registry.components()) {
    const secrets = secretsOf(spec);
    if (secrets.length === 0) continue;
    all.push(...secrets);
    ofService.set(key.service, [...(ofService.get(key.service) ?? []), ...secrets]);
  }
  return events.map((event) => viewEvent(event, event.service === null ? all : ofService.get(event.service)));
}

/** Changes of definitions, newest first. E_NOT_FOUND when there never was such a thing. */
export async function readHistory(
  ports: LocalClientPorts,
  target: Target,
  limit: number,
  before: number | null = null,
): Promise<readonly HistoryView[]> {
  const query = {
    service: target.service,
    ...(target.component === null ? {} : { component: target.component }),
    ...(before === null ? {} : { beforeRevision: before }),
    limit,
  };
  const entries = await ports.registry.history(query);
  if (entries.length === 0 && before === null) await findTarget(ports.registry, target);
  return entries.map(viewHistory);
}

/** Entries read at a time; one apply of a large service makes many. */
const historyPage = 500;

/**
 * The plan that puts a service back to what it was. E_NOT_FOUND when there is nothing to go back to, E_CONFLICT when the
 * service is not as it was `seen` any more; null: whatever it is.
 */
export async function planOfRollback(
  ports: LocalClientPorts,
  service: string,
  to: number | null,
  seen: ServiceBase | null,
): Promise<PlanResult & { readonly to: number }> {
  const revision = to ?? (await revisionBeforeLastChange(ports, service));
  const spec = await ports.registry.serviceAt(service, revision);
  if (spec === undefined || spec.components.length === 0) {
    await readHistory(ports, { service, component: null }, 1);
    throw new BerthError('E_NOT_FOUND', `service ${service} did not exist at revision ${revision}`, {
      suggestion: `see its revisions with: berth history ${service}`,
    });
  }
  return { ...(await planOfSpec(ports, spec, { base: null, force: true, seen })), to: revision };
}

async function revisionBeforeLastChange(ports: LocalClientPorts, service: string): Promise<number> {
  await readHistory(ports, { service, component: null }, 1);
  const last = new LastChange();
  for (let query: HistoryQuery = { service, limit: historyPage }; ;) {
    const page = await ports.registry.history(query);
    const oldest = page.at(-1);
    if (!last.take(page) || oldest === undefined || page.length < historyPage) break;
    query = { ...query, beforeRevision: oldest.revision };
  }
  if (last.before !== null) return last.before;
  throw new BerthError('E_NOT_FOUND', `the history of service ${service} holds no change of its definition`, {
    suggestion: `see it with: berth history ${service}`,
  });
}

/** The service as a definition, secrets masked unless they are to be revealed. E_NOT_FOUND. */
export async function exportService(
  ports: LocalClientPorts,
  service: string,
  options: ExportOptions,
): Promise<ExportResult> {
  const { registry } = ports;
  const components = await findLiving(registry, { service, component: null });
  const services = await registry.services();
  const row = services.find((candidate) => candidate.name === service);
  if (row === undefined) {
    throw unknownService(
      service,
      services.map((candidate) => candidate.name),
    );
  }
  const stored: ServiceSpec = {
    name: service,
    node: row.node,
    active: row.active,
    components: components.map((record) => record.spec),
  };
  const spec = options.reveal ? stored : maskService(stored);
  const reader = await ports.reader();
  return { spec, text: reader.print(spec), base: baseOf(service, { services, components }) };
}
