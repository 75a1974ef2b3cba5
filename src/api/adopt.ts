/** Edits of one component that need no text: its mode, and what is observed becoming what is wanted. */
import { BerthError } from '../core/errors.js';
import { formatKey, type ComponentKey } from '../core/names.js';
import type { Change, ComponentRecord } from '../core/ports/registry.js';
import type { ComponentSpec, ReconcileMode, ServiceSpec } from '../core/spec.js';
import type { Drift } from '../core/status.js';
import { carryOut, planOfSpec, shown } from './apply.js';
import type { AppliedResult, ChangeNote, PlanResult } from './client.js';
import { acceptField } from './accept-field.js';
import type { LocalClientPorts } from './ports.js';
import { findLiving } from './targets.js';

/** Sets whether drift of a component is healed, reported or let be. E_NOT_FOUND. */
export async function setMode(
  ports: LocalClientPorts,
  key: ComponentKey,
  mode: ReconcileMode,
  note: ChangeNote,
): Promise<AppliedResult> {
  const planned = await planWith(ports, key, (record) => ({ ...record.spec, reconcile: mode }));
  return carryOut(ports, planned, false, note.message);
}

export interface AcceptOptions extends ChangeNote {
  /** As the status names them: `memory_mb`, `env.LOG_LEVEL`, `state` … */
  readonly fields: readonly string[];
  /** Only plan it. */
  readonly dryRun: boolean;
}

/** Makes what was observed of drifting fields what is wanted. E_NOT_FOUND, E_NOT_SUPPORTED with the reason. */
export async function acceptDrift(
  ports: LocalClientPorts,
  key: ComponentKey,
  { fields, dryRun, message }: AcceptOptions,
): Promise<PlanResult | AppliedResult> {
  const wanted = [...new Set(fields)];
  const planned = await planWith(ports, key, (record) => {
    const drifts = wanted.map((field) => driftOf(record, field));
    return drifts.filter((drift) => drift.field !== 'state').reduce(acceptField, record.spec);
  });
  const all = wanted.includes('state') ? withStop(planned, key) : planned;
  return dryRun ? shown(all) : carryOut(ports, all, false, message);
}

/** E_NOT_FOUND when it does not drift; E_NOT_SUPPORTED for a state that nothing could want. */
function driftOf(record: ComponentRecord, field: string): Drift {
  const drift = record.status.drift.find((item) => item.field === field);
  const name = formatKey(record.key);
  if (drift === undefined) {
    const others = record.status.drift.map((item) => item.field);
    throw new BerthError('E_NOT_FOUND', `${field} of ${name} does not drift now`, {
      suggestion: others.length === 0 ? `nothing of ${name} drifts` : `what drifts is: ${others.join(', ')}`,
    });
  }
  if (field !== 'state' || (drift.desired === 'running' && stoppedStates.has(drift.observed))) return drift;
  const suggestion =
    drift.desired === 'stopped' ? `to let it run: berth start ${name}` : 'only a workload that is down can be accepted';
  throw new BerthError('E_NOT_SUPPORTED', `${name} is ${drift.observed}, which cannot be wanted`, { suggestion });
}

const stoppedStates = new Set(['stopped', 'exited', 'missing']);

/** Beside what the definition says, the component is wanted stopped. */
function withStop(planned: PlanResult, key: ComponentKey): PlanResult {
  const { plan } = planned;
  const stop: Change = {
    kind: 'set-desired',
    key: { service: key.service, component: key.component },
    desired: 'stopped',
  };
  const components = plan.components.map((item) =>
    item.component === key.component ? { ...item, note: 'it is wanted stopped from then on' } : item,
  );
  return { ...planned, plan: { ...plan, components, changes: [...plan.changes, stop], differs: true } };
}

/** The plan of a service whose one component is another. */
async function planWith(
  ports: LocalClientPorts,
  key: ComponentKey,
  change: (record: ComponentRecord) => ComponentSpec,
): Promise<PlanResult> {
  const [target] = await findLiving(ports.registry, key);
  if (target === undefined) throw new BerthError('E_NOT_FOUND', `there is no component ${formatKey(key)}`);
  const siblings = await findLiving(ports.registry, { service: key.service, component: null });
  const spec: ServiceSpec = {
    name: key.service,
    node: target.service.node,
    active: target.service.active,
    components: siblings.map((record) => (record.key.component === key.component ? change(record) : record.spec)),
  };
  return planOfSpec(ports, spec, { base: null, force: false });
}
