/** What an edit of a service is based on when its author does not say. */
import { baseOf, type ServiceBase } from '../core/plan-replace.js';
import type { Registry } from '../core/ports/registry.js';

/** The service as it is now; revision 0 when there is none. */
export async function readBase(registry: Registry, service: string): Promise<ServiceBase> {
  const [services, components] = await Promise.all([registry.services(), registry.components({ service })]);
  return baseOf(service, { services, components });
}
