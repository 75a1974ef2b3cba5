/** The labels by which Berth knows its own containers, networks and volumes. */
import type { Ownership } from '../../core/observation.js';

export const labels = {
  owner: 'berth.owner',
  service: 'berth.service',
  component: 'berth.component',
  generation: 'berth.generation',
  specHash: 'berth.spec-hash',
  /** The reference that the definition names; the container itself is made from the image's id. */
  image: 'berth.image',
} as const;

/** Whose a container is, by its labels; null when it bears no label of any home. */
export function ownershipOf(found: Readonly<Record<string, string>> | null | undefined): Ownership | null {
  const bag = found ?? {};
  const homeId = bag[labels.owner];
  const service = bag[labels.service];
  const component = bag[labels.component];
  if (!homeId || !service || !component) return null;
  const generation = Number(bag[labels.generation]);
  return {
    homeId,
    service,
    component,
    generation: Number.isSafeInteger(generation) && bag[labels.generation] ? generation : null,
    specHash: bag[labels.specHash] ?? null,
  };
}

/** The labels of a network or volume that belongs to a whole service. */
export function serviceLabels(homeId: string, service: string): Record<string, string> {
  return { [labels.owner]: homeId, [labels.service]: service };
}
