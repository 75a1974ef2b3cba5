/** The work queue against a model of what it promises, on a virtual clock. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkQueue } from '../../src/controller/work-queue.js';
import { createVirtualClock, type VirtualClock } from '../../src/simulation/virtual-clock.js';

const keys = ['a', 'b', 'c', 'd'] as const;

interface Work {
  readonly takesMs: number;
  /** It asks to come back this long after its end; null: it does not. */
  readonly backInMs: number | null;
}

type Command =
  | { readonly kind: 'add'; readonly key: string; readonly inMs: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'concurrency'; readonly count: number }
  | { readonly kind: 'set the wall clock'; readonly byMs: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add'),
      key: fc.constantFrom(...keys),
      inMs: fc.integer({ min: -20, max: 60 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.nat(30) }) },
  fc.record({ kind: fc.constant('concurrency'), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('set the wall clock'), byMs: fc.integer({ min: -100_000, max: 100_000 }) }),
);

const works: fc.Arbitrary<readonly Work[]> = fc.array(
  fc.record({ takesMs: fc.nat(25), backInMs: fc.option(fc.nat(80), { freq: 2, nil: null }) }),
  { maxLength: 30 },
);

/** What the queue promises, in the plainest words: per key the earliest wish that no work has answered yet. */
class Model {
  readonly wishes = new Map<string, number>();
  readonly working = new Set<string>();
  /** What broke a promise; told of outside of the queue, which must not see it fail. */
  readonly broken: string[] = [];
  concurrency = 2;
  started = 0;
  readonly #endedAtMs = new Map<string, number>();

  wish(key: string, dueMs: number): void {
    this.wishes.set(key, Math.min(this.wishes.get(key) ?? Infinity, dueMs));
  }

  start(key: string, nowMs: number): void {
    const dueMs = this.wishes.get(key) ?? Infinity;
    if (this.working.has(key)) this.broken.push(`${key} is worked on twice at once`);
    if (this.working.size >= this.concurrency) this.broken.push(`${key} is one more than may be worked on at once`);
    if (dueMs > nowMs) this.broken.push(`${key} is worked on at ${nowMs}, before its time or for nothing: ${dueMs}`);
    for (const [other, otherMs] of this.wishes) {
      // The queue hears of an end a moment after it.
      const isFree = !this.working.has(other) && this.#endedAtMs.get(other) !== nowMs;
      if (isFree && otherMs < dueMs) this.broken.push(`${other} is more urgent than ${key}`);
    }
    this.wishes.delete(key);
    this.working.add(key);
    this.started += 1;
  }

  end(key: string, nowMs: number): void {
    this.working.delete(key);
    this.#endedAtMs.set(key, nowMs);
  }

  /** Once all that can happen at this instant has: nobody waits whose time has come while a hand is free. */
  checkAtRest(nowMs: number): void {
    expect(this.broken).toEqual([]);
    if (this.working.size >= this.concurrency) return;
    const late = [...this.wishes].filter(([key, dueMs]) => dueMs <= nowMs && !this.working.has(key));
    expect(late, 'forgotten').toEqual([]);
  }
}

interface Bench {
  readonly clock: VirtualClock;
  readonly queue: WorkQueue;
  readonly model: Model;
}

function bench(plan: readonly Work[]): Bench {
  const clock = createVirtualClock();
  const model = new Model();
  const queue = new WorkQueue({
    clock,
    concurrency: () => model.concurrency,
    work: async (key) => {
      model.start(key, clock.monotonic());
      const { takesMs, backInMs } = plan[model.started - 1] ?? { takesMs: 1, backInMs: null };
      if (takesMs > 0) await new Promise<void>((resolve) => clock.after(takesMs, resolve));
      model.end(key, clock.monotonic());
      if (backInMs === null) return null;
      model.wish(key, clock.monotonic() + backInMs);
      return clock.now() + backInMs;
    },
  });
  return { clock, queue, model };
}

async function take(step: Command, { clock, queue, model }: Bench): Promise<void> {
  switch (step.kind) {
    case 'add':
      model.wish(step.key, clock.monotonic() + Math.max(0, step.inMs));
      queue.add(step.key, clock.now() + step.inMs);
      break;
    case 'advance':
      for (let count = 0; count < step.ms; count += 1) {
        await clock.advance(1);
        model.checkAtRest(clock.monotonic());
      }
      break;
    case 'concurrency':
      model.concurrency = Math.max(step.count, model.working.size);
      // A limit that rose is noticed at the next wish.
      model.wish('a', clock.monotonic());
      queue.add('a');
      break;
    case 'set the wall clock':
      clock.stepWallClock(step.byMs);
      break;
  }
  await clock.flush();
  model.checkAtRest(clock.monotonic());
  expect(queue.size).toBe(new Set([...model.wishes.keys(), ...model.working]).size);
}

describe('the work queue', () => {
  it('does what its model says, whatever is asked for when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 25 }), works, fc.boolean(), async (commands, plan, closes) => {
        const it = bench(plan);
        const { clock, queue, model } = it;
        for (const step of commands) await take(step, it);
        if (closes) {
          const { started } = model;
          const left = model.working.size;
          await clock.settle(queue.close());
          expect(model.working.size, `of ${left} at work when it closed`).toBe(0);
          queue.add('a');
          await clock.advance(1_000);
          expect(model.started, 'begun after the end').toBe(started);
          expect(clock.pendingTimers()).toBe(0);
        } else {
          await clock.advance(10_000);
          expect([...model.wishes, ...model.working], 'left undone').toEqual([]);
          expect(queue.size).toBe(0);
        }
      }),
      {
        numRuns: 250,
        ...(process.env['BERTH_SEED'] === undefined ? {} : { seed: Number(process.env['BERTH_SEED']) }),
      },
    );
  });
});
