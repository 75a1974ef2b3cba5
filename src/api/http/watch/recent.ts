/** The last batches, for readers who join or come back: they need no read of the registry. */
import type { Batch } from './batch.js';

/** Batches that are kept, however short. */
const mostBatches = 4_096;

export class Recent {
  #batches: Batch[] = [];
  #length = 0;
  /** Everything after this revision is kept. */
  #start: number;
  #end: number;
  /** Characters that are kept. */
  readonly #capacity: number;

  constructor(revision: number, capacity: number) {
    this.#capacity = capacity;
    this.#start = revision;
    this.#end = revision;
  }

  /** Takes the batch that follows on the last one. */
  push(batch: Batch): void {
    this.#batches.push(batch);
    this.#length += batch.length;
    this.#end = batch.to;
    while (this.#batches.length > 1 && (this.#length > this.#capacity || this.#batches.length > mostBatches)) {
      const oldest = this.#batches.shift();
      this.#length -= oldest?.length ?? 0;
      this.#start = oldest?.to ?? this.#start;
    }
  }

  /** True when nothing after this revision is missing. */
  reaches(revision: number): boolean {
    return revision >= this.#start;
  }

  /** The first batch that tells something after a revision; undefined when there is none yet. */
  after(revision: number): Batch | undefined {
    if (revision >= this.#end) return undefined;
    // Readers are mostly near the end.
    let place = this.#batches.length - 1;
    while (place > 0 && (this.#batches[place]?.from ?? 0) > revision) place -= 1;
    return this.#batches[place];
  }
}
