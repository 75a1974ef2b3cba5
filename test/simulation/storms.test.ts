/** Storms of many seeds; see src/simulation/storm.ts. `BERTH_SEED` is the first seed, `BERTH_STORMS` how many follow. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRegistryImage } from '../../src/simulation/registry-image.js';
import { scheduleOf } from '../../src/simulation/schedule.js';
import { shrink } from '../../src/simulation/shrink.js';
import { rideStorm } from '../../src/simulation/storm.js';

const firstSeed = Number(process.env['BERTH_SEED'] ?? '1');
const storms = Number(process.env['BERTH_STORMS'] ?? '120');
let image: Uint8Array;
let steps = 0;
let longestMs = 0;

beforeAll(async () => {
  image = await makeRegistryImage();
});

it.each(Array.from({ length: storms }, (_, index) => firstSeed + index))(
  'comes to rest after the storm of seed %i',
  async (seed) => {
    const result = await rideStorm(scheduleOf(seed), { image });
    if (result.failure !== null) {
      const short = await shrink(result, { image });
      const traced = await rideStorm(short.schedule, { image, trace: true });
      const words = [`seed ${seed}: ${result.failure}`, JSON.stringify(short.schedule), ...traced.trace];
      expect.fail(words.join('\n'));
    }
    steps += result.steps;
    longestMs = Math.max(longestMs, result.convergedMs ?? 0);
  },
);

afterAll(() => {
  const rest = `rest at most ${Math.ceil(longestMs / 60_000)} virtual minutes after a storm`;
  process.stdout.write(`storms: ${storms} from seed ${firstSeed}, ${steps} steps of the agent, ${rest}\n`);
});
