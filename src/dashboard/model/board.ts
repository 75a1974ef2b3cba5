/**
 * What the page knows: every component, what is told of them, and how fresh that is. Fed by the watch, message by message;
 * each row is a cell of its own, so that a change of one is the business of that row alone. No DOM, no clock of its own.
 */
import type { WatchBeat, WatchMessage } from '../../api/http/contract.js';
import type { ComponentView, EventView } from '../../api/views.js';
import type { Phase } from '../../core/status.js';
import { Cell } from './cell.js';
import { keyOf } from './standing.js';

/** How the page hears of changes. */
export interface Link {
  readonly state: 'connecting' | 'live' | 'stale';
  /** When something was last heard, Unix milliseconds of the browser; null: never. */
  readonly heardAtMs: number | null;
}

/** A change of a definition. */
export type Edit = Extract<WatchMessage, { readonly name: 'changed' }>['data'];

/** A phase as it was seen from this page. */
export interface Seen {
  readonly phase: Phase;
  readonly atMs: number;
}

const trailKept = 24;

export class Board {
  readonly link = new Cell<Link>({ state: 'connecting', heardAtMs: null });
  /** Rises with each change of any row. */
  readonly changes = new Cell(0);
  /** All of the present was told at least once. */
  readonly ready = new Cell(false);
  /** The newest event. Whoever follows hears of each, and keeps what it needs. */
  readonly heard = new Cell<EventView | null>(null);
  readonly beat = new Cell<WatchBeat | null>(null);
  /** The newest change of a definition. */
  readonly edit = new Cell<Edit | null>(null);
  /** The revision at which a service itself was made, changed or removed last, as far as it was told; 0: it was not. */
  readonly services = new Cell(0);
  /** How often all of the present was told anew: what happened before each was not told, and is to be asked for. */
  readonly snapshots = new Cell(0);
  /** What to add to the browser's clock to have the agent's, in milliseconds. */
  skewMs = 0;
  readonly #definitions = new Map<string, Cell<number>>();
  readonly #edits = new Map<string, Edit>();
  readonly #rows = new Map<string, Cell<ComponentView | undefined>>();
  readonly #living = new Map<string, ComponentView>();
  readonly #trails = new Map<string, readonly Seen[]>();
  /** Told since the snapshot began; null: none is being told. */
  #told: Set<string> | null = null;

  /** The cell of a component, whether there is such a one or not. */
  row(key: string): Cell<ComponentView | undefined> {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const cell = new Cell<ComponentView | undefined>(undefined);
    this.#rows.set(key, cell);
    return cell;
  }

  /** The revision at which the definition of a service changed last, as far as it was told; 0: it was not. */
  definition(service: string): Cell<number> {
    const known = this.#definitions.get(service);
    if (known !== undefined) return known;
    const cell = new Cell(0);
    this.#definitions.set(service, cell);
    return cell;
  }

  /** The newest change of a service that was told; undefined: none was. */
  editOf(service: string): Edit | undefined {
    return this.#edits.get(service);
  }

  /** Every component that there is. */
  views(): Iterable<ComponentView> {
    return this.#living.values();
  }

  size(): number {
    return this.#living.size;
  }

  /** The phases of a component since this page watches, oldest first. */
  trail(key: string): readonly Seen[] {
    return this.#trails.get(key) ?? [];
  }

  /** The present will be told anew: what is not told again by the end of it is gone. */
  beginSnapshot(): void {
    this.#told = new Set();
  }

  /** Takes one message in; `nowMs` is the browser's clock. */
  take(message: WatchMessage, nowMs: number): void {
    this.link.set({ state: 'live', heardAtMs: nowMs });
    switch (message.name) {
      case 'component':
        this.#put(message.data.component, nowMs);
        break;
      case 'gone':
        this.#remove(keyOf(message.data));
        break;
      case 'event':
        this.heard.set(message.data);
        break;
      case 'changed':
        this.#takeEdit(message.data);
        break;
      case 'synced':
        this.#finishSnapshot(message.data.revision);
        this.skewMs = Date.parse(message.data.now) - nowMs;
        this.ready.set(true);
        break;
      case 'beat':
        this.skewMs = Date.parse(message.data.now) - nowMs;
        this.beat.set(message.data);
        break;
    }
  }

  /** Nobody listens for a while. */
  pause(): void {
    this.link.set({ state: 'connecting', heardAtMs: this.link.get().heardAtMs });
  }

  /** Nothing is heard any more. */
  lose(): void {
    this.link.set({ state: 'stale', heardAtMs: this.link.get().heardAtMs });
  }

  /** Age of the last good answer about a component, in milliseconds; null: there was none. */
  ageMs(view: ComponentView, nowMs: number): number | null {
    const driver = this.beat.get()?.drivers.find(({ name }) => name === view.driver);
    if (driver === undefined) return view.observedAgeMs;
    return driver.lastGoodAt === null ? null : Math.max(0, nowMs + this.skewMs - Date.parse(driver.lastGoodAt));
  }

  #put(view: ComponentView, nowMs: number): void {
    const key = keyOf(view);
    const before = this.#living.get(key);
    this.#told?.add(key);
    this.#living.set(key, view);
    if (before?.phase !== view.phase) {
      this.#trails.set(key, [...this.trail(key), { phase: view.phase, atMs: nowMs }].slice(-trailKept));
    }
    this.row(key).set(view);
    this.#count();
  }

  #takeEdit(edit: Edit): void {
    this.#edits.set(edit.service, edit);
    this.edit.set(edit);
    if (edit.entity === 'service') this.services.set(edit.revision);
    this.definition(edit.service).set(edit.revision);
  }

  #remove(key: string): void {
    if (!this.#living.delete(key)) return;
    this.#trails.delete(key);
    this.row(key).set(undefined);
    this.#count();
  }

  #finishSnapshot(revision: number): void {
    const told = this.#told;
    this.#told = null;
    if (told === null) return;
    // What was edited before the snapshot is not told: whoever shows a definition has to read it again.
    if (this.ready.get()) for (const cell of this.#definitions.values()) cell.set(revision);
    for (const key of [...this.#living.keys()]) if (!told.has(key)) this.#remove(key);
    this.snapshots.set(this.snapshots.get() + 1);
  }

  #count(): void {
    this.changes.set(this.changes.get() + 1);
  }
}
