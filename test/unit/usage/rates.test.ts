import { describe, expect, it } from 'vitest';
import { cpuPercent, type Seen } from '../../../src/usage/rates.js';

const cores = 2;
const seen = (seenAtMs: number, cpuMs: number, startedAtMs: number | null = 1_000): Seen => ({
  seenAtMs,
  cpuMs,
  startedAtMs,
});

describe('processor time between two looks', () => {
  it.each([
    ['idles', seen(10_000, 500), seen(40_000, 500), 0],
    ['half a core', seen(10_000, 500), seen(40_000, 15_500), 50],
    ['all cores', seen(10_000, 0), seen(11_000, 2_000), 200],
    ['its start is told in whole seconds once', seen(0, 0, 1_000), seen(1_000, 100, 1_734), 10],
    ['its start is not known', seen(0, 0, null), seen(1_000, 100, null), 10],
    ['its start comes to be known', seen(0, 0, null), seen(1_000, 100, 1_000), 10],
    ['a run that began in between has its own counter', seen(0, 9_000), seen(30_000, 3_000, 20_000), 10],
    ['a run that began in between has used more by now', seen(0, 100), seen(30_000, 3_000, 20_000), 10],
  ])('is a share of one core: %s', (_, before, now, percent) => {
    expect(cpuPercent(before, now, cores)).toBeCloseTo(percent);
  });

  it.each([
    ['at the first look', undefined, seen(10_000, 500)],
    ['of a counter that stepped back', seen(0, 9_000), seen(30_000, 3_000)],
    ['of one that steps back up, to more than there are cores', seen(0, 0), seen(30_000, 90_000_000)],
    ['within no time', seen(10_000, 0), seen(10_000, 5)],
    ['after a long time without a look', seen(0, 0), seen(300_001, 5)],
  ])('is not told %s', (_, before, now) => {
    expect(cpuPercent(before, now, cores)).toBeNull();
  });
});
