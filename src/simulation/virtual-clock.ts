/** Time that a simulation owns: nothing moves unless it is told to. */
import type { Clock } from '../core/ports/clock.js';

interface Timer {
  readonly dueMs: number;
  /** Order of arming: timers of one instant run in it. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

export interface VirtualClockOptions {
  /** Unix milliseconds to begin with. Default: 2023-11-14T22:13:20Z. */
  readonly startMs?: number;
}

export interface RunUntilOptions {
  /** What is waited for; part of the error. */
  readonly describe?: string | (() => string);
}

/**
 * A clock that stands still until it is told to go. Between two timers it lets every promise settle, so that
 * what one timer starts has gone as far as it can before the next one fires.
 */
export interface VirtualClock extends Clock {
  /** Lets promises settle without moving time. */
  flush(): Promise<void>;
  /** Moves time on by `ms`, firing each due timer at its own instant, in order. */
  advance(ms: number): Promise<void>;
  /**
   * Goes from timer to timer until `condition` holds. It is asked after every instant and must not itself wait
   * for this clock. Throws when `maxVirtualMs` have passed, or when nothing is left that could change anything.
   */
  runUntil(condition: () => boolean | Promise<boolean>, maxVirtualMs: number, options?: RunUntilOptions): Promise<void>;
  /** Goes from timer to timer until `promise` is settled, and answers as it does. Throws as `runUntil` does. */
  settle<T>(promise: Promise<T>, maxVirtualMs?: number): Promise<T>;
  /** Sets the wall clock forward or back without touching durations, as an administrator or NTP does. */
  stepWallClock(byMs: number): void;
  /** How many timers have fired: the steps of a simulation. */
  readonly steps: number;
  /** How many timers are armed; for leak checks. */
  pendingTimers(): number;
}

export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new SteppedClock(options.startMs ?? 1_700_000_000_000);
}

class SteppedClock implements VirtualClock {
  readonly #timers = new TimerHeap();
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #armed = 0;
  #steps = 0;

  constructor(startMs: number) {
    this.#wallOffsetMs = startMs;
  }

  now(): number {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs);
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const dueMs = this.#monotonicMs + Math.max(0, delayMs);
    const timer: Timer = { dueMs, order: (this.#armed += 1), run, cancelled: false };
    this.#timers.push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  async flush(): Promise<void> {
    // An immediate runs only once the queue of microtasks is empty, however long a chain of promises is. A second
    // one lets through what itself waited for an immediate.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await this.flush();
    while (await this.#fireNext(untilMs));
    this.#monotonicMs = untilMs;
    await this.flush();
  }

  async runUntil(
    condition: () => boolean | Promise<boolean>,
    maxVirtualMs: number,
    options: RunUntilOptions = {},
  ): Promise<void> {
    const untilMs = this.#monotonicMs + maxVirtualMs;
    await this.flush();
    while (!(await condition())) {
      if (await this.#fireNext(untilMs)) continue;
      const { describe } = options;
      const what = (typeof describe === 'function' ? describe() : describe) ?? 'the condition';
      const why = this.pendingTimers() > 0 ? `not within ${maxVirtualMs} virtual ms` : 'nothing is left to happen';
      throw new Error(`${what}: ${why}`);
    }
  }

  async settle<T>(promise: Promise<T>, maxVirtualMs = 3_600_000): Promise<T> {
    let isSettled = false;
    const note = (): void => {
      isSettled = true;
    };
    promise.then(note, note);
    await this.runUntil(() => isSettled, maxVirtualMs, { describe: 'the promise is settled' });
    return promise;
  }

  stepWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  get steps(): number {
    return this.#steps;
  }

  pendingTimers(): number {
    return this.#timers.live();
  }

  /** Fires the earliest timer that is due by `untilMs`; false when there is none. */
  async #fireNext(untilMs: number): Promise<boolean> {
    const timer = this.#timers.popDue(untilMs);
    if (!timer) return false;
    this.#monotonicMs = Math.max(this.#monotonicMs, timer.dueMs);
    this.#steps += 1;
    timer.run();
    await this.flush();
    return true;
  }
}

/** A binary heap by due time, then order: ten thousand components arm ten thousand timers. */
class TimerHeap {
  readonly #items: Timer[] = [];

  live(): number {
    return this.#items.filter((timer) => !timer.cancelled).length;
  }

  push(timer: Timer): void {
    this.#items.push(timer);
    let index = this.#items.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  popDue(untilMs: number): Timer | undefined {
    for (let top = this.#items[0]; top; top = this.#items[0]) {
      if (!top.cancelled && top.dueMs > untilMs) return undefined;
      this.#removeTop();
      if (!top.cancelled) return top;
    }
    return undefined;
  }

  #removeTop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#items.length && this.#isBefore(child, least)) least = child;
      }
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#items[a], this.#items[b]];
    if (!left || !right) return false;
    return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#items[a], this.#items[b]];
    if (!left || !right) return;
    this.#items[a] = right;
    this.#items[b] = left;
  }
}
