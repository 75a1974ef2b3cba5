/** What a simulated host keeps of the machines that it built: only to be faster. */
import type { Garbage } from '../../core/observation.js';
import type { SimulatedHost } from './host.js';

const bytesEach = 1_048_576;

/** Builds that no machine was made from. */
export function unusedBuilds(host: SimulatedHost, driver: string): readonly Garbage[] {
  const used = new Set([...host.machines.all()].map(({ spec }) => spec.image.digest));
  return [...host.built]
    .filter(([digest]) => !used.has(digest))
    .map(([id, usedAtMs]) => ({ driver, what: `machine of ${id}`, id, bytes: bytesEach, usedAtMs }));
}

/** Leaves what is used by now. */
export function removeBuild(host: SimulatedHost, garbage: Garbage): void {
  if (unusedBuilds(host, garbage.driver).some(({ id }) => id === garbage.id)) host.built.delete(garbage.id);
}
