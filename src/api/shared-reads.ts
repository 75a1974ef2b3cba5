/**
 * A registry as many readers in one process see it: what one of them read is read for all, until something changes, and
 * commits in quick succession wake them once. However many there are, the registry is read once a change.
 */
import type { Clock } from '../core/ports/clock.js';
import type { ComponentRecord, FeedScope, Registry } from '../core/ports/registry.js';
import { withMethods } from '../core/with-methods.js';

/** Commits that follow on each other are told this far apart, in milliseconds. */
const calmMs = 50;
/** Services that were asked for at one revision; more are read each time. */
const kept = 100;

export function sharedReads(registry: Registry, clock: Clock): Registry {
  let at = -1;
  let known = new Map<string | undefined, Promise<readonly ComponentRecord[]>>();
  const components = async (filter: { readonly service?: string } = {}): Promise<readonly ComponentRecord[]> => {
    const revision = await registry.revision();
    if (revision !== at) {
      at = revision;
      known = new Map();
    }
    const cache = known;
    const found = cache.get(filter.service);
    if (found !== undefined) return found;
    const reading = registry.components(filter);
    if (cache.size < kept) cache.set(filter.service, reading);
    try {
      return await reading;
    } catch (error) {
      cache.delete(filter.service);
      throw error;
    }
  };
  const watch = (notify: () => void, of?: FeedScope): (() => void) =>
    calmly(notify, clock, (told) => registry.watch(told, of));
  return withMethods(registry, { components, watch });
}

/** The first at once, those that follow soon after together. */
function calmly(notify: () => void, clock: Clock, watch: (told: () => void) => () => void): () => void {
  let cancel: (() => void) | undefined;
  let pending = false;
  const rest = (): void => {
    cancel = clock.after(calmMs, () => {
      cancel = undefined;
      if (!pending) return;
      pending = false;
      rest();
      notify();
    });
  };
  const unwatch = watch(() => {
    if (cancel !== undefined) {
      pending = true;
      return;
    }
    rest();
    notify();
  });
  return () => {
    unwatch();
    cancel?.();
  };
}
