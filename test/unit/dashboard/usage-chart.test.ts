import { describe, expect, it } from 'vitest';
import type { UsagePoint, UsageReport } from '../../../src/api/views.js';
import {
  chartOf,
  mebibytes,
  percent,
  plot,
  stepAt,
  stepByKey,
  ticksOf,
  timeOfDay,
  wordsAt,
  wordsOf,
  xOf,
  yOf,
} from '../../../src/dashboard/model/usage-chart.js';

const stepMs = 300_000;
const dayMs = 86_400_000;
const endMs = Date.parse('2026-01-31T12:00:00Z');
/** In the middle of the last step. */
const nowMs = endMs - 150_000;
/** When the step began that ended so many steps before the end; 1 is the last. */
const step = (before: number): number => endMs - before * stepMs;

function point(before: number, more: Partial<UsagePoint> = {}): UsagePoint {
  return { at: new Date(step(before)).toISOString(), memoryMb: 50, memoryPeakMb: 80, cpuPercent: 5, ...more };
}

function report(points: readonly UsagePoint[], more: Partial<UsageReport> = {}): UsageReport {
  return { service: 'shop', component: 'web', stepS: 300, memoryLimitMb: null, now: null, points, ...more };
}

/** How often a line begins anew. */
const pieces = (path: string): number => path.split('M').length - 1;

describe('a chart', () => {
  it('is of the last 24 hours, the step that goes on included', () => {
    const chart = chartOf(report([point(289), point(288), point(1)]), 'memory', nowMs);
    expect([chart.fromMs, chart.toMs]).toEqual([endMs - dayMs, endMs]);
    expect(chart.marks.map((mark) => mark.fromMs)).toEqual([step(288), step(1)]);
    expect([xOf(chart.fromMs, chart), xOf(chart.toMs, chart)]).toEqual([0, plot.width]);
  });

  it('draws a line through what follows on each other, and breaks it where figures are missing', () => {
    const chart = chartOf(report([point(10), point(9), point(8), point(5), point(4)]), 'memory', nowMs);
    for (const path of [chart.mean, chart.peaks, chart.surface]) expect(pieces(path)).toBe(2);
    expect(chart.surface.split('Z')).toHaveLength(3);
    const [first, second] = chart.mean.split('M').slice(1);
    expect(first).not.toContain(`H${plot.width}`);
    // Between the two nothing is drawn, neither at the bottom nor elsewhere.
    const endOfFirst = Number(first?.split('H').at(-1));
    const beginOfSecond = Number(second?.split(' ')[0]);
    expect(beginOfSecond - endOfFirst).toBeCloseTo((2 * stepMs * plot.width) / dayMs, 0);
  });

  it('shows a step that is alone with its width', () => {
    const chart = chartOf(report([point(100)]), 'cpu', nowMs);
    expect(chart.mean).toMatch(/^M[\d.]+ [\d.]+H[\d.]+$/);
  });

  it('takes processor time that could not be told for a gap, and for memory all the same', () => {
    const told = report([point(3), point(2, { cpuPercent: null }), point(1)]);
    expect(pieces(chartOf(told, 'cpu', nowMs).mean)).toBe(2);
    expect(pieces(chartOf(told, 'memory', nowMs).mean)).toBe(1);
  });

  it('has the limit below its upper edge, whether it is reached or passed', () => {
    const below = chartOf(report([point(1)], { memoryLimitMb: 1_000 }), 'memory', nowMs);
    expect(below.limit).toBe(1_000);
    expect(yOf(1_000, below)).toBeGreaterThan(0);
    const passed = chartOf(report([point(1, { memoryPeakMb: 2_000 })], { memoryLimitMb: 1_000 }), 'memory', nowMs);
    expect(yOf(2_000, passed)).toBeGreaterThan(0);
    expect(yOf(0, passed)).toBe(plot.height);
    expect(chartOf(report([point(1)], { memoryLimitMb: 1_000 }), 'cpu', nowMs).limit).toBeNull();
  });

  it.each([
    [80, 100],
    [97, 200],
    [180, 200],
    [300, 500],
    [900, 1_000],
    [960, 2_000],
    [0, 2],
  ])('without a limit has a round number above the highest figure: %d below %d', (memoryPeakMb, top) => {
    expect(chartOf(report([point(1, { memoryMb: 0, memoryPeakMb })]), 'memory', nowMs).top).toBe(top);
  });

  it('of nothing is empty', () => {
    const chart = chartOf(report([]), 'memory', nowMs);
    expect([chart.mean, chart.peaks, chart.surface, chart.marks]).toEqual(['', '', '', []]);
    expect(wordsOf(chart, report([]))).toBe('');
    expect(stepByKey(chart, null, 'ArrowLeft')).toBeNull();
  });

  it('names every sixth hour by the clock here', () => {
    const ticks = ticksOf(chartOf(report([]), 'memory', nowMs));
    expect(ticks.length).toBeGreaterThanOrEqual(3);
    for (const { atMs, x } of ticks) {
      expect(timeOfDay(atMs)).toMatch(/^(00|06|12|18):00$/);
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(plot.width);
    }
  });
});

