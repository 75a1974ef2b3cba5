import { describe, expect, it } from 'vitest';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';

describe('virtual clock', () => {
  it('fires timers at their own instants, in order of time and then of arming', async () => {
    const clock = createVirtualClock({ startMs: 1_000 });
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name}@${clock.now()}`);
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(30, note('d'));
    clock.after(20, note('b'));
    await clock.advance(30);
    expect(fired).toEqual(['a@1010', 'b@1020', 'c@1030', 'd@1030']);
    expect(clock.monotonic()).toBe(30);
  });

  it('keeps the order of many timers, and forgets cancelled ones', async () => {
    const clock = createVirtualClock();
    const chance = createSeededChance(7);
    const fired: number[] = [];
    for (let count = 0; count < 500; count += 1) {
      const delayMs = Math.floor(chance.random() * 100);
      const cancel = clock.after(delayMs, () => fired.push(delayMs));
      if (count % 3 === 0) cancel();
    }
    expect(clock.pendingTimers()).toBe(333);
    await clock.advance(100);
    expect(fired).toHaveLength(333);
    expect(fired).toEqual([...fired].sort((a, b) => a - b));
    expect(clock.pendingTimers()).toBe(0);
  });

  it('lets promises settle between two timers, however long their chain', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    clock.after(1, () => {
      void (async () => {
        for (let step = 0; step < 1_000; step += 1) await Promise.resolve();
        seen.push('chain');
      })();
    });
    clock.after(1, () => seen.push('second timer'));
    await clock.advance(1);
    expect(seen).toEqual(['chain', 'second timer']);
  });

  it('runs timers that timers arm, as far as the time given', async () => {
    const clock = createVirtualClock();
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
      clock.after(10, tick);
    };
    clock.after(10, tick);
    await clock.advance(105);
    expect(ticks).toBe(10);
    await clock.advance(5);
    expect(ticks).toBe(11);
  });

  it('goes on until a condition holds, and no further', async () => {
    const clock = createVirtualClock();
    let value = 0;
    for (const delayMs of [5, 10, 15]) clock.after(delayMs, () => (value = delayMs));
    await clock.runUntil(() => value >= 10, 1_000);
    expect(clock.monotonic()).toBe(10);
  });

  it('says what it waited for in vain', async () => {
    const clock = createVirtualClock();
    await expect(clock.runUntil(() => false, 50, { describe: 'snow' })).rejects.toThrow(
      'snow: nothing is left to happen',
    );
    clock.after(100, () => undefined);
    await expect(clock.runUntil(() => false, 50)).rejects.toThrow('not within 50 virtual ms');
  });

  it('settles a promise by moving time', async () => {
    const clock = createVirtualClock();
    const later = new Promise<string>((resolve) => clock.after(60_000, () => resolve('done')));
    expect(await clock.settle(later)).toBe('done');
    const broken = new Promise((_resolve, reject) => clock.after(1, () => reject(new Error('no'))));
    await expect(clock.settle(broken)).rejects.toThrow('no');
  });

  it('steps the wall clock without touching durations', () => {
    const clock = createVirtualClock({ startMs: 5_000 });
    clock.stepWallClock(-3_000);
    expect([clock.now(), clock.monotonic()]).toEqual([2_000, 0]);
  });
});

describe('seeded chance', () => {
  it('repeats its course for a seed, and differs for another', () => {
    const draw = (seed: number): readonly (number | string)[] => {
      const chance = createSeededChance(seed);
      return [chance.random(), chance.id(), chance.random(), chance.id()];
    };
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).not.toEqual(draw(43));
  });

  it('draws evenly from [0, 1), and ids in the form of a UUID', () => {
    const chance = createSeededChance(1);
    const draws = Array.from({ length: 10_000 }, () => chance.random());
    expect(draws.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(draws.reduce((sum, value) => sum + value, 0) / draws.length).toBeCloseTo(0.5, 1);
    const ids = Array.from({ length: 1_000 }, () => chance.id());
    expect(new Set(ids).size).toBe(1_000);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
