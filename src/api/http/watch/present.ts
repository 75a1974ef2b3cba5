/** All components as they were last read, each put into words once. */
import { formatKey, type ComponentKey } from '../../../core/names.js';
import type { ComponentRecord } from '../../../core/ports/registry.js';
import type { ComponentView } from '../../views.js';

/** One component in words. Its age is left open: that is another one each time it is told. */
export interface Entry {
  readonly key: ComponentKey;
  /** Its driver, on whose last answer the age depends. */
  driver: string;
  /** The view as JSON, up to the value of `observedAgeMs` … */
  head: string;
  /** … and from there on. */
  tail: string;
  /** The revision at which it was last told anew; 0: not since the beginning. */
  toldAt: number;
  record: ComponentRecord;
}

/** What became of a component. */
export interface PresentChange {
  readonly key: ComponentKey;
  /** null: it is gone. */
  readonly entry: Entry | null;
}

const ageMark = '"observedAgeMs":';

export class Present {
  readonly #view: (record: ComponentRecord) => ComponentView;
  readonly #entries = new Map<string, Entry>();
  /** By service and component. */
  #order: readonly Entry[] = [];

  constructor(view: (record: ComponentRecord) => ComponentView) {
    this.#view = view;
  }

  get(key: ComponentKey): Entry | undefined {
    return this.#entries.get(formatKey(key));
  }

  /** All, or those of one service, ordered by service and component. */
  list(service: string | null): readonly Entry[] {
    return service === null ? this.#order : this.#order.filter((entry) => entry.key.service === service);
  }

  /** Puts components into words ahead of `replaceAll`, which then costs little. */
  prepare(records: readonly ComponentRecord[]): void {
    for (const record of records) this.#take(record);
  }

  /** Takes in what is there now, in order; answers what says something else than before. */
  replaceAll(records: readonly ComponentRecord[]): readonly PresentChange[] {
    const changes: PresentChange[] = [];
    const before = this.#order;
    this.#order = records.map((record, place) => {
      // Mostly nothing moved: the registry answers with the same record, at the same place.
      const there = before[place];
      if (there?.record === record) return there;
      const { entry, isNews } = this.#take(record);
      if (isNews) changes.push({ key: entry.key, entry });
      return entry;
    });
    if (this.#entries.size > records.length) {
      const kept = new Set(this.#order);
      for (const [text, entry] of this.#entries) {
        if (kept.has(entry)) continue;
        this.#entries.delete(text);
        changes.push({ key: entry.key, entry: null });
      }
    }
    return changes;
  }

  /** Takes in a component that was there before; answers undefined when it says nothing new. */
  replace(record: ComponentRecord): PresentChange | undefined {
    // One that is not known yet comes with the change that made it.
    if (!this.#entries.has(formatKey(record.key))) return undefined;
    const { entry, isNews } = this.#take(record);
    return isNews ? { key: entry.key, entry } : undefined;
  }

  #take(record: ComponentRecord): { readonly entry: Entry; readonly isNews: boolean } {
    const text = formatKey(record.key);
    const known = this.#entries.get(text);
    if (known?.record === record) return { entry: known, isNews: false };
    const view = this.#view(record);
    const json = JSON.stringify({ ...view, observedAgeMs: 0 });
    // Within a text of JSON the quotes would be escaped, so this is the key.
    const cut = json.indexOf(ageMark) + ageMark.length;
    const words = { driver: view.driver, head: json.slice(0, cut), tail: json.slice(cut + 1), record };
    if (known === undefined) {
      const entry = { key: record.key, toldAt: 0, ...words };
      this.#entries.set(text, entry);
      return { entry, isNews: true };
    }
    const isNews = known.head !== words.head || known.tail !== words.tail || known.driver !== words.driver;
    Object.assign(known, words);
    return { entry: known, isNews };
  }
}
