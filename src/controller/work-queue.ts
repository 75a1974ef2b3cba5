/**
 * Keys that want attention: one entry a key, the earliest deadline first, a bounded number at work at
 * once, and never two at work on one key.
 */
import type { Clock } from '../core/ports/clock.js';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** How many keys are worked on at once. */
  readonly concurrency: () => number;
  /** Does the work. Answers when to come back (Unix milliseconds), or null. Must not reject. */
  readonly work: (key: string) => Promise<number | null>;
  /** Told how much later than it was due a key has its turn, in milliseconds. */
  readonly onTurn?: (lateMs: number) => void;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Due times by key, in monotonic milliseconds: a wall clock that is set neither wakes nor delays anything. */
  readonly #due = new Map<string, number>();
  readonly #heap = new DeadlineHeap();
  readonly #working = new Set<string>();
  /** Asked for again while being worked on: the earliest due times. They wait in the heap once the work has ended. */
  readonly #meanwhile = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;
  #timerDueMs = Infinity;
  #closed = false;
  #onIdle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait or are worked on. */
  get size(): number {
    return this.#due.size + this.#working.size;
  }

  /** Asks for attention at `atMs` (Unix milliseconds; absent: now). The earliest request of a key wins. */
  add(key: string, atMs = this.#options.clock.now()): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    const dueMs = clock.monotonic() + Math.max(0, atMs - clock.now());
    if (this.#working.has(key)) {
      this.#meanwhile.set(key, Math.min(dueMs, this.#meanwhile.get(key) ?? Infinity));
    } else this.#schedule(key, dueMs);
    this.#pump();
  }

  #schedule(key: string, dueMs: number): void {
    const known = this.#due.get(key);
    if (known !== undefined && known <= dueMs) return;
    this.#due.set(key, dueMs);
    this.#heap.push({ key, dueMs });
  }

  /** Takes no more and resolves when what is at work has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#due.clear();
    this.#meanwhile.clear();
    if (this.#working.size === 0) return;
    await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #pump(): void {
    const nowMs = this.#options.clock.monotonic();
    while (!this.#closed && this.#working.size < this.#options.concurrency()) {
      const first = this.#peek();
      if (!first || first.dueMs > nowMs) break;
      this.#heap.pop();
      this.#due.delete(first.key);
      this.#options.onTurn?.(nowMs - first.dueMs);
      void this.#run(first.key);
    }
    this.#armTimer();
  }

  /** The earliest entry that still stands. No key that is worked on has one. */
  #peek(): Entry | undefined {
    for (;;) {
      const first = this.#heap.first();
      if (!first || this.#due.get(first.key) === first.dueMs) return first;
      this.#heap.pop();
    }
  }

  async #run(key: string): Promise<void> {
    this.#working.add(key);
    let comeBackMs: number | null = null;
    try {
      comeBackMs = await this.#options.work(key);
    } finally {
      this.#working.delete(key);
    }
    const wishedMs = this.#meanwhile.get(key);
    this.#meanwhile.delete(key);
    if (!this.#closed && wishedMs !== undefined) this.#schedule(key, wishedMs);
    if (comeBackMs !== null) this.add(key, comeBackMs);
    this.#pump();
    if (this.#working.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #armTimer(): void {
    const first = this.#closed || this.#working.size >= this.#options.concurrency() ? undefined : this.#peek();
    const dueMs = first?.dueMs ?? Infinity;
    if (dueMs === this.#timerDueMs && this.#cancelTimer) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerDueMs = dueMs;
    if (!first) return;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, dueMs - this.#options.clock.monotonic()), () => {
      this.#cancelTimer = undefined;
      this.#pump();
    });
  }
}

interface Entry {
  readonly key: string;
  readonly dueMs: number;
}

/** A binary heap by due time. */
class DeadlineHeap {
  readonly #items: Entry[] = [];

  first(): Entry | undefined {
    return this.#items[0];
  }

  push(entry: Entry): void {
    this.#items.push(entry);
    let index = this.#items.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#at(parent) <= this.#at(index)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  pop(): void {
    const last = this.#items.pop();
    if (!last || this.#items.length === 0) return;
    this.#items[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const least = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(least) >= this.#at(index)) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #at(index: number): number {
    return this.#items[index]?.dueMs ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#items[a], this.#items[b]];
    if (!left || !right) return;
    this.#items[a] = right;
    this.#items[b] = left;
  }
}
