/**
 * `[--quick] [--list] [NAME …]`: runs the benchmarks named, or all, or the quick ones; prints tables and keeps
 * the figures as JSON. Exits with 1 when one missed what it promises or could not run, with 2 for wrong words.
 */
import { relative } from 'node:path';
import { ensureExampleImage } from '../scripts/lib/podman.mjs';
import { root } from '../test/support/test-home.js';
import { agentKilled } from './agent-killed.js';
import { apply20 } from './apply-20.js';
import { applyUnchanged } from './apply-unchanged.js';
import { decisions } from './decisions.js';
import { feedLag } from './feed-lag.js';
import { fullPass } from './full-pass.js';
import { aligned, meets, tableOf, type Benchmark, type RunOptions } from './harness.js';
import { idleAgent } from './idle.js';
import { killSeen } from './kill.js';
import { reactions } from './reaction.js';
import { keepResult, keepRun, type Result } from './results.js';
import { startAgain } from './start-again.js';
import { steps } from './steps.js';
import { vmKill } from './vm-kill.js';
import { vmList } from './vm-list.js';
import { vmStart } from './vm-start.js';
import { watchPage } from './watch-page.js';
import { registryWrites } from './writes.js';

const core: readonly Benchmark[] = [registryWrites, reactions, feedLag, fullPass, decisions, steps];
const runtimes: readonly Benchmark[] = [
  apply20,
  applyUnchanged,
  startAgain,
  killSeen,
  agentKilled,
  vmStart,
  vmKill,
  vmList,
  watchPage,
  idleAgent,
];
const benchmarks: readonly Benchmark[] = [...core, ...runtimes];

async function measured(benchmark: Benchmark, options: RunOptions): Promise<Result> {
  const beganMs = performance.now();
  try {
    const measures = await benchmark.run(options);
    return { benchmark, measures, error: null, tookMs: performance.now() - beganMs };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { benchmark, measures: [], error: why, tookMs: performance.now() - beganMs };
  }
}

async function runAll(chosen: readonly Benchmark[], options: RunOptions): Promise<boolean> {
  if (chosen.some(({ containers, quick }) => containers ?? quick !== true)) {
    await ensureExampleImage((line) => {
      console.log(line);
    });
  }
  const results: Result[] = [];
  for (const benchmark of chosen) {
    if (!options.quick) console.log(`\n${benchmark.name}: ${benchmark.about}`);
    const result = await measured(benchmark, options);
    results.push(result);
    await keepResult(result, options);
    if (!options.quick && result.error === null) console.log(tableOf(result.measures));
    if (result.error !== null) console.log(`${benchmark.name} could not be measured: ${result.error}`);
  }
  if (options.quick) console.log(shortTable(results, options));
  const path = await keepRun(results, options);
  const seconds = results.reduce((sum, { tookMs }) => sum + tookMs, 0) / 1_000;
  console.log(`\n${seconds.toFixed(0)} s in all; kept as ${relative(root, path)}`);
  return results.every(({ error, measures }) => error === null && measures.every((figure) => meets(figure, options)));
}

/** One table of all, without the words on how each came about. */
function shortTable(results: readonly Result[], options: RunOptions): string {
  const measures = results.flatMap((result) => result.measures);
  return tableOf(
    measures.map((measure) => ({ ...measure, detail: '' })),
    options,
  );
}

function list(): string {
  const rows = benchmarks.map(({ name, quick, about }) => [name, quick === true ? 'quick' : '', about]);
  return aligned([['name', '', 'what'], ...rows]);
}

async function main(words: readonly string[]): Promise<number> {
  const flags = words.filter((word) => word.startsWith('-'));
  const names = words.filter((word) => !word.startsWith('-'));
  const wrong = [
    ...flags.filter((flag) => flag !== '--quick' && flag !== '--list'),
    ...names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name)),
  ];
  if (wrong.length > 0) {
    console.error(`there is no ${wrong.join(', ')}; there are --quick, --list and these:\n${list()}`);
    return 2;
  }
  if (flags.includes('--list')) {
    console.log(list());
    return 0;
  }
  const quick = flags.includes('--quick');
  const wanted = benchmarks.filter(({ name }) => names.length === 0 || names.includes(name));
  const chosen = quick ? wanted.filter((benchmark) => benchmark.quick === true) : wanted;
  if (chosen.length === 0) {
    console.error(`none of ${names.join(', ')} has a quick form`);
    return 2;
  }
  return (await runAll(chosen, { quick })) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
