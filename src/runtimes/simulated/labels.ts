/** The labels by which a simulated container says whose it is. */
import type { Ownership } from '../../core/observation.js';

export type Labels = Readonly<Record<string, string>>;

const prefix = 'berth.';

export function labelsOf(owner: Ownership): Labels {
  return {
    [`${prefix}home`]: owner.homeId,
    [`${prefix}service`]: owner.service,
    [`${prefix}component`]: owner.component,
    ...(owner.generation === null ? {} : { [`${prefix}generation`]: String(owner.generation) }),
    ...(owner.specHash === null ? {} : { [`${prefix}spec-hash`]: owner.specHash }),
  };
}

/** null: no label of any Berth home. */
export function ownerOf(labels: Labels): Ownership | null {
  const homeId = labels[`${prefix}home`];
  if (homeId === undefined) return null;
  const generation = labels[`${prefix}generation`];
  return {
    homeId,
    service: labels[`${prefix}service`] ?? '',
    component: labels[`${prefix}component`] ?? '',
    generation: generation === undefined ? null : Number(generation),
    specHash: labels[`${prefix}spec-hash`] ?? null,
  };
}
