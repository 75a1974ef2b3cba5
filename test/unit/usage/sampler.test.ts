/** The sampler over drivers made up and a real registry port of this test's own, in virtual time. */
import { describe, expect, it } from 'vitest';
import { BerthError } from '../../../src/core/errors.js';
import type { ObservedWorkload } from '../../../src/core/observation.js';
import type { Driver, WorkloadStats } from '../../../src/core/ports/driver.js';
import { usageStepMs, usageStepOf, type ComponentBucket } from '../../../src/core/usage.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';
import { Sampler } from '../../../src/usage/sampler.js';

const web = { service: 'shop', component: 'web' };
const db = { service: 'shop', component: 'db' };
const intervalMs = 30_000;

type Stats = (signal: AbortSignal) => Promise<readonly WorkloadStats[]>;

/** One workload of a made-up driver. */
function workload(nativeId: string, key = web, more: Partial<ObservedWorkload> = {}): ObservedWorkload {
  const owner = { ...key, homeId: 'h', generation: 1, specHash: 'x' };
  return { driver: 'podman', nativeId, owner, state: 'running', startedAtMs: 0, ...more } as ObservedWorkload;
}

function makeBench(options: { readonly intervalMs?: number; readonly write?: () => Promise<void> } = {}) {
  const clock = createVirtualClock({ startMs: usageStepMs * 5_000_000 });
  const written: (readonly ComponentBucket[])[] = [];
  const logged: string[] = [];
  const note = (facts: object | string, message?: string): void =>
    void logged.push(`${JSON.stringify(facts)} ${message ?? ''}`);
  const bench = {
    clock,
    written,
    logged,
    workloads: [workload('a')] as readonly ObservedWorkload[],
    /** What the drivers answer, by name. */
    stats: new Map<string, Stats>(),
    calls: [] as string[],
    down: new Set<string>(),
    write: options.write ?? (() => Promise.resolve()),
    uses: (driver: string, ...figures: readonly (readonly [id: string, memoryBytes: number, cpuMs: number])[]) => {
      const answer = figures.map(([nativeId, memoryBytes, cpuMs]) => ({ nativeId, memoryBytes, cpuMs }));
      bench.stats.set(driver, () => Promise.resolve(answer));
    },
    sampler: undefined as unknown as Sampler,
  };
  const driverOf = (name: string): Driver =>
    ({
      name,
      stats: (signal: AbortSignal) => {
        bench.calls.push(name);
        return (bench.stats.get(name) ?? (() => Promise.resolve([])))(signal);
      },
    }) as Partial<Driver> as Driver;
  const drivers = [driverOf('podman'), driverOf('qemu')];
  bench.sampler = new Sampler({
    view: {
      drivers: () => drivers,
      owned: () => bench.workloads,
      health: (name) => ({
        name,
        answering: !bench.down.has(name),
        error: null,
        lastGoodAtMs: null,
        failingSinceMs: null,
      }),
    },
    registry: {
      addUsage: async (buckets) => {
        await bench.write();
        written.push(buckets);
      },
    },
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    intervalMs: options.intervalMs ?? intervalMs,
    cores: 2,
  });
  return bench;
}

