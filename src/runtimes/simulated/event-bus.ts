/**
 * The runtime's event stream, with the ways in which such streams fail: events that are lost, come twice,
 * come in another order or late, and streams that break.
 */
import type { Clock } from '../../core/ports/clock.js';
import type { Realm } from './model.js';

/** An event as the runtime itself would say it; a driver adds its own name and reads the owner. */
export interface HostEvent {
  /** Which of the host's runtimes tells it. */
  readonly realm: Realm;
  readonly action: string;
  readonly kind: 'workload' | 'image';
  readonly nativeId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Subscriber {
  readonly onEvent: (event: HostEvent) => void;
  /** The stream broke; the subscriber is no longer one. */
  readonly onCut: () => void;
}

/** What to do with the next event that matches. */
export type Mishap = 'drop' | 'duplicate' | 'swap-with-next';

interface PlannedMishap {
  readonly mishap: Mishap;
  readonly matches: (event: HostEvent) => boolean;
}

export class EventBus {
  /** From the happening to its arrival at a subscriber, in milliseconds. */
  delayMs: number;
  readonly #clock: Clock;
  readonly #subscribers = new Set<Subscriber>();
  readonly #planned: PlannedMishap[] = [];
  #held: HostEvent | null = null;
  #stalled: HostEvent[] | null = null;

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.delayMs = delayMs;
  }

  /** Answers what ends the subscription. Nothing that happened before is told. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
    };
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** The next `count` matching events meet this mishap. */
  plan(mishap: Mishap, matches: (event: HostEvent) => boolean = () => true, count = 1): void {
    for (let index = 0; index < count; index += 1) this.#planned.push({ mishap, matches });
  }

  /** Breaks the stream of every subscriber. */
  cut(): void {
    const subscribers = [...this.#subscribers];
    this.#subscribers.clear();
    for (const { onCut } of subscribers) onCut();
  }

  /** Holds all events back, and with `false` lets them go, as a stopped and continued process does. */
  stall(stalled: boolean): void {
    const held = this.#stalled;
    if (stalled) this.#stalled ??= [];
    else this.#stalled = null;
    if (!stalled) for (const event of held ?? []) this.#deliver(event);
  }

  emit(event: HostEvent): void {
    const index = this.#planned.findIndex(({ matches }) => matches(event));
    const mishap = index < 0 ? undefined : this.#planned.splice(index, 1)[0]?.mishap;
    if (mishap === 'drop') return;
    if (mishap === 'swap-with-next' && this.#held === null) {
      this.#held = event;
      return;
    }
    this.#send(event);
    if (mishap === 'duplicate') this.#send(event);
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#send(held);
  }

  #send(event: HostEvent): void {
    if (this.#subscribers.size === 0) return;
    this.#clock.after(this.delayMs, () => {
      if (this.#stalled) this.#stalled.push(event);
      else this.#deliver(event);
    });
  }

  #deliver(event: HostEvent): void {
    for (const { onEvent } of [...this.#subscribers]) onEvent(event);
  }
}
