/** What was before the last batches, for readers who come back: from the feed, a page at a time. */
import type { Registry } from '../../../core/ports/registry.js';
import type { Batch } from './batch.js';
import type { Follower } from './follower.js';

export class Past {
  readonly #follower: Follower;
  readonly #registry: Pick<Registry, 'feed'>;
  readonly #pageSize: number;
  #last: { readonly after: number; readonly until: number; readonly read: Promise<Batch | 'gap'> } | undefined;

  constructor(follower: Follower, registry: Pick<Registry, 'feed'>, pageSize: number) {
    this.#follower = follower;
    this.#registry = registry;
    this.#pageSize = pageSize;
  }

  /** What the feed has after a revision, up to where the follower is; readers who come back together share a read. */
  page(after: number): Promise<Batch | 'gap'> {
    const until = this.#follower.revision;
    if (this.#last?.after === after && this.#last.until === until) return this.#last.read;
    const read = this.#read(after);
    this.#last = { after, until, read };
    // A failed read is not shared with who tries again.
    read.catch(() => {
      this.#last = undefined;
    });
    return read;
  }

  /** True when a definition was changed after a revision and before the follower began. */
  async specsChangedSince(revision: number): Promise<boolean> {
    const { startedAt } = this.#follower;
    if (revision >= startedAt) return false;
    const page = await this.#registry.feed(revision, 1, 'specs');
    const [first] = page.kind === 'gap' ? [] : page.entries;
    return page.kind === 'gap' || (first !== undefined && first.revision <= startedAt);
  }

  async #read(after: number): Promise<Batch | 'gap'> {
    const page = await this.#registry.feed(after, this.#pageSize);
    if (page.kind === 'gap') return 'gap';
    // What is beyond comes with the follower's own batches.
    const until = this.#follower.revision;
    const entries = page.entries.filter(({ revision }) => revision <= until);
    const last = entries.length === this.#pageSize ? entries.at(-1)?.revision : undefined;
    const to = last ?? Math.min(page.revision, until);
    return this.#follower.batch(after, to, entries, this.#follower.nowOf(entries));
  }
}
