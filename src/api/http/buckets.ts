/** How often each caller may ask: so many at once, and so many a minute after that. */

export interface BucketLimits {
  readonly burst: number;
  readonly requestsAMinute: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

const minuteMs = 60_000;
/** Callers that are remembered; the one that has asked longest ago is forgotten first. */
const kept = 1_000;

export class Buckets {
  readonly #limits: BucketLimits;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: BucketLimits) {
    this.#limits = limits;
  }

  /** Takes one request of this caller. Answers 0, or how many milliseconds too early it is. `nowMs` is monotonic. */
  take(caller: string, nowMs: number): number {
    const { burst, requestsAMinute } = this.#limits;
    const bucket = this.#buckets.get(caller) ?? { left: burst, atMs: nowMs };
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    bucket.left = Math.min(burst, bucket.left + ((nowMs - bucket.atMs) * requestsAMinute) / minuteMs);
    bucket.atMs = nowMs;
    this.#forgetOldest();
    if (bucket.left < 1) return Math.ceil(((1 - bucket.left) * minuteMs) / requestsAMinute);
    bucket.left -= 1;
    return 0;
  }

  #forgetOldest(): void {
    if (this.#buckets.size <= kept) return;
    for (const caller of this.#buckets.keys()) {
      this.#buckets.delete(caller);
      return;
    }
  }
}
