/** Follows the registry's feed and tells which components to look at. */
import { messageOf } from '../core/errors.js';
import { formatKey } from '../core/names.js';
import type { Clock } from '../core/ports/clock.js';
import type { Log } from '../core/ports/log.js';
import type { Registry } from '../core/ports/registry.js';

export interface FeedReaderOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  readonly onKeys: (keys: ReadonlySet<string>) => void;
  /** A service row changed: each of its components is concerned. */
  readonly onService: (service: string) => Promise<void>;
  /** The feed no longer reaches back: everything is concerned. */
  readonly onGap: () => Promise<void>;
}

const pageSize = 500;
/** After a read failed it is tried again so much later, in milliseconds. */
const retryMs = 200;

export class FeedReader {
  readonly #options: FeedReaderOptions;
  #revision = 0;
  #stop: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: FeedReaderOptions) {
    this.#options = options;
  }

  /** Follows from the present revision on. */
  async start(): Promise<void> {
    this.#revision = await this.#options.registry.revision();
    this.#stop = this.#options.registry.watch(() => {
      this.#wake();
    }, 'specs');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop?.();
    this.#cancelRetry?.();
    await this.#reading;
  }

  #wake(): void {
    if (this.#closed) return;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = this.#readAll().finally(() => {
      this.#reading = undefined;
      if (this.#again) {
        this.#again = false;
        this.#wake();
      }
    });
  }

  async #readAll(): Promise<void> {
    try {
      while (!this.#closed && (await this.#readPage()));
    } catch (error) {
      this.#options.log.debug({ err: messageOf(error) }, 'feed not read');
      this.#cancelRetry = this.#options.clock.after(retryMs, () => {
        this.#wake();
      });
    }
  }

  /** Reads one page; answers whether there may be more. */
  async #readPage(): Promise<boolean> {
    const page = await this.#options.registry.feed(this.#revision, pageSize, 'specs');
    if (page.kind === 'gap') {
      await this.#options.onGap();
      // Last: a look that failed is made again.
      this.#revision = page.revision;
      return false;
    }
    const keys = new Set<string>();
    const services = new Set<string>();
    for (const { entity, service, component } of page.entries) {
      if (service === null) continue;
      if (entity === 'service') services.add(service);
      else if (entity === 'component' && component !== null) keys.add(formatKey({ service, component }));
    }
    this.#options.onKeys(keys);
    for (const service of services) await this.#options.onService(service);
    this.#revision = page.revision;
    return page.entries.length === pageSize;
  }
}
