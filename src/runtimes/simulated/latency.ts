/** How long calls take on a simulated host. */
import type { Chance } from '../../core/ports/clock.js';

/** Milliseconds; a pair is a range from which each call draws a whole number. */
export type Latency = number | readonly [number, number];

/** By name of the call. `transport` is added before and after each. A call that is not named takes no time of its own. */
export type Latencies = Readonly<Record<string, Latency>>;

/** As measured of Podman's API on a small machine, with some spread. */
export const podmanLatencies: Latencies = {
  transport: [0, 1],
  list: [1, 5],
  inspect: [1, 3],
  create: [7, 15],
  start: [60, 110],
  update: [15, 30],
  stop: [20, 60],
  unpause: [10, 20],
  rename: [5, 15],
  remove: [30, 80],
  pull: [200, 900],
  build: [600, 1_500],
  listObjects: [2, 6],
  removeObject: [10, 40],
};

/** Every call takes its turn of the event loop and no longer. */
export const noLatencies: Latencies = {};

export function drawLatencyMs(latency: Latency | undefined, chance: Chance): number {
  if (latency === undefined) return 0;
  if (typeof latency === 'number') return latency;
  const [least, most] = latency;
  return Math.round(least + (most - least) * chance.random());
}
