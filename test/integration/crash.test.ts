/** The agent is killed at random moments of an apply of twenty components: each runs once, nothing is left over. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCensus } from '../support/census.js';
import { eventually } from '../support/eventually.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { containersOf, runOf, status } from '../support/reading.js';
import { makeTestHome, podman, type TestHome } from '../support/test-home.js';
import { createSeededChance } from '../../src/simulation/seeded-chance.js';

const count = 20;
/** How often an apply is interrupted; `npm run soak` asks for more. */
const kills = Number(process.env['BERTH_KILLS'] ?? '6');
const seed = Number(process.env['BERTH_SEED'] ?? String(Date.now() % 100_000));

let image: BuiltImage;
let folder: string;

beforeAll(async () => {
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-crash-'))]);
});

afterAll(async () => {
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

const components = Array.from({ length: count }, (_, index) => `c${String(index)}`);

function definition(turn: string): string {
  const parts = components.map(
    (name) =>
      `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\nenv = { TURN = "${turn}" }\n`,
  );
  return `name = "many"\n${parts.join('')}`;
}

async function running(home: TestHome): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await podman('ps', '--filter', `name=^${home.prefix}`, '--format', '{{.Names}}');
  const names = stdout.split('\n').filter((name) => name !== '');
  const runs = new Map<string, string>();
  for (const name of names) runs.set(name, await runOf(name).catch(() => 'gone'));
  return runs;
}

async function converged(home: TestHome): Promise<void> {
  await eventually(
    async () => {
      const rows = await status(home);
      expect(rows.filter((row) => row.phase === 'running' && row.generation === row.observedGeneration)).toHaveLength(
        count,
      );
      expect(await containersOf(home)).toEqual(components.map((name) => `${home.prefix}many-${name}`).sort());
    },
    { timeoutMs: 60_000, everyMs: 250, describe: 'all run once, and nothing else is there' },
  );
}

describe(`SIGKILL during an apply of ${String(count)} components (seed ${String(seed)})`, () => {
  it(`comes to the same end ${String(kills)} times`, { timeout: 60_000 * (kills + 1) }, async () => {
    const chance = createSeededChance(seed);
    for (let turn = 0; turn < kills; turn += 1) {
      const home = await makeTestHome({ BERTH_SETTLE_S: '0.1' });
      try {
        await oneLife(home, chance.random() * 2_500);
      } finally {
        await home.dispose();
      }
    }
  });
});

/** Applies, kills the agent after so many milliseconds, starts it again, and compares. */
async function oneLife(home: TestHome, killAfterMs: number): Promise<void> {
  const path = join(folder, `${home.prefix}many.toml`);
  await writeFile(path, definition('1'));
  const agent = await home.startAgent();
  expect((await home.berth('apply', '-f', path)).exitCode).toBe(0);
  const untilMs = performance.now() + killAfterMs;
  await eventually(() => performance.now() >= untilMs, { timeoutMs: 10_000 });
  await agent.kill();
  const before = await running(home);
  await home.startAgent();
  await converged(home);
  await expectCensus(home);
  const after = await running(home);
  for (const [name, run] of before) {
    if (run.includes('running'))
      expect(after.get(name), `${name} after a kill at ${String(Math.round(killAfterMs))} ms`).toBe(run);
  }
}
