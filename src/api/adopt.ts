/** Edits of one component that need no text: its mode, and what is observed becoming what is wanted. */
import { BerthError } from '../core/errors.js';
import { formatKey, type ComponentKey } from '../core/names.js';
import type { ServiceBase } from '../core/plan-replace.js';
import type { Change, ComponentRecord } from '../core/ports/registry.js';
import type { ComponentSpec, ReconcileMode, ServiceSpec } from '../core/spec.js';
import type { Drift } from '../core/status.js';
import { carryOut, planOfSpec, shown } from './apply.js';
import { readBase } from './bases.js';
import type { AppliedResult, BasedNote, ChangeNote, PlanResult } from './client.js';
import { acceptField } from './accept-field.js';
import type { LocalClientPorts } from './ports.js';
import { viewDrift } from './status-view.js';
import { findLiving } from './targets.js';

/** Sets whether drift of a component is healed, reported or let be. E_NOT_FOUND. */
export async function setMode(
  ports: LocalClientPorts,
  key: ComponentKey,
  mode: ReconcileMode,
  note: ChangeNote,
): Promise<AppliedResult> {
  const seen = await readBase(ports.registry, key.service);
  const planned = await planWith(ports, key, { change: (record) => ({ ...record.spec, reconcile: mode }), seen });
  return carryOut(ports, planned, false, note.message);
}

export interface AcceptOptions extends BasedNote {
  /** As the status names them: `memory_mb`, `env.LOG_LEVEL`, `state` … */
  readonly fields: readonly string[];
  /** What was seen of each field, as the status shows it; absent or null: nobody looked. */
  readonly observed?: Readonly<Record<string, string>> | null | undefined;
  /** Only plan it. */
  readonly dryRun: boolean;
}

/** What to send along to have just this done. */
export interface AcceptPlan extends PlanResult {
  readonly base: ServiceBase;
  readonly observed: Readonly<Record<string, string>>;
}

/**
 * Makes what was observed of drifting fields what is wanted. E_NOT_FOUND, E_NOT_SUPPORTED with the reason; E_CONFLICT when
 * the service, or what is observed, is not as it was seen any more.
 */
export async function acceptDrift(
  ports: LocalClientPorts,
  key: ComponentKey,
  { fields, dryRun, message, base: seen = null, observed: expected }: AcceptOptions,
): Promise<AcceptPlan | AppliedResult> {
  const wanted = [...new Set(fields)];
  const observed: Record<string, string> = {};
  const base = await readBase(ports.registry, key.service);
  const change = (record: ComponentRecord): ComponentSpec => {
    const drifts = wanted.map((field) => driftOf(record, field));
    for (const drift of drifts) observed[drift.field] = viewDrift(drift, record.spec).observed;
    requireObserved(key, expected ?? {}, observed);
    return drifts.filter((drift) => drift.field !== 'state').reduce(acceptField, record.spec);
  };
  const planned = await planWith(ports, key, { change, seen: seen ?? base });
  const all = wanted.includes('state') ? withStop(planned, key) : planned;
  return dryRun ? { ...shown(all), base, observed } : carryOut(ports, all, false, message);
}

/** E_CONFLICT when a field is observed otherwise than it was seen. */
function requireObserved(
  key: ComponentKey,
  expected: Readonly<Record<string, string>>,
  observed: Readonly<Record<string, string>>,
): void {
  for (const [field, value] of Object.entries(observed)) {
    const seen = expected[field];
    if (seen === undefined || seen === value) continue;
    throw new BerthError('E_CONFLICT', `${field} of ${formatKey(key)} is ${value} by now, not ${seen}`, {
      suggestion: 'look at the drift once more',
    });
  }
}

/**
 * E_NOT_FOUND when it does not drift; E_NOT_SUPPORTED for a state that nothing could want; E_CONFLICT when the component
 * was edited since it was looked at, so that nobody knows yet what drifts from that.
 */
function driftOf(record: ComponentRecord, field: string): Drift {
  if (record.status.observedGeneration < record.generation) {
    throw new BerthError('E_CONFLICT', `${formatKey(record.key)} was edited since it was looked at`, {
      suggestion: 'try again when the agent has seen the edit',
    });
  }
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

interface Adoption {
  readonly change: (record: ComponentRecord) => ComponentSpec;
  /** E_CONFLICT when the service is another one by now: its other components are written as they are read. */
  readonly seen: ServiceBase;
}

/** The plan of a service whose one component is another. */
async function planWith(ports: LocalClientPorts, key: ComponentKey, { change, seen }: Adoption): Promise<PlanResult> {
  const [target] = await findLiving(ports.registry, key);
  if (target === undefined) throw new BerthError('E_NOT_FOUND', `there is no component ${formatKey(key)}`);
  const siblings = await findLiving(ports.registry, { service: key.service, component: null });
  const spec: ServiceSpec = {
    name: key.service,
    node: target.service.node,
    active: target.service.active,
    components: siblings.map((record) => (record.key.component === key.component ? change(record) : record.spec)),
  };
  return planOfSpec(ports, spec, { base: null, force: false, seen });
}
