/**
 * One home through edits, a change of image, flips between runtimes, deletions and rollbacks, and its agent is killed
 * at a random moment of each: it always comes to what is asked for, restarts nothing else, and leaves nothing.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSeededChance } from '../../src/simulation/seeded-chance.js';
import { expectCensus, runsIn } from '../support/census.js';
import { eventually } from '../support/eventually.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { status } from '../support/reading.js';
import { freePort, makeTestHome, type TestHome } from '../support/test-home.js';
import { ensureTestKernel, type TestKernel } from '../support/vm-kernel.js';

/** How often the agent is killed; `npm run soak` asks for more. */
const kills = Number(process.env['BERTH_KILLS'] ?? '10');
const seed = Number(process.env['BERTH_SEED'] ?? String(Date.now() % 100_000));
const chance = createSeededChance(seed);
const turnMs = 90_000;

let images: readonly BuiltImage[];
let kernel: TestKernel;
let folder: string;
let home: TestHome;
let port: number;

beforeAll(async () => {
  kernel = await ensureTestKernel();
  images = [await ensureTestImage(), await ensureTestImage({ says: 'another' })];
  [folder, port] = [await mkdtemp(join(tmpdir(), 'bh-kills-')), await freePort()];
  home = await makeTestHome({ BERTH_SETTLE_S: '0.2', BERTH_BACKOFF_FIRST_S: '0.2', ...kernel.env });
});

afterAll(async () => {
  await home.dispose();
  for (const image of images) await image.remove();
  await rm(folder, { recursive: true, force: true });
});

/** What the service is to be. */
interface Wish {
  readonly turn: number;
  readonly image: 0 | 1;
  readonly memoryMb: number;
  readonly mover: 'container' | 'microvm';
  readonly spare: boolean;
}

interface Act {
  readonly name: string;
  readonly change: (wish: Wish) => Wish;
  /** Components whose workloads may be replaced or go. */
  readonly touches: readonly string[];
  /** What it takes undisturbed, about: the kill comes before that, mostly. */
  readonly lastsMs: number;
}

const flip: Act = {
  name: 'flip',
  change: (wish) => ({ ...wish, mover: wish.mover === 'container' ? 'microvm' : 'container' }),
  touches: ['mover'],
  lastsMs: 4_000,
};
/** The first of all is the making; each round goes through these in an order of its own. */
const acts: readonly Act[] = [
  { name: 'edit', change: (wish) => ({ ...wish, turn: wish.turn + 1 }), touches: ['web'], lastsMs: 2_000 },
  { name: 'limits', change: (wish) => ({ ...wish, memoryMb: wish.memoryMb + 8 }), touches: [], lastsMs: 600 },
  { name: 'image', change: (wish) => ({ ...wish, image: wish.image === 0 ? 1 : 0 }), touches: ['web'], lastsMs: 2_000 },
  { name: 'spare', change: (wish) => ({ ...wish, spare: !wish.spare }), touches: ['spare'], lastsMs: 1_200 },
  flip,
  flip,
];

function definition(wish: Wish): string {
  const head = (name: string, image: number, more: string): string =>
    `[[components]]\nname = "${name}"\nimage = "${images[image]?.reference ?? ''}"\npull = "never"\nstop_timeout_s = 1\n${more}\n`;
  const parts = [
    head('steady', 0, `ports = ["127.0.0.1:${String(port)}:80"]`),
    head(
      'web',
      wish.image,
      `memory_mb = ${String(wish.memoryMb)}\nenv = { TURN = "${String(wish.turn)}" }\nvolumes = ["web:/data"]`,
    ),
    head('mover', 0, `runtime = "${wish.mover}"\nmemory_mb = 96\nvolumes = ["moved:/data:size_mb=16"]`),
    ...(wish.spare ? [head('spare', 0, '')] : []),
  ];
  return `name = "shop"\n${parts.join('')}`;
}

const path = (): string => join(folder, 'shop.toml');

async function ask(wish: Wish): Promise<void> {
  await writeFile(path(), definition(wish));
  const applied = await home.berth('apply', '-f', path(), '--prune', '--force');
  expect(applied.exitCode, applied.stderr).toBe(0);
}

/** SIGKILL at `afterMs` from now. */
async function killAfter(afterMs: number, agent: { kill(): Promise<void> }): Promise<void> {
  const untilMs = performance.now() + afterMs;
  await eventually(() => performance.now() >= untilMs, { timeoutMs: afterMs + 10_000 });
  await agent.kill();
}

async function converged(wish: Wish, words: string): Promise<void> {
  const names = ['steady', 'web', 'mover', ...(wish.spare ? ['spare'] : [])].sort();
  await eventually(
    async () => {
      const rows = await status(home);
      expect(rows.map(({ component }) => component).sort()).toEqual(names);
      for (const row of rows) {
        expect(row).toMatchObject({ phase: 'running', ready: true, drift: [] });
        expect(row.observedGeneration).toBe(row.generation);
      }
      expect(rows.find(({ component }) => component === 'mover')).toMatchObject({ runtime: wish.mover });
    },
    { timeoutMs: turnMs, everyMs: 100, describe: words },
  );
  await expectCensus(home, words);
}

/** Names of the components whose run is another than before, or that are new or gone. */
function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.filter((name) => before.get(name) !== after.get(name)).map((name) => name.replace(/^.*shop-/, ''));
}

/** The acts of all turns: every kind before any comes again. */
function schedule(count: number): readonly Act[] {
  const order: Act[] = [];
  while (order.length < count) {
    const left = [...acts];
    while (left.length > 0) order.push(...left.splice(Math.floor(chance.random() * left.length), 1));
  }
  return order.slice(0, count);
}

describe(`SIGKILL during what is asked of a home (seed ${String(seed)})`, () => {
  const first: Wish = { turn: 1, image: 0, memoryMb: 64, mover: 'container', spare: true };
  /** Two of the kills: the making and the end. */
  const between = Math.max(kills - 2, 1);

  it(`comes to the same end ${String(kills)} times`, { timeout: turnMs * (kills + 2) }, async () => {
    let wish = first;
    let agent = await home.startAgent();
    await ask(wish);
    await killAfter(chance.random() * 2_000, agent);
    agent = await home.startAgent();
    await converged(wish, 'killed in the making');
    for (const [turn, act] of schedule(between).entries()) {
      const before = await runsIn(home);
      const next = act.change(wish);
      await ask(next);
      // Every fourth is taken back while it is under way, and that is what is interrupted.
      const isTakenBack = turn % 4 === 3;
      const afterMs = chance.random() * act.lastsMs;
      const words = `turn ${String(turn)}, seed ${String(seed)}: ${act.name}${isTakenBack ? ' and back' : ''}, killed after ${String(Math.round(afterMs))} ms`;
      if (isTakenBack) expect((await home.berth('rollback', 'shop')).exitCode, words).toBe(0);
      await killAfter(afterMs, agent);
      agent = await home.startAgent();
      wish = isTakenBack ? wish : next;
      await converged(wish, words);
      const touched = changed(before, await runsIn(home)).filter((name) => !act.touches.includes(name));
      expect(touched, `${words}: restarted`).toEqual([]);
    }
    expect((await home.berth('delete', 'shop', '--yes')).exitCode).toBe(0);
    await killAfter(chance.random() * 1_500, agent);
    await home.startAgent();
    await eventually(async () => expect(await status(home)).toEqual([]), { timeoutMs: turnMs, everyMs: 100 });
    await expectCensus(home, 'killed while everything was deleted');
    expect((await runsIn(home)).size).toBe(0);
  });
});
