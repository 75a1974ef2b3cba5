/** `berth usage`: what components use. */
import { describe, expect, test } from 'vitest';
import { usageStepMs, usageStepOf, type ComponentBucket } from '../../../src/core/usage.js';
import { Bench } from './support.js';

const mebibyte = 1_048_576;
const web = { service: 'shop', component: 'web' };

/** Half an hour ago web used more than it does now. */
async function withPast(bench: Bench): Promise<number> {
  await bench.withShop();
  const atMs = usageStepOf(Date.now()) - 6 * usageStepMs;
  const bucket: ComponentBucket = {
    key: web,
    atMs,
    memoryBytes: 100 * mebibyte,
    memoryPeakBytes: 120 * mebibyte,
    cpuPercent: 3,
    samples: 10,
  };
  await (await bench.registry()).addUsage([bucket]);
  return atMs;
}

function sees(bench: Bench): void {
  const now = { atMs: Date.now(), memoryBytes: 50 * mebibyte, cpuPercent: 150.26, cpuMs: 1 };
  bench.usage = { now: ({ component }) => (component === 'web' ? now : undefined), unwritten: () => [], all: () => [] };
}

const cells = (line = ''): readonly string[] => line.split(/ {2,}/);

describe('usage', () => {
  test('shows what is used now, the limit and the peak', async () => {
    const bench = new Bench();
    await withPast(bench);
    sees(bench);
    const { exit, out, err } = await bench.run('usage', 'shop');
    expect([exit, err]).toEqual([0, '']);
    const [head, db, line] = out.split('\n');
    expect(cells(head)).toEqual(['COMPONENT', 'MEMORY', 'LIMIT', 'PEAK 24H', 'CPU']);
    expect(cells(db)).toEqual(['shop/db', '-', '-', '-', '-']);
    expect(cells(line)).toEqual(['shop/web', '50.0 MiB', '128 MiB', '120.0 MiB', '150.3 %']);
  });

  test('of a component shows it alone; as JSON with every step', async () => {
    const bench = new Bench();
    const atMs = await withPast(bench);
    sees(bench);
    expect((await bench.run('usage', 'shop/web')).out.trim().split('\n')).toHaveLength(2);
    const { out } = await bench.run('usage', 'shop/web', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject([
      {
        ...web,
        stepS: 300,
        memoryLimitMb: 128,
        now: { memoryMb: 50, cpuPercent: 150.26 },
        points: [{ at: new Date(atMs).toISOString(), memoryMb: 100, memoryPeakMb: 120, cpuPercent: 3 }],
      },
    ]);
  });

  test('without an agent says so, and shows what is written down', async () => {
    const bench = new Bench();
    await withPast(bench);
    bench.agent = null;
    const { exit, out, err } = await bench.run('usage', 'shop/web');
    expect(exit).toBe(0);
    expect(cells(out.split('\n')[1])).toEqual(['shop/web', '-', '128 MiB', '120.0 MiB', '-']);
    expect(err).toContain('no agent');
  });
});