describe('what is pointed at', () => {
  const chart = chartOf(report([point(10), point(9), point(5)]), 'memory', nowMs);

  it('is the step below the pointer', () => {
    expect(stepAt(chart, 0)).toBe(chart.fromMs);
    expect(stepAt(chart, 1)).toBe(step(1));
    expect(stepAt(chart, -5)).toBe(chart.fromMs);
    expect(stepAt(chart, (dayMs - 8.5 * stepMs) / dayMs)).toBe(step(9));
  });

  it('is told with its time, also where nothing is known', () => {
    expect(wordsAt(chart, step(9))).toBe(`${timeOfDay(step(9))}: 50 MiB, at most 80 MiB`);
    expect(wordsAt(chart, step(7))).toBe(`${timeOfDay(step(7))}: no figures`);
    expect(wordsAt(chartOf(report([point(9)]), 'cpu', nowMs), step(9))).toBe(`${timeOfDay(step(9))}: 5.0 %`);
  });

  it('moves by keys from figure to figure, over gaps', () => {
    expect(stepByKey(chart, null, 'ArrowLeft')).toBe(step(5));
    expect(stepByKey(chart, step(5), 'ArrowLeft')).toBe(step(9));
    expect(stepByKey(chart, step(10), 'ArrowLeft')).toBe(step(10));
    expect(stepByKey(chart, step(9), 'ArrowRight')).toBe(step(5));
    expect(stepByKey(chart, step(5), 'ArrowRight')).toBe(step(5));
    expect(stepByKey(chart, step(5), 'Home')).toBe(step(10));
    expect(stepByKey(chart, step(10), 'End')).toBe(step(5));
    expect(stepByKey(chart, step(5), 'x')).toBeNull();
  });
});

describe('figures in words', () => {
  it('have a unit', () => {
    expect([0, 8.34, 119.6, 1_536].map(mebibytes)).toEqual(['0.0 MiB', '8.3 MiB', '120 MiB', '1.5 GiB']);
    expect([0, 9.94, 150.3].map(percent)).toEqual(['0.0 %', '9.9 %', '150 %']);
  });

  it('say what is, what was, and the limit', () => {
    const told = report([point(2), point(1, { memoryMb: 70, cpuPercent: 15 })], {
      memoryLimitMb: 128,
      now: { at: new Date(nowMs).toISOString(), memoryMb: 71, cpuPercent: null },
    });
    expect(wordsOf(chartOf(told, 'memory', nowMs), told)).toBe(
      '71 MiB now; in 24 hours 60 MiB on average, at most 80 MiB; limit 128 MiB',
    );
    expect(wordsOf(chartOf(told, 'cpu', nowMs), told)).toBe('in 24 hours 10 % on average, at most 15 %');
  });
});
