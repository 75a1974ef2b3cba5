/**
 * Masks secrets in what the faces are shown: the one place for it, whatever the face. What is written to the registry
 * never comes through here. Pure.
 */
import type { Plan } from '../core/plan.js';
import type { Change } from '../core/ports/registry.js';
import { isSecret, isSecretKey, maskSpec, maskText, scrub, secretsOf } from '../core/secrets.js';
import type { ComponentSpec, ServiceSpec } from '../core/spec.js';
import type { SpecFieldChange } from '../core/spec-diff.js';
import type { DriftView, EventView, FieldChangeView } from './views.js';

/** A service's definition as it is shown. */
export function maskService(spec: ServiceSpec): ServiceSpec {
  return { ...spec, components: spec.components.map(maskSpec) };
}

/** A plan as it is shown, with the changes that it consists of. */
export function maskPlan(plan: Plan): Plan {
  return {
    ...plan,
    components: plan.components.map((item) => ({ ...item, differences: item.differences.map(maskDifference) })),
    changes: plan.changes.map(maskChange),
  };
}

function maskChange(change: Change): Change {
  return change.kind === 'put-component' ? { ...change, spec: maskSpec(change.spec) } : change;
}

function maskDifference(difference: SpecFieldChange): SpecFieldChange {
  const { field, before, after } = difference;
  return { ...difference, before: maskField(field, before), after: maskField(field, after) };
}

/** The fields of a row that changed. */
export function maskFieldChanges(changes: readonly FieldChangeView[]): readonly FieldChangeView[] {
  return changes.map(({ field, before, after }) => ({
    field,
    before: maskField(field, before),
    after: maskField(field, after),
  }));
}

const envPrefix = 'env.';

/** The value of a field by its name in a definition: `env.KEY`, `env`, `build`; all others have no secrets. */
function maskField(field: string, value: unknown): unknown {
  if (field.startsWith(envPrefix)) return maskValue(field.slice(envPrefix.length), value);
  if (!isMap(value)) return value;
  if (field === 'env') return maskMap(value);
  if (field !== 'build') return value;
  return isMap(value['args']) ? { ...value, args: maskMap(value['args']) } : value;
}

/** What SQL wrote may be anything. */
function maskValue(key: string, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (typeof value === 'string') return isSecret(key, value) ? maskText : value;
  return isSecretKey(key) ? maskText : value;
}

function maskMap(map: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, maskValue(key, value)]));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A drift of a component of this definition. */
export function maskDrift(drift: DriftView, spec: ComponentSpec): DriftView {
  const hidden = hidesValues(drift);
  const text = (value: string): string => scrub(value, secretsOf(spec));
  return {
    ...drift,
    desired: hidden ? maskQuoted(drift.desired) : text(drift.desired),
    observed: hidden ? maskQuoted(drift.observed) : text(drift.observed),
    evidence: text(drift.evidence),
    action: text(drift.action),
  };
}

/** Words of a component of this definition: its status, a reason to wait. */
export function maskWords(text: string, spec: ComponentSpec): string {
  return scrub(text, secretsOf(spec));
}

/**
 * An event, with these secrets struck out besides what it says itself: the drift of a secret variable names both
 * values, in its data and in its words.
 */
export function maskEvent(event: EventView, secrets: readonly string[]): EventView {
  const { data } = event;
  const named = { field: textIn(data, 'field'), desired: textIn(data, 'desired'), observed: textIn(data, 'observed') };
  const hidden = named.field.startsWith(envPrefix) && hidesValues(named);
  const message = hidden ? hideIn(event.message, named) : event.message;
  const clean = isMap(data) ? scrubDeep(data, secrets) : data;
  return {
    ...event,
    message: scrub(message, secrets),
    data: hidden ? { ...clean, ...hiddenValues(named, data) } : clean,
  };
}

interface NamedValues {
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
}

function hideIn(message: string, { desired, observed }: NamedValues): string {
  let hidden = message;
  // As they stand in the data; a value may hold quotes, so that looking for quotes would not do.
  for (const value of [desired, observed].sort((a, b) => b.length - a.length)) {
    if (isQuoted(value)) hidden = hidden.replaceAll(value, () => maskText);
  }
  return hidden.replaceAll(/"(?:[^"\\]|\\.)*"/g, maskText);
}

function hiddenValues(named: NamedValues, data: EventView['data']): Readonly<Record<string, string>> {
  return {
    ...('desired' in data ? { desired: maskQuoted(named.desired) } : {}),
    ...('observed' in data ? { observed: maskQuoted(named.observed) } : {}),
  };
}

/** Whether a drift is one of a variable that is secret by its key or by either value. */
function hidesValues({ field, desired, observed }: NamedValues): boolean {
  if (!field.startsWith(envPrefix)) return false;
  const key = field.slice(envPrefix.length);
  return isSecretKey(key) || [desired, observed].some((value) => isQuoted(value) && isSecret(key, unquoted(value)));
}

/** Drift shows values as JSON texts; what is none of them says that there is no value, or that it is not shown. */
function maskQuoted(text: string): string {
  return isQuoted(text) ? maskText : text;
}

function isQuoted(text: string): boolean {
  return text.startsWith('"');
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

function textIn(data: EventView['data'], name: string): string {
  const value = data[name];
  return typeof value === 'string' ? value : '';
}

function scrubDeep<T>(value: T, secrets: readonly string[]): T;
function scrubDeep(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return scrub(value, secrets);
  if (Array.isArray(value)) return value.map((item) => scrubDeep<unknown>(item, secrets));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, scrubDeep(member, secrets)]));
}
