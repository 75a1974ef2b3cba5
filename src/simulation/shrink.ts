/** Makes a storm that fails shorter, as long as it fails in the same way. */
import type { Gust, Schedule } from './schedule.js';
import { kindOfFailure, rideStorm, type StormOptions, type StormResult } from './storm.js';

export interface ShrinkOptions extends StormOptions {
  /** How many storms may be ridden for it. Default: 200. */
  readonly rides?: number;
}

/** The shortest storm found that fails as `failed` did; itself when none does. */
export async function shrink(failed: StormResult, options: ShrinkOptions = {}): Promise<StormResult> {
  const search = new Search(failed, options);
  await search.leaveOut();
  await search.simplify();
  return search.best;
}

class Search {
  best: StormResult;
  readonly #kind: string;
  readonly #options: StormOptions;
  #ridesLeft: number;

  constructor(failed: StormResult, { rides = 200, ...options }: ShrinkOptions) {
    this.best = failed;
    this.#options = options;
    this.#kind = kindOfFailure(failed.failure ?? '');
    this.#ridesLeft = rides;
  }

  /** Leaves out halves, then quarters, and at last single gusts. */
  async leaveOut(): Promise<void> {
    for (let size = Math.ceil(this.#gusts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < this.#gusts.length;) {
        const rest = [...this.#gusts.slice(0, from), ...this.#gusts.slice(from + size)];
        if (!(await this.#tryGusts(rest))) from += size;
      }
    }
  }

  async simplify(): Promise<void> {
    await this.#try({ ...this.best.schedule, storage: 'memory' });
    await this.#try({ ...this.best.schedule, isSlow: false });
    for (const index of this.#gusts.keys()) {
      for (const calmMs of [0, 1_000, 15_000]) {
        const gust = this.#gusts[index];
        if (!gust || gust.calmMs <= calmMs) break;
        if (await this.#tryGusts(this.#gusts.with(index, { ...gust, calmMs }))) break;
      }
    }
  }

  get #gusts(): readonly Gust[] {
    return this.best.schedule.gusts;
  }

  #tryGusts(gusts: readonly Gust[]): Promise<boolean> {
    return this.#try({ ...this.best.schedule, gusts });
  }

  async #try(schedule: Schedule): Promise<boolean> {
    if (this.#ridesLeft <= 0) return false;
    this.#ridesLeft -= 1;
    const result = await rideStorm(schedule, this.#options);
    if (result.failure === null || kindOfFailure(result.failure) !== this.#kind) return false;
    this.best = result;
    return true;
  }
}
