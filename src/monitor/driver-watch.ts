/**
 * Watches one driver: its events make the picture prompt, a slow relist makes it certain. A driver that
 * does not answer is said to be so, and asked again soon.
 */
import { setMaxListeners } from 'node:events';
import { formatKey, type ComponentKey } from '../core/names.js';
import { messageOf } from '../core/errors.js';
import type { DriverSnapshot, RuntimeEvent } from '../core/observation.js';
import type { Clock } from '../core/ports/clock.js';
import type { Driver } from '../core/ports/driver.js';
import type { Log } from '../core/ports/log.js';
import type { DriverHealth } from '../core/ports/view.js';
import { Picture, type Touched } from './picture.js';

export interface DriverWatchOptions {
  readonly driver: Driver;
  readonly homeId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds between two lists while all is well. */
  readonly relistMs: () => number;
  /** Workloads that changed. */
  readonly onTouched: (touched: Touched) => void;
  /** Everything of this driver may have to be decided anew: it began or ceased to answer, or tags moved. */
  readonly onAll: () => void;
  /** After each list, good or bad. */
  readonly onHealth: (health: DriverHealth) => void;
}

/** An event in words, with its time in Unix milliseconds. */
export interface LastEvent {
  readonly atMs: number;
  readonly words: string;
}

/** While a driver does not answer it is asked again this often, in milliseconds. */
const retryMs = 1_000;
/** Events about more workloads than this at once are answered with one list. */
const manyLooks = 6;
/** Looks under way at once. */
const looksAtOnce = 4;
/** How many components' latest events are kept. */
const keptEvents = 5_000;

export class DriverWatch {
  readonly picture: Picture;
  readonly #options: DriverWatchOptions;
  readonly #abort = new AbortController();
  readonly #pendingLooks = new Set<string>();
  readonly #lastEvents = new Map<string, LastEvent>();
  #health: DriverHealth;
  #listing: Promise<void> | undefined;
  #wantsList = false;
  #cancelTimer: (() => void) | undefined;
  readonly #looking = new Set<string>();
  /** Ends the looks that are under way: they would wait for a driver that is known not to answer. */
  #looks = new AbortController();
  #eventLoop: Promise<void> = Promise.resolve();

  constructor(options: DriverWatchOptions) {
    this.#options = options;
    // Each call under way listens to it.
    setMaxListeners(0, this.#abort.signal, this.#looks.signal);
    this.picture = new Picture(options.homeId);
    this.#health = {
      name: options.driver.name,
      answering: false,
      error: null,
      lastGoodAtMs: null,
      failingSinceMs: null,
    };
  }

  get health(): DriverHealth {
    return this.#health;
  }