describe('looking', () => {
  it('tells memory at once, and processor time from the second look on', async () => {
    const bench = makeBench();
    bench.uses('podman', ['a', 1_000, 500]);
    bench.sampler.start();
    await bench.clock.advance(2_000);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 1_000, cpuPercent: null, cpuMs: 500 });
    bench.uses('podman', ['a', 3_000, 3_500]);
    await bench.clock.advance(intervalMs);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 3_000, cpuPercent: 10 });
    expect(bench.sampler.unwritten(web)).toMatchObject([{ memoryBytes: 2_000, memoryPeakBytes: 3_000, samples: 2 }]);
    expect(bench.sampler.all()).toMatchObject([{ key: web, memoryBytes: 3_000, cpuMs: 3_500 }]);
  });

  it('asks each driver once a look, and none of which nothing runs', async () => {
    const bench = makeBench();
    bench.workloads = [
      workload('a'),
      workload('b', db),
      workload('c', db, { driver: 'qemu', state: 'exited' }),
      workload('foreign', db, { driver: 'qemu', owner: null }),
    ];
    bench.uses('podman', ['a', 1, 0], ['b', 2, 0], ['foreign', 3, 0]);
    bench.sampler.start();
    await bench.clock.advance(2_000 + 2 * intervalMs);
    expect(bench.calls).toEqual(['podman', 'podman', 'podman']);
    expect(bench.sampler.all()).toHaveLength(2);
    bench.workloads = [];
    await bench.clock.advance(10 * intervalMs);
    expect(bench.calls).toHaveLength(3);
    expect(bench.sampler.now(web)).toBeUndefined();
  });

  it('never looks when it is off', async () => {
    const bench = makeBench({ intervalMs: 0 });
    bench.sampler.start();
    await bench.clock.advance(3_600_000);
    expect(bench.calls).toEqual([]);
    expect(bench.clock.pendingTimers()).toBe(0);
  });

  it('adds up what runs of one component while it is replaced', async () => {
    const bench = makeBench();
    bench.uses('podman', ['a', 100, 0]);
    bench.sampler.start();
    await bench.clock.advance(2_000);
    bench.workloads = [workload('a'), workload('next')];
    bench.uses('podman', ['a', 100, 3_000], ['next', 50, 7_000]);
    await bench.clock.advance(intervalMs);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 150, cpuPercent: 10, cpuMs: 10_000 });
  });

  it('adds up what two drivers run of one component while it moves between runtimes', async () => {
    const bench = makeBench();
    bench.workloads = [workload('a'), workload('v', web, { driver: 'qemu' })];
    bench.uses('podman', ['a', 100, 1_000]);
    bench.uses('qemu', ['v', 50, 500]);
    bench.sampler.start();
    await bench.clock.advance(2_000);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 150, cpuMs: 1_500 });
    expect(bench.sampler.all()).toMatchObject([{ key: web, memoryBytes: 150, cpuMs: 1_500 }]);
    bench.uses('podman', ['a', 100, 4_000]);
    bench.uses('qemu', ['v', 50, 6_500]);
    await bench.clock.advance(intervalMs);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 150, cpuPercent: 30 });
    expect(bench.sampler.unwritten(web)).toMatchObject([{ memoryBytes: 150, memoryPeakBytes: 150, samples: 2 }]);
    bench.workloads = [workload('v', web, { driver: 'qemu' })];
    await bench.clock.advance(intervalMs);
    expect(bench.sampler.all()).toMatchObject([{ memoryBytes: 50 }]);
  });

  it('tells nothing of a workload that ended during the call', async () => {
    const bench = makeBench();
    bench.sampler.start();
    await bench.clock.advance(2_000);
    expect(bench.calls).toHaveLength(1);
    expect(bench.sampler.now(web)).toBeUndefined();
    expect(bench.sampler.unwritten(web)).toEqual([]);
  });

  it('goes on through a restart of the workload', async () => {
    const bench = makeBench();
    bench.uses('podman', ['a', 1, 60_000]);
    bench.sampler.start();
    await bench.clock.advance(2_000);
    bench.workloads = [workload('a', web, { startedAtMs: 15_000 })];
    bench.uses('podman', ['a', 1, 1_500]);
    await bench.clock.advance(intervalMs);
    expect(bench.sampler.now(web)).toMatchObject({ cpuPercent: 5 });
  });
});

describe('a driver that does not tell', () => {
  it('is named once, asked on, and said to tell again', async () => {
    const bench = makeBench();
    bench.stats.set('podman', () => Promise.reject(new BerthError('E_DRIVER_FAILED', 'no such luck')));
    bench.sampler.start();
    await bench.clock.advance(2_000 + 5 * intervalMs);
    expect(bench.calls).toHaveLength(6);
    expect(bench.logged).toHaveLength(1);
    expect(bench.logged[0]).toContain('no such luck');
    expect(bench.sampler.now(web)).toBeUndefined();
    bench.uses('podman', ['a', 1, 0]);
    await bench.clock.advance(2 * intervalMs);
    expect(bench.logged).toHaveLength(2);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 1 });
  });

  it('that hangs is not asked twice, and holds up no other', async () => {
    const bench = makeBench();
    let given: AbortSignal | undefined;
    let answer: (stats: readonly WorkloadStats[]) => void = () => undefined;
    bench.workloads = [workload('a'), workload('v', db, { driver: 'qemu' })];
    bench.uses('qemu', ['v', 7, 0]);
    bench.stats.set('podman', (signal) => {
      given = signal;
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    bench.sampler.start();
    await bench.clock.advance(2_000 + 10 * intervalMs);
    expect(bench.calls.filter((name) => name === 'podman')).toHaveLength(1);
    expect(bench.calls.filter((name) => name === 'qemu')).toHaveLength(11);
    expect(given?.aborted).toBe(true);
    expect(bench.logged).toHaveLength(1);
    expect(bench.sampler.now(db)).toMatchObject({ memoryBytes: 7 });
    // What it says so late is of no use; then it is asked again.
    answer([{ nativeId: 'a', memoryBytes: 1, cpuMs: 0 }]);
    bench.uses('podman', ['a', 5, 0]);
    await bench.clock.advance(intervalMs);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 5 });
  });

  it('is not asked while it is known not to answer', async () => {
    const bench = makeBench();
    bench.uses('podman', ['a', 1, 0]);
    bench.sampler.start();
    await bench.clock.advance(2_000);
    bench.down.add('podman');
    await bench.clock.advance(3 * intervalMs);
    expect(bench.calls).toHaveLength(1);
    expect(bench.logged).toEqual([]);
    expect(bench.sampler.now(web)).toBeUndefined();
  });
});

