/** An empty registry to begin simulations with: making one takes as long as a short simulation. */
import { imageOf, openRegistry } from '../registry/index.js';
import { createSeededChance } from './seeded-chance.js';
import { createVirtualClock } from './virtual-clock.js';

/** The same bytes each time; for `SimulatedHomeOptions.image`. */
export async function makeRegistryImage(): Promise<Uint8Array> {
  const clock = createVirtualClock();
  const registry = await openRegistry({
    path: 'registry.db',
    inMemory: true,
    clock,
    chance: createSeededChance(0),
    create: true,
  });
  const image = imageOf(registry);
  await registry.close();
  return image;
}
