/** A reader of an agent's watch over its socket, who comes back whenever it was cut off. */
import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { WatchFold } from './watch-fold.js';

/** Pause before coming back, in milliseconds. */
const comeBackMs = 30;

export class WatchClient {
  readonly fold = new WatchFold();
  readonly service: string | null;
  /** Connections that were answered with a watch. */
  connections = 0;
  /** Answers other than a watch, by status; those of an agent that ends are 503. */
  readonly refusals: number[] = [];
  readonly #socketPath: string;
  readonly #onText: (fold: WatchFold) => void;
  #request: ClientRequest | undefined;
  #ended = false;
  readonly #running: Promise<void>;

  constructor(socketPath: string, service: string | null, onText: (fold: WatchFold) => void = () => {}) {
    this.#socketPath = socketPath;
    this.service = service;
    this.#onText = onText;
    this.#running = this.#run();
  }

  /** Cuts the connection, wherever it is. */
  cut(): void {
    this.#request?.destroy();
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.cut();
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.fold.reconnect();
      await this.#connection();
      await pause(comeBackMs);
    } while (!this.#hasEnded());
  }

  #hasEnded(): boolean {
    return this.#ended;
  }

  /** Resolves once the connection is over, for whatever reason. */
  #connection(): Promise<void> {
    const { fold } = this;
    const query = this.service === null ? '' : `?service=${this.service}`;
    return new Promise((resolve) => {
      const request = get(
        {
          socketPath: this.#socketPath,
          path: `/v1/watch${query}`,
          headers: fold.lastId === null ? {} : { 'last-event-id': fold.lastId },
          agent: false,
        },
        (response) => {
          if (response.statusCode === 200) this.#read(response);
          else {
            this.refusals.push(response.statusCode ?? 0);
            response.resume();
          }
        },
      );
      this.#request = request;
      request.on('error', () => {});
      request.once('close', resolve);
    });
  }

  #read(response: IncomingMessage): void {
    this.connections += 1;
    response.setEncoding('utf8');
    response.on('error', () => {});
    response.on('data', (text: string) => {
      this.fold.push(text);
      this.#onText(this.fold);
    });
  }
}
