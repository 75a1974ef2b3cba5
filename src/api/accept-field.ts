/** From a drift, as the status words it, to the definition that would not call it one. Pure. */
import { BerthError } from '../core/errors.js';
import type { ComponentSpec } from '../core/spec.js';
import type { Drift } from '../core/status.js';

const envPrefix = 'env.';
const none = '(none)';

/** The definition with the observed value of one field. E_NOT_SUPPORTED with the reason. */
export function acceptField(spec: ComponentSpec, drift: Drift): ComponentSpec {
  const { field, observed } = drift;
  if (field.startsWith(envPrefix)) return acceptVariable(spec, field.slice(envPrefix.length), observed);
  switch (field) {
    case 'memory_mb':
      return { ...spec, memoryMb: numberOf(field, observed, /^(\d+) MiB$/) };
    case 'vcpus':
      return { ...spec, vcpus: numberOf(field, observed, /^(\d+(?:\.\d+)?)$/) };
    case 'command':
      return { ...spec, command: listOf(observed) };
    case 'user':
      return { ...spec, user: observed === '' || observed === none ? null : observed };
    default:
      throw unsupported(field, reasons[field] ?? 'its observed value says nothing that a definition could');
  }
}

const reasons: Readonly<Record<string, string>> = {
  image: 'an image is named by its reference, and what runs is known by its digest alone: set `image`',
  runtime: 'another runtime wants another workload: set `runtime`',
  name: 'the name of a workload follows from those of service and component',
  ports: 'ports are written in several ways: set `ports`',
  mounts: 'volumes of this home go by other names in its definition: set `volumes`',
  files: 'what a file holds is not part of the definition',
  generation: 'it is about to be replaced anyway',
};

function acceptVariable(spec: ComponentSpec, key: string, observed: string): ComponentSpec {
  if (observed === '(secret)' || observed === '(set)') {
    throw unsupported(`${envPrefix}${key}`, 'its value is not shown, and so not known');
  }
  if (observed === none) {
    return { ...spec, env: Object.fromEntries(Object.entries(spec.env).filter(([name]) => name !== key)) };
  }
  const value = parsed(observed);
  if (typeof value !== 'string') throw unsupported(`${envPrefix}${key}`, 'its value is not known');
  return { ...spec, env: { ...spec.env, [key]: value } };
}

/** null: unlimited. */
function numberOf(field: string, observed: string, pattern: RegExp): number | null {
  if (observed === 'unlimited') return null;
  const digits = pattern.exec(observed)?.[1];
  if (digits === undefined) throw unsupported(field, `"${observed}" is not known`);
  return Number(digits);
}

/** Words with spaces or quotes stand as JSON texts. */
function listOf(observed: string): readonly string[] {
  if (observed === none) return [];
  const words = observed.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  return words.map((word) => {
    const value = word.startsWith('"') ? parsed(word) : word;
    return typeof value === 'string' ? value : word;
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unsupported(field: string, reason: string): BerthError {
  return new BerthError('E_NOT_SUPPORTED', `${field} cannot be accepted: ${reason}`, {
    suggestion: 'edit the definition instead',
    details: { field },
  });
}