describe('what was seen', () => {
  it('is written in one go when five minutes are over', async () => {
    const bench = makeBench();
    bench.workloads = [workload('a'), workload('b', db)];
    bench.uses('podman', ['a', 1, 0], ['b', 2, 0]);
    bench.sampler.start();
    const beganMs = usageStepOf(bench.clock.now());
    await bench.clock.advance(usageStepMs - 1);
    expect(bench.written).toEqual([]);
    await bench.clock.advance(2 * intervalMs);
    expect(bench.written).toHaveLength(1);
    expect(bench.written[0]).toMatchObject([
      { key: web, atMs: beganMs, samples: 10 },
      { key: db, atMs: beganMs, samples: 10 },
    ]);
    expect(bench.sampler.unwritten(web)).toMatchObject([{ atMs: beganMs + usageStepMs }]);
  });

  it('is written though nothing runs any more', async () => {
    const bench = makeBench();
    bench.uses('podman', ['a', 1, 0]);
    bench.sampler.start();
    await bench.clock.advance(2_000);
    bench.workloads = [];
    await bench.clock.advance(usageStepMs);
    expect(bench.written).toMatchObject([[{ key: web, samples: 1 }]]);
  });

  it('is shown while it is being written', async () => {
    let finish: () => void = () => undefined;
    const bench = makeBench({ write: () => new Promise((resolve) => (finish = resolve)) });
    bench.uses('podman', ['a', 1, 0]);
    bench.sampler.start();
    await bench.clock.advance(usageStepMs + 2 * intervalMs);
    const [first, second] = bench.sampler.unwritten(web);
    expect(second?.atMs).toBe((first?.atMs ?? 0) + usageStepMs);
    finish();
    await bench.clock.flush();
    expect(bench.sampler.unwritten(web)).toHaveLength(1);
  });

  it('is lost where it cannot be written, which is said once; what comes later is written', async () => {
    const bench = makeBench();
    bench.write = () => Promise.reject(new BerthError('E_DISK_FULL', 'the disk is full'));
    bench.uses('podman', ['a', 1, 0]);
    bench.sampler.start();
    await bench.clock.advance(3 * usageStepMs + intervalMs);
    expect(bench.written).toEqual([]);
    expect(bench.logged).toHaveLength(1);
    expect(bench.logged[0]).toContain('the disk is full');
    bench.write = () => Promise.resolve();
    await bench.clock.advance(usageStepMs);
    expect(bench.written).toHaveLength(1);
    expect(bench.sampler.now(web)).toMatchObject({ memoryBytes: 1 });
  });

  it('is written at the end, as far as it goes', async () => {
    const bench = makeBench();
    bench.uses('podman', ['a', 1, 0]);
    bench.sampler.start();
    await bench.clock.advance(2_000 + intervalMs);
    await bench.clock.settle(bench.sampler.close());
    expect(bench.written).toMatchObject([[{ key: web, samples: 2 }]]);
    expect(bench.clock.pendingTimers()).toBe(0);
    await bench.clock.advance(10 * intervalMs);
    expect(bench.calls).toHaveLength(2);
  });

  it('does not hold up the end', async () => {
    const bench = makeBench({ write: () => new Promise(() => undefined) });
    bench.uses('podman', ['a', 1, 0]);
    bench.sampler.start();
    await bench.clock.advance(2_000);
    bench.stats.set('podman', () => new Promise(() => undefined));
    await bench.clock.advance(intervalMs);
    const beforeMs = bench.clock.monotonic();
    await bench.clock.settle(bench.sampler.close());
    expect(bench.clock.monotonic() - beforeMs).toBeLessThan(1_000);
  });
});
