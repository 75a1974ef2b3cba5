/** The wall clock jumps an hour ahead and back under the agent: nothing is restarted, and waiting times stay what they are. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCensus, runsIn } from '../support/census.js';
import { readBooks, type BookedStatus } from '../support/census/books.js';
import { eventually } from '../support/eventually.js';
import { makeMovedClock, type MovedClock } from '../support/moved-clock.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { row } from '../support/reading.js';
import { makeTestHome, type RunningAgent, type TestHome } from '../support/test-home.js';
import { ensureTestKernel } from '../support/vm-kernel.js';

const hourS = 3_600;
/** The longest pause between two tries of a program that ends at once, with jitter and a busy machine on top. */
const longestMs = 2_000;
const patience = { timeoutMs: 60_000, everyMs: 100 };

let home: TestHome;
let agent: RunningAgent;
let clock: MovedClock;
let image: BuiltImage;
let folder: string;

beforeAll(async () => {
  const kernel = await ensureTestKernel();
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-clock-'))]);
  clock = await makeMovedClock(folder);
  home = await makeTestHome({
    ...{ ...kernel.env, ...clock.env },
    ...{ BERTH_RELIST_S: '0.5', BERTH_SETTLE_S: '0.2' },
    ...{ BERTH_BACKOFF_FIRST_S: '0.5', BERTH_BACKOFF_LONGEST_S: String(longestMs / 1_000) },
  });
  agent = await home.startAgent();
  await apply('calm', component('box') + component('vm', 'runtime = "microvm"\nmemory_mb = 96\n'), 'deploy');
  await apply('wild', component('crash', 'command = ["/bin/sh", "-c", "exit 3"]\n'), 'apply');
  await eventually(() => expect(crash().failures).toBeGreaterThan(2), patience);
});

afterAll(async () => {
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

function component(name: string, more = ''): string {
  return `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n${more}`;
}

async function apply(service: string, body: string, verb: 'apply' | 'deploy'): Promise<void> {
  const path = join(folder, `${service}.toml`);
  await writeFile(path, `name = "${service}"\n${body}`);
  const result = await home.berth(verb, '-f', path);
  expect(result.exitCode, result.stderr).toBe(0);
}

function crash(): BookedStatus {
  const status = readBooks(home.path).components.find(({ name }) => name === 'crash')?.status;
  if (!status) throw new Error('crash has no status yet');
  return status;
}

/** Runs of those that nothing happens to. */
async function calm(): Promise<readonly string[]> {
  const runs = await runsIn(home);
  return ['calm-box', 'calm-vm'].map((name) => runs.get(home.prefix + name) ?? 'it is down');
}

/** Both drivers were asked again, and by this clock: what they said is from after the jump. */
async function lookedAgain(aheadS: number, jumpedAtMs: number): Promise<void> {
  await eventually(() => {
    for (const [driver, atMs] of readBooks(home.path).lastGoodAtMs) {
      const byTrueTimeMs = (atMs ?? 0) - aheadS * 1_000;
      expect(Math.abs(byTrueTimeMs - jumpedAtMs), driver).toBeLessThan(60_000);
      expect(byTrueTimeMs, driver).toBeGreaterThan(jumpedAtMs);
    }
  }, patience);
}

/** It is tried again and again, with the pauses that the settings allow, by the clock as it is now. */
async function triesGoOn(aheadS: number): Promise<void> {
  const tries = new Set<number>();
  await eventually(() => {
    const { startedAtMs, nextTryAtMs } = crash();
    if (startedAtMs !== null) tries.add(startedAtMs);
    const nowMs = Date.now() + aheadS * 1_000;
    if (nextTryAtMs !== null) expect(nextTryAtMs - nowMs).toBeLessThan(longestMs * 2);
    expect(tries.size).toBeGreaterThan(2);
  }, patience);
}

describe('a wall clock that jumps', () => {
  it.each([
    ['an hour ahead', hourS],
    ['back again', 0],
    ['an hour behind', -hourS],
    ['to where it should be', 0],
  ])('%s: nothing is restarted, tries go on, and an edit converges', async (_where, aheadS) => {
    const before = await calm();
    const jumpedAtMs = Date.now();
    await clock.move(aheadS);
    await lookedAgain(aheadS, jumpedAtMs);
    for (const name of ['box', 'vm'])
      expect(await row(home, name)).toMatchObject({ phase: 'running', ready: true, drift: [], restarts: 0 });
    await triesGoOn(aheadS);
    expect(await calm()).toEqual(before);
    await apply(
      'calm',
      component('box', `memory_mb = ${String(64 + Math.abs(aheadS) / 600)}\n`) +
        component('vm', 'runtime = "microvm"\nmemory_mb = 96\n'),
      'deploy',
    );
    expect(await calm()).toEqual(before);
  });

  it('while no agent runs: the next one restarts nothing either', async () => {
    const before = await calm();
    for (const aheadS of [hourS, -hourS, 0]) {
      await agent.stop();
      const jumpedAtMs = Date.now();
      await clock.move(aheadS);
      agent = await home.startAgent();
      await lookedAgain(aheadS, jumpedAtMs);
      expect(await calm()).toEqual(before);
    }
    await triesGoOn(0);
    expect((await home.berth('delete', 'wild', '--yes', '--wait', '--timeout', '60s')).exitCode).toBe(0);
    expect(await calm()).toEqual(before);
    await expectCensus(home);
  });
});
