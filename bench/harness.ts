/** What a benchmark is, and how its figures are judged, summed up and shown. */

export type Bound = { readonly atMost: number } | { readonly atLeast: number };

/** What a figure is read beside: somebody else's program that does the same, or the floor below it. */
export interface Peer {
  readonly what: string;
  /** Measured in the same run, in turns with ours, in the same unit. */
  readonly value: number;
  /** Ours divided by the peer's. Absent: of the two values; else the median of the ratios of each round, say. */
  readonly ratio?: number;
  /** The ratio has to be at most, or at least, this. Absent: it is only shown. */
  readonly bound?: Bound;
}

/** One figure, with its target if it has one. */
export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The figure itself has to be at most, or at least, this. */
  readonly target: Bound | null;
  readonly peer?: Peer;
  /** How it came about, in a few words. */
  readonly detail: string;
}

export interface RunOptions {
  /** Fewer rounds, so that all the quick benchmarks together end within 90 s. */
  readonly quick: boolean;
}

export interface Benchmark {
  readonly name: string;
  /** What is measured, in one sentence. */
  readonly about: string;
  /** Takes part in `--quick`: needs neither root nor Podman nor QEMU, and knows how to be short. */
  readonly quick?: boolean;
  /** Runs containers of the example image, which is made first. Default: what is not quick does. */
  readonly containers?: boolean;
  run(options: RunOptions): Promise<readonly Measure[]>;
}

/** A quick run is short and shares its machine: a latency fails only beyond so many times its target. */
export const quickLeniency = 5;

/** The value below which `share` (0 to 1) of the values lie; of few values, the next greater one. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1));
  const value = sorted[index];
  if (value === undefined) throw new Error('no values');
  return value;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** The median of the ratios of each round, which a change of the machine's load between rounds does not touch. */
export function medianRatio(ours: readonly number[], peers: readonly number[]): number {
  return median(ours.map((value, round) => value / (peers[round] ?? Number.NaN)));
}

/** Milliseconds that `work` took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

/** Ours divided by the peer's; null where there is no peer. */
export function ratioOf({ value, peer }: Measure): number | null {
  return peer ? (peer.ratio ?? value / peer.value) : null;
}

/**
 * True when the figure meets its target and its ratio the bound, or there is neither. A quick run is lenient with
 * absolute figures, never with ratios: their two sides were measured in turns.
 */
export function meets(measure: Measure, { quick }: RunOptions = { quick: false }): boolean {
  const ratio = ratioOf(measure);
  const bound = measure.peer?.bound;
  if (ratio !== null && bound && !isWithin(ratio, bound, 1)) return false;
  return measure.target === null || isWithin(measure.value, measure.target, quick ? quickLeniency : 1);
}

/** False also when the value is no number: what could not be measured meets nothing. */
function isWithin(value: number, bound: Bound, leniency: number): boolean {
  return 'atMost' in bound ? value <= bound.atMost * leniency : value >= bound.atLeast / leniency;
}

/** A table for people. */
export function tableOf(measures: readonly Measure[], options: RunOptions = { quick: false }): string {
  const header = ['what', 'this project', 'peer or floor', 'ratio', 'target', '', 'how'];
  return aligned([header, ...measures.map((measure) => rowOf(measure, options))]);
}

function rowOf(measure: Measure, options: RunOptions): readonly string[] {
  const { what, value, unit, target, peer, detail } = measure;
  const ratio = ratioOf(measure);
  const bounds = [
    ...(target ? [`${boundText(target)} ${unit}`.trimEnd()] : []),
    ...(peer?.bound ? [`${boundText(peer.bound)} ×`] : []),
  ];
  return [
    what,
    figure(value, unit),
    peer ? `${peer.what} ${figure(peer.value, unit)}` : '',
    ratio === null ? '' : `${ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(2)} ×`,
    bounds.join(', '),
    verdict(measure, options),
    detail,
  ];
}

function verdict(measure: Measure, options: RunOptions): string {
  if (measure.target === null && !measure.peer?.bound) return '';
  if (meets(measure)) return 'met';
  return meets(measure, options) ? `missed, within ${quickLeniency} times` : 'MISSED';
}

const boundText = (bound: Bound): string =>
  'atMost' in bound ? `≤ ${grouped(bound.atMost)}` : `≥ ${grouped(bound.atLeast)}`;

function figure(value: number, unit: string): string {
  return `${Math.abs(value) >= 100 ? grouped(Math.round(value)) : value.toPrecision(3)} ${unit}`.trimEnd();
}

/** 1234567 → 1,234,567 */
const grouped = (value: number): string => value.toLocaleString('en-US');

/** Columns of equal width, two spaces apart. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
