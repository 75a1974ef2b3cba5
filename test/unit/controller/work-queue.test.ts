import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkQueue } from '../../../src/controller/work-queue.js';
import { createVirtualClock, type VirtualClock } from '../../../src/simulation/virtual-clock.js';

interface Bench {
  readonly clock: VirtualClock;
  readonly queue: WorkQueue;
  readonly done: string[];
  readonly most: () => number;
}

/** A queue whose work takes `workMs` and is noted when it ends. */
function bench(concurrency: number, workMs: number, answers: Record<string, number | null> = {}): Bench {
  const clock = createVirtualClock({ startMs: 0 });
  const done: string[] = [];
  const working = new Set<string>();
  let most = 0;
  const queue = new WorkQueue({
    clock,
    concurrency: () => concurrency,
    work: async (key) => {
      if (working.has(key)) throw new Error(`${key} is worked on twice at once`);
      working.add(key);
      most = Math.max(most, working.size);
      await new Promise<void>((resolve) => clock.after(workMs, resolve));
      working.delete(key);
      done.push(`${key}@${clock.now()}`);
      const answer = answers[key] ?? null;
      answers[key] = null;
      return answer;
    },
  });
  return { clock, queue, done, most: () => most };
}

describe('the work queue', () => {
  it('works once on a key that was asked for many times', async () => {
    const { clock, queue, done } = bench(1, 10);
    queue.add('x', 5);
    queue.add('x', 3);
    queue.add('x', 9);
    await clock.advance(100);
    expect(done).toEqual(['x@13']);
  });

  it('works again on a key that was asked for while it was worked on', async () => {
    const { clock, queue, done } = bench(4, 10);
    queue.add('x');
    await clock.advance(5);
    queue.add('x');
    queue.add('x');
    await clock.advance(100);
    expect(done).toEqual(['x@10', 'x@20']);
  });

  it('takes the earliest first and no more at once than allowed', async () => {
    const { clock, queue, done, most } = bench(2, 10);
    for (const [key, atMs] of [
      ['d', 4],
      ['a', 1],
      ['c', 3],
      ['b', 2],
    ] as const)
      queue.add(key, atMs);
    await clock.advance(100);
    expect(done.map((entry) => entry[0])).toEqual(['a', 'b', 'c', 'd']);
    expect(most()).toBe(2);
  });

  it('comes back when the work asks for it', async () => {
    const { clock, queue, done } = bench(1, 10, { x: 500 });
    queue.add('x');
    await clock.advance(1_000);
    expect(done).toEqual(['x@10', 'x@510']);
  });

  it('keeps a later wish made while the key is worked on', async () => {
    const { clock, queue, done } = bench(1, 10);
    queue.add('x');
    await clock.advance(5);
    queue.add('x', 300);
    await clock.advance(1_000);
    expect(done).toEqual(['x@10', 'x@310']);
  });

  it('ends what is under way before it closes, and takes nothing after', async () => {
    const { clock, queue, done } = bench(1, 10);
    queue.add('x');
    queue.add('y');
    await clock.settle(queue.close());
    queue.add('z');
    await clock.advance(100);
    expect(done).toEqual(['x@10']);
  });

  it('loses no key, whatever is asked for when', async () => {
    const wish = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), inMs: fc.nat(50), thenMs: fc.nat(30) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(wish, { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (wishes, concurrency) => {
          const { clock, queue, done, most } = bench(concurrency, 7);
          const due = new Map<string, number>();
          for (const { key, inMs, thenMs } of wishes) {
            queue.add(key, clock.now() + inMs);
            due.set(key, Math.max(due.get(key) ?? 0, clock.now() + inMs));
            await clock.advance(thenMs);
          }
          await clock.advance(10_000);
          for (const key of due.keys()) expect(done.some((entry) => entry.startsWith(key))).toBe(true);
          expect(queue.size).toBe(0);
          expect(most()).toBeLessThanOrEqual(concurrency);
        },
      ),
    );
  });
});
