/** Charts of what a component used: where lines run, and what they say in words. Pure. */
import type { UsagePoint, UsageReport } from '../../api/views.js';

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** The surface that lines are drawn on; it is stretched to whatever there is room for. */
export const plot = { width: 1_000, height: 100 } as const;

export type Measure = 'memory' | 'cpu';

/** One step that is known. */
export interface Mark {
  readonly fromMs: number;
  readonly value: number;
  /** The most within the step; null: that is not known. */
  readonly peak: number | null;
}

export interface Chart {
  readonly measure: Measure;
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly marks: readonly Mark[];
  /** What the upper edge stands for. */
  readonly top: number;
  /** null: there is no limit. */
  readonly limit: number | null;
  /** Lines along the mean, along the peaks, and the surface below the mean. A gap is a gap in all of them. */
  readonly mean: string;
  readonly peaks: string;
  readonly surface: string;
}

/** The last day up to `nowMs`. */
export function chartOf(report: UsageReport, measure: Measure, nowMs: number): Chart {
  const stepMs = report.stepS * 1_000;
  const toMs = (Math.floor(nowMs / stepMs) + 1) * stepMs;
  const fromMs = toMs - dayMs;
  const marks = report.points
    .flatMap((point) => markOf(point, measure))
    .filter((mark) => mark.fromMs >= fromMs && mark.fromMs < toMs);
  const limit = measure === 'memory' ? report.memoryLimitMb : null;
  const top = topOf(Math.max(0, ...marks.map((mark) => Math.max(mark.value, mark.peak ?? 0))), limit);
  const frame = { fromMs, toMs, stepMs, top };
  const runs = runsOf(marks, stepMs);
  return {
    measure,
    ...frame,
    marks,
    limit,
    mean: runs.map((run) => stairs(run, frame, (mark) => mark.value)).join(''),
    peaks:
      measure === 'memory' ? runs.map((run) => stairs(run, frame, (mark) => mark.peak ?? mark.value)).join('') : '',
    surface: runs.map((run) => filled(run, frame)).join(''),
  };
}

function markOf(point: UsagePoint, measure: Measure): readonly Mark[] {
  const fromMs = Date.parse(point.at);
  if (measure === 'memory') return [{ fromMs, value: point.memoryMb, peak: point.memoryPeakMb }];
  return point.cpuPercent === null ? [] : [{ fromMs, value: point.cpuPercent, peak: null }];
}

/** Steps that follow on each other without a gap. */
function runsOf(marks: readonly Mark[], stepMs: number): readonly (readonly Mark[])[] {
  const runs: Mark[][] = [];
  for (const mark of marks) {
    const run = runs.at(-1);
    if (run?.at(-1)?.fromMs === mark.fromMs - stepMs) run.push(mark);
    else runs.push([mark]);
  }
  return runs;
}

type Frame = Pick<Chart, 'fromMs' | 'toMs' | 'stepMs' | 'top'>;

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** From the left edge. */
export function xOf(atMs: number, { fromMs, toMs }: Pick<Frame, 'fromMs' | 'toMs'>): number {
  return ((atMs - fromMs) / (toMs - fromMs)) * plot.width;
}

/** From the upper edge. */
export function yOf(value: number, { top }: Pick<Frame, 'top'>): number {
  return plot.height - (Math.min(value, top) / top) * plot.height;
}

/** A step is as wide as it is long: one alone is seen as well. */
function stairs(run: readonly Mark[], frame: Frame, value: (mark: Mark) => number): string {
  return run
    .map((mark, index) => {
      const y = short(yOf(value(mark), frame));
      const begin = index === 0 ? `M${short(xOf(mark.fromMs, frame))} ${y}` : `V${y}`;
      return `${begin}H${short(xOf(mark.fromMs + frame.stepMs, frame))}`;
    })
    .join('');
}

function filled(run: readonly Mark[], frame: Frame): string {
  const first = run[0];
  if (first === undefined) return '';
  return `${stairs(run, frame, (mark) => mark.value)}V${plot.height}H${short(xOf(first.fromMs, frame))}Z`;
}

