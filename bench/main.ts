/** Runs the benchmarks named on the command line, or all; prints tables and keeps the figures as JSON. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from '../test/support/test-home.js';
import { apply20 } from './apply-20.js';
import { applyUnchanged } from './apply-unchanged.js';
import { fullPass } from './full-pass.js';
import { meets, tableOf, type Benchmark, type Measure } from './harness.js';
import { killSeen } from './kill.js';
import { reactions } from './reaction.js';
import { startAgain } from './start-again.js';
import { vmKill } from './vm-kill.js';
import { vmList } from './vm-list.js';
import { vmStart } from './vm-start.js';
import { registryWrites } from './writes.js';

const benchmarks: readonly Benchmark[] = [
  apply20,
  applyUnchanged,
  startAgain,
  killSeen,
  reactions,
  registryWrites,
  fullPass,
  vmStart,
  vmKill,
  vmList,
];

async function keep(benchmark: Benchmark, measures: readonly Measure[]): Promise<void> {
  const folder = join(root, 'bench/results');
  await mkdir(folder, { recursive: true });
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  const result = { name: benchmark.name, about: benchmark.about, at: new Date().toISOString(), machine, measures };
  await writeFile(join(folder, `${benchmark.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${benchmarks.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else {
  for (const benchmark of benchmarks.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    console.log(`\n${benchmark.name}: ${benchmark.about}`);
    const measures = await benchmark.run();
    await keep(benchmark, measures);
    console.log(tableOf(measures));
    if (!measures.every(meets)) process.exitCode = 1;
  }
}
