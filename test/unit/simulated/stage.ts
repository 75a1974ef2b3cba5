/** A simulated host in virtual time, with one home and a few shorthands. */
import { setMaxListeners } from 'node:events';
import { specHash } from '../../../src/core/spec-diff.js';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';
import type { CreateRequest } from '../../../src/core/ports/driver.js';
import {
  createSimulatedDriver,
  createSimulatedHost,
  type Program,
  type SimulatedDriver,
  type SimulatedHost,
  type SimulatedHostOptions,
} from '../../../src/runtimes/simulated/index.js';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { createVirtualClock, type VirtualClock } from '../../../src/simulation/virtual-clock.js';

export const reference = 'localhost/app:1';
export const homeId = 'aaaaaaaa-0000-4000-8000-000000000001';

export interface Stage {
  readonly clock: VirtualClock;
  readonly host: SimulatedHost;
  readonly driver: SimulatedDriver;
  /** A signal that never fires. */
  readonly signal: AbortSignal;
  /** A driver of the same home, as a new agent makes it. */
  newDriver(): SimulatedDriver;
  request(spec?: Partial<ComponentSpec>): CreateRequest;
  /** Creates, and starts unless told not to; moves time until it is done. */
  create(spec?: Partial<ComponentSpec>, start?: boolean): Promise<string>;
}

export function makeStage(program: Program = {}, options: Partial<SimulatedHostOptions> = {}, seed = 1): Stage {
  const clock = createVirtualClock();
  const host = createSimulatedHost({ clock, chance: createSeededChance(seed), ...options });
  const imageDigest = host.images.add(reference, { program, command: ['serve'] });
  const newDriver = (): SimulatedDriver => createSimulatedDriver({ host, homeId, namePrefix: '', clock });
  const driver = newDriver();
  const { signal } = new AbortController();
  // One signal for thousands of calls at once.
  setMaxListeners(0, signal);
  let made = 0;
  const request = (over: Partial<ComponentSpec> = {}): CreateRequest => {
    made += 1;
    const spec: ComponentSpec = { ...componentDefaults, name: `web${made}`, image: reference, ...over };
    return { service: 'shop', spec, role: 'main', generation: 1, specHash: specHash(spec), imageDigest, env: spec.env };
  };
  const create = async (spec: Partial<ComponentSpec> = {}, start = true): Promise<string> => {
    const id = await clock.settle(driver.create(request(spec), signal));
    if (start) await clock.settle(driver.start(id, signal));
    return id;
  };
  return { clock, host, driver, signal, newDriver, request, create };
}