/** With a limit, that is near the upper edge; without one a round number is the edge. */
function topOf(most: number, limit: number | null): number {
  if (limit !== null) return Math.max(limit, most) * 1.08;
  const wanted = Math.max(most, 1) * 1.05;
  const unit = 10 ** Math.floor(Math.log10(wanted));
  return ([1, 2, 5].find((times) => times * unit >= wanted) ?? 10) * unit;
}

/** Every sixth hour by the clock here, and where it stands. Those at the edges have no room. */
export function ticksOf({ fromMs, toMs }: Pick<Chart, 'fromMs' | 'toMs'>): readonly { atMs: number; x: number }[] {
  const ticks = [];
  for (let atMs = Math.ceil(fromMs / hourMs) * hourMs; atMs < toMs; atMs += hourMs) {
    const x = xOf(atMs, { fromMs, toMs });
    const isInside = x > plot.width * 0.04 && x < plot.width * 0.96;
    if (isInside && new Date(atMs).getHours() % 6 === 0) ticks.push({ atMs, x });
  }
  return ticks;
}

/** The step at a share of the width: from 0 on the left to 1 on the right. */
export function stepAt(chart: Chart, share: number): number {
  const within = Math.min(Math.max(share, 0), 0.999_999);
  return chart.fromMs + Math.floor((within * dayMs) / chart.stepMs) * chart.stepMs;
}

/** The step of a known figure that a key leads to; null: the key leads nowhere, or nothing is known. */
export function stepByKey(chart: Chart, atMs: number | null, key: string): number | null {
  const steps = chart.marks.map((mark) => mark.fromMs);
  const last = steps.at(-1) ?? null;
  switch (key) {
    case 'ArrowLeft':
      return atMs === null ? last : (steps.findLast((step) => step < atMs) ?? steps[0] ?? null);
    case 'ArrowRight':
      return atMs === null ? last : (steps.find((step) => step > atMs) ?? last);
    case 'Home':
      return steps[0] ?? null;
    case 'End':
      return last;
    default:
      return null;
  }
}

/** Mebibytes in words: `8.3 MiB`, `120 MiB`, `1.5 GiB`. */
export function mebibytes(value: number): string {
  if (value >= 1_024) return `${(value / 1_024).toFixed(1)} GiB`;
  return `${value < 10 ? value.toFixed(1) : String(Math.round(value))} MiB`;
}

/** Of one core: `0.3 %`, `120 %`. */
export function percent(value: number): string {
  return `${value < 10 ? value.toFixed(1) : String(Math.round(value))} %`;
}

export function figure(value: number, measure: Measure): string {
  return measure === 'memory' ? mebibytes(value) : percent(value);
}

/** Hours and minutes by the clock here. */
export function timeOfDay(atMs: number): string {
  const time = new Date(atMs);
  return `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
}

/** One step in words, as far as it is known. */
export function wordsAt(chart: Chart, atMs: number): string {
  const mark = chart.marks.find(({ fromMs }) => fromMs === atMs);
  const time = timeOfDay(atMs);
  if (mark === undefined) return `${time}: no figures`;
  const peak = mark.peak === null ? '' : `, at most ${figure(mark.peak, chart.measure)}`;
  return `${time}: ${figure(mark.value, chart.measure)}${peak}`;
}

/** The whole day in words: now, on average, at most, and the limit. */
export function wordsOf(chart: Chart, report: UsageReport): string {
  const now = report.now === null ? null : chart.measure === 'memory' ? report.now.memoryMb : report.now.cpuPercent;
  const values = chart.marks.map((mark) => mark.value);
  const most = Math.max(...chart.marks.map((mark) => mark.peak ?? mark.value));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const words = [
    ...(now === null ? [] : [`${figure(now, chart.measure)} now`]),
    ...(values.length === 0
      ? []
      : [`in 24 hours ${figure(mean, chart.measure)} on average, at most ${figure(most, chart.measure)}`]),
    ...(chart.limit === null ? [] : [`limit ${mebibytes(chart.limit)}`]),
  ];
  return words.join('; ');
}
