/** Storms of many seeds; see src/simulation/storm.ts. `BERTH_SEED` is the first seed, `BERTH_STORMS` how many follow. */
import { afterAll, expect, it } from 'vitest';
import { scheduleOf } from '../../src/simulation/schedule.js';
import { rideStorm } from '../../src/simulation/storm.js';

const firstSeed = Number(process.env['BERTH_SEED'] ?? '1');
const storms = Number(process.env['BERTH_STORMS'] ?? '25');
let steps = 0;
let looks = 0;

it.each(Array.from({ length: storms }, (_, index) => firstSeed + index))(
  'comes to rest after the storm of seed %i',
  async (seed) => {
    const result = await rideStorm(scheduleOf(seed));
    expect(result.failure).toBeNull();
    steps += result.steps;
    looks += result.looks;
  },
);

afterAll(() => {
  process.stdout.write(`storms: ${storms} from seed ${firstSeed}, ${steps} steps, ${looks} looks\n`);
});
