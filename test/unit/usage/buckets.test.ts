import { describe, expect, it } from 'vitest';
import { usageStepMs } from '../../../src/core/usage.js';
import { Buckets } from '../../../src/usage/buckets.js';

const web = { service: 'shop', component: 'web' };
const db = { service: 'shop', component: 'db' };
const step = usageStepMs * 1_000;
const sample = (atMs: number, memoryBytes: number, cpuPercent: number | null = 0, key = web) => ({
  key,
  atMs,
  memoryBytes,
  cpuPercent,
});

function filled(...samples: readonly ReturnType<typeof sample>[]): Buckets {
  const buckets = new Buckets();
  for (const one of samples) buckets.add(one);
  return buckets;
}

describe('looks within one step', () => {
  it('are one figure: mean, peak, and how often was looked', () => {
    const buckets = filled(sample(step, 100, 10), sample(step + 1, 400, 30), sample(step + usageStepMs - 1, 100, 50));
    expect(buckets.of(web)).toEqual([
      { key: web, atMs: step, memoryBytes: 200, memoryPeakBytes: 400, cpuPercent: 30, samples: 3 },
    ]);
  });

  it('that could not tell processor time are no zeros of it', () => {
    const buckets = filled(sample(step, 1, null), sample(step, 1, 20), sample(step, 1, null), sample(step, 1, 40));
    expect(buckets.of(web)).toMatchObject([{ cpuPercent: 30, samples: 4 }]);
    expect(filled(sample(step, 1, null)).of(web)).toMatchObject([{ cpuPercent: null, samples: 1 }]);
  });

  it('are of one component each', () => {
    const buckets = filled(sample(step, 100), sample(step, 900, 0, db));
    expect(buckets.of(web)).toMatchObject([{ memoryBytes: 100 }]);
    expect(buckets.of(db)).toMatchObject([{ memoryBytes: 900 }]);
    expect(buckets.of({ service: 'shop', component: 'ghost' })).toEqual([]);
  });
});

describe('a step that is over', () => {
  it('is handed out once, and what goes on is not', () => {
    const later = step + usageStepMs;
    const buckets = filled(sample(step, 100), sample(step, 200, 0, db), sample(later, 300));
    expect(buckets.of(web).map(({ atMs }) => atMs)).toEqual([step, later]);
    expect(buckets.takeFinished(later).map(({ key, atMs }) => [key.component, atMs])).toEqual([
      ['web', step],
      ['db', step],
    ]);
    expect(buckets.takeFinished(later)).toEqual([]);
    expect(buckets.of(web)).toMatchObject([{ atMs: later, memoryBytes: 300 }]);
  });

  it('is handed out though nothing runs any more', () => {
    const buckets = filled(sample(step, 100));
    expect(buckets.takeFinished(step + 1)).toEqual([]);
    expect(buckets.takeFinished(step + 10 * usageStepMs)).toMatchObject([{ atMs: step, memoryBytes: 100 }]);
    expect(buckets.of(web)).toEqual([]);
  });

  it('leaves a gap after it where nobody looked', () => {
    const buckets = filled(sample(step, 100), sample(step + 3 * usageStepMs, 100));
    const times = buckets.takeAll().map(({ atMs }) => atMs);
    expect(times).toEqual([step, step + 3 * usageStepMs]);
  });

  it('is over as well when the clock is set back', () => {
    const buckets = filled(sample(step, 100), sample(step - usageStepMs, 200));
    expect(buckets.takeFinished(step - usageStepMs)).toMatchObject([{ atMs: step, memoryBytes: 100 }]);
    expect(buckets.takeAll()).toMatchObject([{ atMs: step - usageStepMs, memoryBytes: 200 }]);
    expect(buckets.takeAll()).toEqual([]);
  });
});
