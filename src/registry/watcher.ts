/** Notices commits: one poll of `PRAGMA data_version` (2 µs) serves however many listeners there are. */
import type { Clock } from '../core/ports/clock.js';
import type { FeedScope } from '../core/ports/registry.js';
import { isBusy } from './sqlite-errors.js';
import type { Session } from './session.js';

/** How often the file is asked by default, in milliseconds. A watch on the WAL file fires before the commit can be read. */
export const defaultPollMs = 20;

/** No data_version is negative. */
const unreadable = -1;

export class Watcher {
  readonly #clock: Clock;
  /** A connection that never writes: its data_version moves with every commit but its own. undefined: never asked. */
  readonly #session: Session | undefined;
  readonly #pollMs: number;
  readonly #listeners = new Map<() => void, FeedScope>();
  #seen = 0;
  #cancel: (() => void) | undefined;

  /** Without a session nothing is polled: nobody but who says so by `committed` can commit. */
  constructor(clock: Clock, session: Session | undefined, pollMs: number) {
    this.#clock = clock;
    this.#pollMs = pollMs;
    this.#session = session;
    this.#seen = this.#read();
  }

  /** Calls `notify` after any commit of any client that `of` asks for, and after others as well. Answers what ends it. */
  add(notify: () => void, of: FeedScope): () => void {
    const listener = (): void => {
      notify();
    };
    if (this.#listeners.size === 0) {
      this.#seen = this.#read();
      this.#arm();
    }
    this.#listeners.set(listener, of);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#disarm();
    };
  }

  /**
   * An own commit: listeners hear of it in this turn's microtasks. Whoever asks for specs alone need not hear of one
   * without any; the next poll finds what somebody else may have committed just before it.
   */
  committed(holdsSpecs: boolean): void {
    const what = holdsSpecs ? 'specs' : 'all';
    if (!this.#concerns(what)) return;
    if (holdsSpecs) this.#seen = this.#read();
    void Promise.resolve().then(() => {
      this.#tell(what);
    });
  }

  close(): void {
    this.#listeners.clear();
    this.#disarm();
    this.#session?.close();
  }

  #read(): number {
    if (this.#session === undefined) return unreadable;
    try {
      return (this.#session.prepare('pragma data_version').get() as { data_version: number }).data_version;
    } catch (error) {
      // A file that cannot be read is news, once: whoever listens reads, and meets the error where it can be told.
      return isBusy(error) ? this.#seen : unreadable;
    }
  }

  #arm(): void {
    if (this.#session === undefined) return;
    this.#cancel = this.#clock.after(this.#pollMs, () => {
      this.#poll();
      if (this.#listeners.size > 0) this.#arm();
    });
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #poll(): void {
    const version = this.#read();
    if (version === this.#seen) return;
    this.#seen = version;
    this.#tell('specs');
  }

  #concerns(what: FeedScope): boolean {
    for (const of of this.#listeners.values()) if (what === 'specs' || of === 'all') return true;
    return false;
  }

  /** `specs`: everybody; `all`: whoever wants to hear of everything. */
  #tell(what: FeedScope): void {
    for (const [listener, of] of [...this.#listeners]) if (what === 'specs' || of === 'all') listener();
  }
}
