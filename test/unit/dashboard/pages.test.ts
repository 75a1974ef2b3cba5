import { expect, test } from 'vitest';
import { allPages } from '../../../src/dashboard/model/pages.js';

test.each([
  [0, 1],
  [999, 1],
  [1_000, 2],
  [2_500, 3],
  [20_000, 10],
])('of %i events all are read, a thousand at a time and at most ten times', async (count, reads) => {
  const events = Array.from({ length: count }, (_, index) => ({ revision: index + 1 }));
  let asked = 0;
  const all = await allPages(async (limit, before) => {
    asked += 1;
    return events.filter(({ revision }) => before === null || revision < before).slice(-limit);
  });
  expect(asked).toBe(reads);
  expect(all).toEqual(events.slice(-10_000));
});
