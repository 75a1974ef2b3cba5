/** Storms that failed once, shrunk, by name: each is a file of `regressions/`, and holds from then on. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSchedule } from '../../src/simulation/read-schedule.js';
import { rideStorm } from '../../src/simulation/storm.js';

const folder = join(import.meta.dirname, 'regressions');
const names = readdirSync(folder).sort();

it.each(names)('%s', async (name) => {
  const { failure, trace } = await rideStorm(readSchedule(readFileSync(join(folder, name), 'utf8')), { trace: true });
  expect(failure, trace.join('\n')).toBeNull();
});
