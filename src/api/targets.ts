/** Finding what a user named, and saying what they may have meant. */
import { BerthError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { formatKey } from '../core/names.js';
import type { ComponentRecord, Registry } from '../core/ports/registry.js';
import type { Target } from './client.js';

/** The components of a target, deleting ones included. E_NOT_FOUND, with the nearest name that exists. */
export async function findTarget(registry: Registry, target: Target): Promise<readonly ComponentRecord[]> {
  const records = await registry.components({ service: target.service });
  if (target.component === null) {
    if (records.length > 0) return records;
    const services = (await registry.services()).map((service) => service.name);
    if (services.includes(target.service)) return records;
    throw unknownService(target.service, services);
  }
  const record = records.find((candidate) => candidate.key.component === target.component);
  if (record !== undefined) return [record];
  const all = await registry.components();
  if (!all.some((candidate) => candidate.key.service === target.service)) {
    const services = (await registry.services()).map((service) => service.name);
    if (!services.includes(target.service)) throw unknownService(target.service, services);
  }
  const name = formatKey({ service: target.service, component: target.component });
  throw unknown(
    'component',
    name,
    all.map((candidate) => formatKey(candidate.key)),
  );
}

/** As `findTarget`, without what is being deleted already. */
export async function findLiving(registry: Registry, target: Target): Promise<readonly ComponentRecord[]> {
  const records = await findTarget(registry, target);
  const living = records.filter((record) => !record.deleting && !record.service.deleting);
  if (living.length > 0 || records.length === 0) return living;
  const name = target.component === null ? target.service : `${target.service}/${target.component}`;
  throw new BerthError('E_NOT_FOUND', `${name} is being deleted`, {
    suggestion: `see how far it is with: berth status ${target.service}`,
  });
}

/** E_NOT_FOUND for a service. */
export function unknownService(name: string, services: readonly string[]): BerthError {
  return unknown('service', name, services);
}

function unknown(what: string, name: string, candidates: readonly string[]): BerthError {
  const near = nearest(name, candidates);
  return new BerthError('E_NOT_FOUND', `there is no ${what} "${name}"`, {
    ...(near === undefined ? {} : { suggestion: `did you mean "${near}"?` }),
    details: { [what]: name, ...(near === undefined ? {} : { nearest: near }) },
  });
}
