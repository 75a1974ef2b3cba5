/** What a change of a service is based on: what its author saw, or the service as it is now. */
import { BerthError } from '../core/errors.js';
import { baseOf, type ServiceBase } from '../core/plan-replace.js';
import type { Registry } from '../core/ports/registry.js';

/** The service as it is now; revision 0 when there is none. */
export async function readBase(registry: Registry, service: string): Promise<ServiceBase> {
  const [services, components] = await Promise.all([registry.services(), registry.components({ service })]);
  return baseOf(service, { services, components });
}

/** E_CONFLICT when the service is not as it was seen any more. */
export function requireBase(service: string, seen: ServiceBase, now: ServiceBase): void {
  const names = new Set([...Object.keys(seen.generations), ...Object.keys(now.generations)]);
  const changed = [...names].filter((name) => seen.generations[name] !== now.generations[name]).sort();
  if (changed.length === 0 && seen.revision === now.revision) return;
  const which = changed.length === 0 ? '' : `: ${changed.join(', ')}`;
  throw new BerthError('E_CONFLICT', `service ${service} was changed since its plan was made${which}`, {
    suggestion: 'look at the plan once more',
    details: { base: now },
  });
}
