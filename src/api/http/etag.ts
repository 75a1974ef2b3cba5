/** What an author saw, as an entity tag: `"12:db=7,web=9"`, with the revision of the service and each generation. */
import type { ServiceBase } from '../../core/plan-replace.js';

const tagPattern = /^(?:W\/)?"(\d{1,15}):((?:[a-z0-9-]{1,64}=\d{1,15})(?:,[a-z0-9-]{1,64}=\d{1,15})*)?"$/;

export function tagOf(base: ServiceBase): string {
  const names = Object.keys(base.generations).sort();
  return `"${base.revision}:${names.map((name) => `${name}=${String(base.generations[name])}`).join(',')}"`;
}

/** The base that a tag speaks of; undefined when it is no tag of ours. */
export function baseOfTag(tag: string): ServiceBase | undefined {
  const parts = tagPattern.exec(tag.trim());
  if (parts === null) return undefined;
  const pairs = (parts[2] ?? '').split(',').filter((pair) => pair !== '');
  const generations = pairs.map((pair) => {
    const [name = '', generation = '0'] = pair.split('=');
    return [name, Number(generation)] as const;
  });
  return { revision: Number(parts[1]), generations: Object.fromEntries(generations) };
}
