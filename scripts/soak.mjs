/**
 * `npm run soak [-- MINUTES [SEED]]`: storms in simulation, seed after seed, for as long as you like; then the agent
 * is killed 200 times during real applies. What fails is kept in `soak-failures/` with its seed, a short schedule
 * that fails alike, and its trace. Default: 10 minutes, and a seed by the clock.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tool } from './lib/checks.mjs';
import { berthMain, root } from './lib/paths.mjs';
import { probeContainers } from './lib/podman.mjs';
import { run } from './lib/run.mjs';
import { setUp } from './lib/setup.mjs';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Storms of one process. */
const perRun = 50;
const kills = 200;

/**
 * @typedef {{ name: string, failure: string | null, schedule: unknown, trace: string[] }} Storm
 */

/** @param {number} first @param {number} endMs @returns {Promise<{ ridden: number, failed: number }>} */
async function rideStorms(first, endMs) {
  let [ridden, failed] = [0, 0];
  for (let seed = first; Date.now() < endMs; seed += perRun) {
    const argv = [process.execPath, berthMain, 'sim', '--seed', String(seed), '--storms', String(perRun), '-o', 'json'];
    const result = await run(argv, { cwd: root, deadlineMs: hourMs });
    if (result.exitCode === null || (!result.ok && !result.output.startsWith('['))) {
      throw new Error(`storms from seed ${seed}: ${result.problem}\n${result.output}`);
    }
    const storms = stormsOf(result.output);
    ridden += storms.length;
    for (const storm of storms.filter(({ failure }) => failure !== null)) {
      failed += 1;
      keep(storm);
    }
    console.log(`${ridden} storms up to seed ${seed + perRun - 1}, ${failed} failed`);
  }
  return { ridden, failed };
}

/** @param {string} text @returns {Storm[]} */
function stormsOf(text) {
  /** @type {unknown} */
  const parsed = JSON.parse(text);
  return /** @type {Storm[]} */ (parsed);
}

/** @param {Storm} storm */
function keep({ name, failure, schedule, trace }) {
  const folder = join(root, 'soak-failures');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name.replaceAll(' ', '-'));
  writeFileSync(`${path}.json`, `${JSON.stringify(schedule)}\n`);
  writeFileSync(`${path}.trace`, `${failure}\n${trace.join('\n')}\n`);
  console.log(
    `${name}: FAILED: ${failure}\n  kept: ${path}.json; once mended, move it to test/simulation/regressions/`,
  );
}

/** The agent dies at random during real applies. @param {number} seed */
async function killAgents(seed) {
  const argv = [
    'run',
    '--project',
    'integration',
    'test/integration/crash.test.ts',
    'test/integration/qemu/crash.test.ts',
  ];
  const env = { BERTH_KILLS: String(kills), BERTH_SEED: String(seed) };
  return (await run([tool(root, 'vitest'), ...argv], { cwd: root, deadlineMs: 6 * hourMs, env, show: true })).ok;
}

try {
  const [minutes = '10', seedText = String(Math.floor(Date.now() / 1_000) % 1_000_000)] = process.argv.slice(2);
  const [length, seed] = [Number(minutes), Number(seedText)];
  if (!(length > 0) || !Number.isInteger(seed)) throw new Error('usage: npm run soak [-- MINUTES [SEED]]');
  await setUp('test');
  console.log(`storms for ${length} minutes, from seed ${seed}`);
  const { ridden, failed } = await rideStorms(seed, Date.now() + length * minuteMs);
  console.log(`${ridden} storms, ${failed} failed`);
  const podman = await probeContainers();
  console.log(podman.ok ? `the agent is killed ${kills} times, seed ${seed}` : `no containers here: ${podman.reason}`);
  const survived = podman.ok && (await killAgents(seed));
  process.exitCode = failed === 0 && survived ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
