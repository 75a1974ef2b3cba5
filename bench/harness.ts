/** What a benchmark is, and how its figures are summed up and shown. */

/** One figure, with its target if it has one. */
export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The figure has to be at most, or at least, this. */
  readonly target: { readonly atMost: number } | { readonly atLeast: number } | null;
  /** How it came about, in a few words. */
  readonly detail: string;
}

export interface Benchmark {
  readonly name: string;
  /** What is measured, in one sentence. */
  readonly about: string;
  run(): Promise<readonly Measure[]>;
}

/** The value below which `share` (0 to 1) of the values lie; of few values, the next greater one. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1));
  const value = sorted[index];
  if (value === undefined) throw new Error('no values');
  return value;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Milliseconds that `work` took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

/** True when the figure meets its target, or has none. */
export function meets({ value, target }: Measure): boolean {
  if (target === null) return true;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}

/** A table for people. */
export function tableOf(measures: readonly Measure[]): string {
  const rows = measures.map((measure) => [
    measure.what,
    `${measure.value >= 100 ? measure.value.toFixed(0) : measure.value.toPrecision(3)} ${measure.unit}`.trimEnd(),
    targetOf(measure),
    measure.target === null ? '' : meets(measure) ? 'met' : 'MISSED',
    measure.detail,
  ]);
  const all = [['what', 'value', 'target', '', 'how'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function targetOf({ target, unit }: Measure): string {
  if (target === null) return '';
  return `${'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`} ${unit}`.trimEnd();
}
