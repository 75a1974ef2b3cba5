/** What runs in a process of its own: the scenarios and storms of one compiled program, until something does not hold. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Storms, from seed 1 on, that a program is put through when all scenarios held. */
export const storms = 40;
/** One run takes a hundredth of it: what takes longer never ends. */
const runCpuSeconds = 20;

/** Ends the process when one run takes too much of the processor: a loop lets no timer of its own thread fire. */
const watchdog = `
  const { workerData } = require('node:worker_threads');
  const begun = new Float64Array(workerData.begun);
  const seconds = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
  setInterval(() => { if (seconds() - begun[0] > workerData.limit) process.kill(process.pid, 'SIGKILL'); }, 200);
`;

/**
 * The words are the folder of the compiled program, and names of scenarios (or `storm SEED`) to begin with. Tells each run
 * on a line of its own before it begins; ends with 1 after the first that fails, and the last line says how.
 * @param {readonly string[]} words
 * @returns {Promise<void>}
 */
export async function ride([folder = '', ...favourites]) {
  /** @param {string} name @returns {Promise<unknown>} */
  const load = (name) => import(pathToFileURL(join(folder, 'src/simulation', name)).href);
  const { scenarios } = /** @type {typeof import('../../src/simulation/scenarios.js')} */ (await load('scenarios.js'));
  const { mishaps, runScenario } = /** @type {typeof import('../../src/simulation/sweep.js')} */ (
    await load('sweep.js')
  );
  const { rideStorm } = /** @type {typeof import('../../src/simulation/storm.js')} */ (await load('storm.js'));
  const { scheduleOf } = /** @type {typeof import('../../src/simulation/schedule.js')} */ (await load('schedule.js'));
  const { makeRegistryImage } = /** @type {typeof import('../../src/simulation/registry-image.js')} */ (
    await load('registry-image.js')
  );
  const image = await makeRegistryImage();
  const begun = new Float64Array(new SharedArrayBuffer(8));
  const dog = new Worker(watchdog, { eval: true, workerData: { begun: begun.buffer, limit: runCpuSeconds } });

  /** @param {string} place @param {() => Promise<unknown>} work */
  const attempt = async (place, work) => {
    const { user, system } = process.cpuUsage();
    begun[0] = (user + system) / 1e6;
    say(place);
    try {
      return await work();
    } catch (error) {
      say(`${place}: ${firstLine(error)}`);
      process.exit(1);
    }
  };

  /** @param {import('../../src/simulation/scenario.js').Scenario} scenario */
  const sweep = async (scenario) => {
    const place = `"${scenario.name}"`;
    const peace = /** @type {Awaited<ReturnType<typeof runScenario>>} */ (
      await attempt(`${place} in peace`, () => runScenario(scenario, { image }))
    );
    for (const [index, what] of peace.effects.entries()) {
      for (const mishap of mishaps) {
        await attempt(`${place}, ${mishap} at ${what} (${index + 1})`, () =>
          runScenario(scenario, { image, mishap: { effect: index + 1, mishap } }),
        );
      }
    }
  };

  /** @param {number} seed */
  const storm = (seed) =>
    attempt(`storm ${seed}`, async () => {
      const { failure } = await rideStorm(scheduleOf(seed), { image });
      if (failure !== null) throw new Error(failure);
    });

  const isFavourite = (/** @type {{ readonly name: string }} */ { name }) => favourites.includes(name);
  for (const scenario of scenarios.filter(isFavourite)) await sweep(scenario);
  for (const text of favourites) if (text.startsWith('storm ')) await storm(Number(text.slice(6)));
  for (const scenario of scenarios.filter((item) => !isFavourite(item))) await sweep(scenario);
  for (let seed = 1; seed <= storms; seed += 1) await storm(seed);
  await dog.terminate();
}

/** At once, so that it is told whatever happens next. @param {string} line */
function say(line) {
  writeSync(1, `${line}\n`);
}

/** @param {unknown} error */
function firstLine(error) {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line.slice(0, 200);
}