  /** The first list, good or bad; then watches until `close`. */
  async start(): Promise<void> {
    await this.#list();
    this.#eventLoop = this.#options.driver.events(
      {
        onConnected: () => {
          this.relist();
        },
        onEvent: (event) => {
          this.#onEvent(event);
        },
        onLost: (error) => {
          this.#options.log.warn({ err: messageOf(error) }, 'event stream lost');
        },
      },
      this.#abort.signal,
    );
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#looks.abort();
    this.#cancelTimer?.();
    await Promise.allSettled([this.#eventLoop, this.#listing]);
  }

  /** Lists as soon as the list under way, if any, has ended. */
  relist(): void {
    if (this.#abort.signal.aborted) return;
    if (this.#listing) this.#wantsList = true;
    else void this.#list();
  }

  /** Looks at one workload afresh. A driver that fails here is asked for a list, which tells how it stands. Answers whether it could be read. */
  async look(idOrName: string): Promise<boolean> {
    const atMs = this.#options.clock.monotonic();
    try {
      const workload = await this.#options.driver.inspect(idOrName, this.#looks.signal);
      const touched = this.picture.takeLook(idOrName, workload, atMs);
      if (touched.length > 0) this.#options.onTouched(touched);
      return true;
    } catch (error) {
      if (this.#abort.signal.aborted) return false;
      this.#options.log.debug({ err: messageOf(error), workload: idOrName }, 'look failed');
      if (this.#health.answering) this.relist();
      return false;
    }
  }

  /** The latest event about a component; null: none is known. */
  lastEvent(key: ComponentKey): LastEvent | null {
    return this.#lastEvents.get(formatKey(key)) ?? null;
  }

  async #list(): Promise<void> {
    this.#cancelTimer?.();
    this.#wantsList = false;
    this.#listing = this.#listOnce();
    await this.#listing;
    this.#listing = undefined;
    if (this.#abort.signal.aborted) return;
    const restMs = this.#health.answering ? this.#options.relistMs() : retryMs;
    const delayMs = this.#takeWish() ? 0 : restMs;
    this.#cancelTimer = this.#options.clock.after(delayMs, () => void this.#list());
  }

  /** Whether another list was asked for while one was under way. */
  #takeWish(): boolean {
    return this.#wantsList;
  }

  async #listOnce(): Promise<void> {
    const { driver, log, onAll, onTouched, onHealth, clock } = this.#options;
    try {
      const atMs = clock.monotonic();
      const snapshot = await driver.list(this.#abort.signal);
      const wasAnswering = this.#health.answering;
      const tagsMoved = this.picture.movedImages(snapshot.images);
      const touched = this.picture.takeList(snapshot, atMs);
      this.#health = this.#good(snapshot);
      if (!wasAnswering || tagsMoved) onAll();
      else if (touched.length > 0) onTouched(touched);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const message = messageOf(error);
      const sinceMs = this.#health.failingSinceMs ?? clock.now();
      this.#looks.abort();
      this.#looks = new AbortController();
      setMaxListeners(0, this.#looks.signal);
      const news = this.#health.answering || this.#health.error !== message;
      this.#health = { ...this.#health, answering: false, error: message, failingSinceMs: sinceMs };
      if (news) {
        log.warn({ err: message }, `${driver.name} does not answer`);
        onAll();
      }
    }
    onHealth(this.#health);
  }

  #good(snapshot: DriverSnapshot): DriverHealth {
    const { driver, log } = this.#options;
    if (!this.#health.answering && this.#health.error !== null) log.info(`${driver.name} answers again`);
    return { name: driver.name, answering: true, error: null, lastGoodAtMs: snapshot.takenAtMs, failingSinceMs: null };
  }

  #onEvent(event: RuntimeEvent): void {
    const { clock, log } = this.#options;
    log.debug({ event: event.action, workload: event.name, lagMs: clock.now() - event.atMs }, 'event');
    if (event.kind === 'image') {
      this.relist();
      return;
    }
    if (event.owner?.homeId === this.#options.homeId) this.#remember(event, formatKey(event.owner));
    const touched = this.picture.takeClaim(event, this.#options.clock.monotonic());
    if (touched.length > 0) this.#options.onTouched(touched);
    this.#pendingLooks.add(event.nativeId || event.name);
    this.#pumpLooks();
  }

  #remember(event: RuntimeEvent, key: string): void {
    this.#lastEvents.delete(key);
    const words = `${event.driver} event "${event.action}" at ${new Date(event.atMs).toISOString()}`;
    this.#lastEvents.set(key, { atMs: event.atMs, words });
    if (this.#lastEvents.size <= keptEvents) return;
    for (const oldest of this.#lastEvents.keys()) {
      this.#lastEvents.delete(oldest);
      break;
    }
  }

  /** Looks at what events named, a few at a time: one workload that cannot be read delays no other. */
  #pumpLooks(): void {
    if (this.#pendingLooks.size > manyLooks) {
      this.#pendingLooks.clear();
      this.relist();
      return;
    }
    for (const name of this.#pendingLooks) {
      if (this.#abort.signal.aborted || this.#looking.size >= looksAtOnce) return;
      if (this.#looking.has(name)) continue;
      this.#pendingLooks.delete(name);
      this.#looking.add(name);
      void this.look(name).finally(() => {
        this.#looking.delete(name);
        this.#pumpLooks();
      });
    }
  }
}
