/** Keeps figures as JSON under bench/results/: the last of each benchmark, and every run as a whole. */
import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { root } from '../test/support/test-home.js';
import { meets, ratioOf, type Benchmark, type Measure, type RunOptions } from './harness.js';

export interface Result {
  readonly benchmark: Benchmark;
  readonly measures: readonly Measure[];
  /** Why it ended early; null: it did not. */
  readonly error: string | null;
  readonly tookMs: number;
}

const folder = join(root, 'bench/results');

/** What the figures were measured on. */
export function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_mb: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    arch: arch(),
    node: process.version,
  };
}

function plain({ benchmark, measures, error, tookMs }: Result, options: RunOptions) {
  const figures = measures.map((measure) => ({
    ...measure,
    ratio: ratioOf(measure),
    met: meets(measure, options),
  }));
  return { name: benchmark.name, about: benchmark.about, tookMs: Math.round(tookMs), error, measures: figures };
}

/** Writes `NAME.json`, replacing the last. */
export async function keepResult(result: Result, options: RunOptions): Promise<void> {
  const content = { at: new Date().toISOString(), quick: options.quick, machine: machine(), ...plain(result, options) };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${result.benchmark.name}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

/** Writes `runs/TIME.json` with everything that this run measured; answers its path. */
export async function keepRun(results: readonly Result[], options: RunOptions): Promise<string> {
  const at = new Date().toISOString();
  const path = join(folder, 'runs', `${at.replaceAll(':', '-')}.json`);
  await mkdir(join(folder, 'runs'), { recursive: true });
  const benchmarks = results.map((result) => plain(result, options));
  const content = { at, quick: options.quick, machine: machine(), benchmarks };
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`);
  return path;
}
