/** How many streams go on at once, in all and by one caller. */
import { BerthError } from '../../core/errors.js';
import type { Caller } from './contract.js';
import type { ApiLimits } from './limits.js';

export class StreamSlots {
  readonly #limits: Pick<ApiLimits, 'streams' | 'streamsACaller'>;
  readonly #callers = new Map<string, number>();
  #taken = 0;

  constructor(limits: Pick<ApiLimits, 'streams' | 'streamsACaller'>) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes a place; the answer gives it back, once. E_TOO_MANY when there is none. */
  take(caller: Caller): () => void {
    const { streams, streamsACaller } = this.#limits;
    if (this.#taken >= streams) throw full(`${streams} streams go on already, which is all there may be`);
    // Whoever may open the socket may as well read the registry's file: only the whole is bounded there.
    const key = caller.via === 'socket' ? null : `${caller.via}:${caller.name}`;
    const own = key === null ? 0 : (this.#callers.get(key) ?? 0);
    if (key !== null && own >= streamsACaller) throw full(`${caller.name} has ${own} streams open already`);
    this.#taken += 1;
    if (key !== null) this.#callers.set(key, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken -= 1;
      if (key === null) return;
      const left = (this.#callers.get(key) ?? 1) - 1;
      if (left === 0) this.#callers.delete(key);
      else this.#callers.set(key, left);
    };
  }
}

function full(message: string): BerthError {
  return new BerthError('E_TOO_MANY', message, { suggestion: 'end one of them, and try again' });
}
