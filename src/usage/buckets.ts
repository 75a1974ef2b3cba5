/** Gathers looks into steps of five minutes. Holds no time of its own. */
import { formatKey, type ComponentKey } from '../core/names.js';
import { mergeBuckets, usageStepOf, type ComponentBucket } from '../core/usage.js';

/** One look at one component. */
export interface Sample {
  readonly key: ComponentKey;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly memoryBytes: number;
  /** 100 is one core; null: it could not be told. */
  readonly cpuPercent: number | null;
}

interface Open {
  readonly bucket: ComponentBucket;
  /** How many looks told processor time: those that did not are no zeros. */
  readonly cpuSamples: number;
}

export class Buckets {
  /** By component, one each: the step that is not over yet. */
  #open = new Map<string, Open>();
  /** Of steps that are over. */
  #finished: ComponentBucket[] = [];

  add({ key, atMs, memoryBytes, cpuPercent }: Sample): void {
    const name = formatKey(key);
    const look: ComponentBucket = {
      key,
      atMs: usageStepOf(atMs),
      memoryBytes,
      memoryPeakBytes: memoryBytes,
      cpuPercent,
      samples: 1,
    };
    const open = this.#open.get(name);
    if (open?.bucket.atMs !== look.atMs) {
      if (open !== undefined) this.#finished.push(open.bucket);
      this.#open.set(name, { bucket: look, cpuSamples: cpuPercent === null ? 0 : 1 });
      return;
    }
    const { bucket } = open;
    const cpuSamples = open.cpuSamples + (cpuPercent === null ? 0 : 1);
    const meanCpu =
      cpuPercent === null || bucket.cpuPercent === null
        ? (bucket.cpuPercent ?? cpuPercent)
        : bucket.cpuPercent + (cpuPercent - bucket.cpuPercent) / cpuSamples;
    const merged = { ...mergeBuckets(bucket, look), cpuPercent: meanCpu };
    this.#open.set(name, { bucket: { key, ...merged }, cpuSamples });
  }

  /** What is held of one component: steps that are over and were not handed out, then the one that goes on. */
  of(key: ComponentKey): readonly ComponentBucket[] {
    const name = formatKey(key);
    const finished = this.#finished.filter((bucket) => formatKey(bucket.key) === name);
    const open = this.#open.get(name);
    return open === undefined ? finished : [...finished, open.bucket];
  }

  /** Hands out what is finished at `nowMs`, once. A clock that was set back ends a step as well. */
  takeFinished(nowMs: number): readonly ComponentBucket[] {
    const step = usageStepOf(nowMs);
    for (const [name, { bucket }] of this.#open) {
      if (bucket.atMs === step) continue;
      this.#finished.push(bucket);
      this.#open.delete(name);
    }
    return this.#finished.splice(0);
  }

  /** Hands out all, finished or not, once. */
  takeAll(): readonly ComponentBucket[] {
    const open = [...this.#open.values()].map(({ bucket }) => bucket);
    this.#open.clear();
    return [...this.#finished.splice(0), ...open];
  }
}
