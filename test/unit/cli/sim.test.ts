import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from './support.js';

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

/** A storm of one gust. */
const kept = {
  seed: 7,
  storage: 'memory',
  isSlow: false,
  beginsInCalm: true,
  gusts: [{ act: { kind: 'hand', action: 'kill', pick: 0 }, calmMs: 1_000 }],
};

async function keep(text: string): Promise<string> {
  const path = join(bench.home, 'storm.json');
  await mkdir(bench.home, { recursive: true });
  await writeFile(path, text);
  return path;
}

describe('berth sim', () => {
  it('gives the same course for the same seed, to the byte', async () => {
    const first = await bench.run('sim', '--seed', '3', '--trace');
    expect(first.exit).toBe(0);
    expect(first.out).toMatch(/storm of seed 3: all held \(\d+ gusts, \d+ steps\)\n$/);
    expect(first.out.split('\n').length).toBeGreaterThan(200);
    expect((await bench.run('sim', '--seed', '3', '--trace')).out).toBe(first.out);
    expect((await bench.run('sim', '--seed', '4', '--trace')).out).not.toBe(first.out);
  });

  it('rides one storm after the other, and answers as JSON', async () => {
    const { exit, out } = await bench.run('sim', '--seed', '10', '--storms', '2', '-o', 'json');
    expect(exit).toBe(0);
    const runs = JSON.parse(out) as unknown;
    expect(runs).toMatchObject([
      { name: 'storm of seed 10', failure: null, mishaps: 0 },
      { name: 'storm of seed 11', failure: null, mishaps: 0 },
    ]);
  });

  it('sweeps a scenario, and names those that there are', async () => {
    const { out } = await bench.run('sim', '--list');
    expect(out.split('\n')).toContain('a workload is killed by hand');
    const swept = await bench.run('sim', '--scenario', 'a workload is killed by hand');
    expect(swept).toMatchObject({ exit: 0, err: '' });
    expect(swept.out).toMatch(/^a workload is killed by hand: all held \(\d+ mishaps\)\n$/);
    const wrong = await bench.run('sim', '--scenario', 'a quiet day');
    expect(wrong.exit).toBe(4);
    expect(wrong.err).toContain('there is no scenario "a quiet day"');
  });

  it('rides a storm that was kept, and refuses what is none', async () => {
    const good = await bench.run('sim', '--schedule', await keep(JSON.stringify(kept)));
    expect(good).toMatchObject({ exit: 0, err: '' });
    const odd = await bench.run('sim', '--schedule', await keep('{"seed":1}'));
    expect(odd.exit).toBe(2);
    expect(odd.err).toContain('this is no schedule of a simulation');
    expect((await bench.run('sim', '--seed', 'x')).exit).toBe(2);
  });
});
