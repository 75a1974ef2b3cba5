/** Listens to a driver's events, for the cases that count them. */
import { expect } from 'vitest';
import type { RuntimeEvent } from '../../src/core/observation.js';
import type { Driver } from '../../src/core/ports/driver.js';
import { eventually } from '../support/eventually.js';

/** For whatever an event stream must show in the end. */
export const waitingForEvents = { timeoutMs: 20_000, everyMs: 20 };

export class Listener {
  readonly events: RuntimeEvent[] = [];
  connected = 0;
  lost = 0;
  readonly #control = new AbortController();
  readonly #following: Promise<void>;

  private constructor(driver: Driver) {
    const sink = {
      onConnected: () => {
        this.connected += 1;
      },
      onEvent: (event: RuntimeEvent) => {
        this.events.push(event);
      },
      onLost: () => {
        this.lost += 1;
      },
    };
    this.#following = driver.events(sink, this.#control.signal);
  }

  /** Answers once the stream is connected. */
  static async to(driver: Driver): Promise<Listener> {
    const listener = new Listener(driver);
    await eventually(() => listener.connected > 0, { ...waitingForEvents, describe: 'the event stream is connected' });
    return listener;
  }

  actionsOf(nativeId: string): readonly string[] {
    return this.events.filter((event) => event.nativeId === nativeId).map(({ action }) => action);
  }

  async until(nativeId: string, ...actions: readonly string[]): Promise<void> {
    await eventually(
      () => {
        expect(this.actionsOf(nativeId)).toEqual(expect.arrayContaining([...actions]));
      },
      { ...waitingForEvents, describe: `events ${actions.join(', ')}` },
    );
  }

  /** Ends the stream; resolves when the driver has let go. */
  async end(): Promise<void> {
    this.#control.abort();
    await this.#following;
  }
}
