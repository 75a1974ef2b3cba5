/** Events that belong together, from wherever they were read: each once, in the order of revisions. Pure. */
import type { EventView } from '../../api/views.js';
import { Cell } from './cell.js';

export class EventList {
  /** Newest last. */
  readonly events = new Cell<readonly EventView[]>([]);
  readonly #limit: number;
  #isCut = false;

  /** Keeps so many, the newest. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Older ones than these were left out. */
  get isCut(): boolean {
    return this.#isCut;
  }

  add(more: readonly EventView[]): void {
    const known = this.events.get();
    const [first] = more;
    if (first === undefined) return;
    const isNext = more.length === 1 && first.revision > (known.at(-1)?.revision ?? -1);
    const all = isNext ? [...known, first] : merged(known, more);
    this.#isCut ||= all.length > this.#limit;
    this.events.set(all.slice(-this.#limit));
  }
}

function merged(known: readonly EventView[], more: readonly EventView[]): readonly EventView[] {
  const all = new Map([...known, ...more].map((event) => [event.revision, event]));
  return [...all.values()].sort((a, b) => a.revision - b.revision);
}
