/** The agent is killed at random moments while it makes, replaces and removes microVMs: the end is the same, and clean. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCensus } from '../../support/census.js';
import { eventually } from '../../support/eventually.js';
import { leftovers, machinesOf } from '../../support/machines.js';
import { ensureTestImage, type BuiltImage } from '../../support/podman-image.js';
import { row, status } from '../../support/reading.js';
import { makeTestHome, type TestHome } from '../../support/test-home.js';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { ensureTestKernel, type TestKernel } from '../../support/vm-kernel.js';

/** How often each step of a life is interrupted. */
const kills = Number(process.env['BERTH_KILLS'] ?? '2');
const seed = Number(process.env['BERTH_SEED'] ?? String(Date.now() % 100_000));
const patience = { timeoutMs: 90_000, everyMs: 200 };

let kernel: TestKernel;
let image: BuiltImage;
let folder: string;

beforeAll(async () => {
  kernel = await ensureTestKernel();
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-vmcrash-'))]);
});

afterAll(async () => {
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

const definition = (turn: string): string =>
  `name = "one"\n[[components]]\nname = "vm"\nruntime = "microvm"\nimage = "${image.reference}"\npull = "never"\nmemory_mb = 96\nstop_timeout_s = 3\nvolumes = ["data:/data:size_mb=16"]\nenv = { TURN = "${turn}" }\n`;

/** SIGKILL so many milliseconds after `act`, then another agent. Answers the machines that ran in between. */
async function interrupted(home: TestHome, afterMs: number, act: () => Promise<unknown>): Promise<readonly number[]> {
  const agent = await home.startAgent();
  await act();
  const untilMs = performance.now() + afterMs;
  await eventually(() => performance.now() >= untilMs, { timeoutMs: afterMs + 10_000 });
  await agent.kill();
  return (await machinesOf(home.path)).map(({ pid }) => pid);
}

async function converged(home: TestHome): Promise<number> {
  const pid = await oneRuns(home);
  await expectCensus(home);
  return pid;
}

function oneRuns(home: TestHome): Promise<number> {
  return eventually(async () => {
    const vm = await row(home, 'vm');
    expect(vm).toMatchObject({ phase: 'running', ready: true, drift: [] });
    expect(vm.observedGeneration).toBe(vm.generation);
    const machines = await machinesOf(home.path);
    expect(machines).toHaveLength(1);
    expect(await leftovers(home.path)).toHaveLength(1);
    return machines[0]?.pid ?? 0;
  }, patience);
}

describe(`SIGKILL in the life of a microVM (seed ${String(seed)})`, () => {
  it.each(Array.from({ length: kills }, (_, turn) => turn + 1))('turn %i: made, replaced and removed', async (turn) => {
    const chance = createSeededChance(seed + turn);
    // Every other time the image is a disk under an overlay instead of an archive in memory.
    const limitMb = turn % 2 === 0 ? '1' : '48';
    const settings = { BERTH_SETTLE_S: '0.2', BERTH_BACKOFF_FIRST_S: '0.2', BERTH_VM_INITRAMFS_LIMIT_MB: limitMb };
    const home = await makeTestHome({ ...settings, ...kernel.env });
    const path = join(folder, `${home.prefix}one.toml`);
    const apply = async (text: string): Promise<void> => {
      await writeFile(path, text);
      expect((await home.berth('apply', '-f', path)).exitCode).toBe(0);
    };
    try {
      const [made, replaced, removed] = [chance.random() * 3_000, chance.random() * 5_000, chance.random() * 600];
      const words = `killed after ${[made, replaced, removed].map((ms) => String(Math.round(ms))).join(', ')} ms`;
      const before = await interrupted(home, made, () => apply(definition('1')));
      let agent = await home.startAgent();
      const first = await converged(home);
      expect(before.length, words).toBeLessThan(2);
      if (before.length === 1) expect(first, `${words}: what ran was not started again`).toBe(before[0]);
      await agent.stop();

      await interrupted(home, replaced, () => apply(definition('2')));
      expect((await machinesOf(home.path)).length, words).toBeLessThan(2);
      agent = await home.startAgent();
      expect(await converged(home), words).not.toBe(first);
      await agent.stop();

      await interrupted(home, removed, () => home.berth('delete', 'one', '--yes'));
      await home.startAgent();
      await eventually(async () => {
        expect(await status(home)).toEqual([]);
        expect(await machinesOf(home.path)).toEqual([]);
        expect(await leftovers(home.path)).toEqual([]);
      }, patience);
      await expectCensus(home);
      // A named volume is data: it stays until it is deleted by name.
      expect(await readdir(join(home.path, 'vm', 'volumes'))).toHaveLength(1);
    } finally {
      await home.dispose();
    }
  });
});
