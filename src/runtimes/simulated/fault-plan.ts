/** Which calls go wrong, and how. A test plans it; the calls of all drivers of the host consult it. */
import type { BerthError } from '../../core/errors.js';

/**
 * `fail-before`: the runtime says no, nothing was done.
 * `unreachable`: it cannot be reached, nothing was done.
 * `lost-answer`: it was done, but the connection broke before the answer.
 * `hang`: nothing is done, no answer ever comes.
 * `hang-after`: it was done, no answer ever comes.
 * `late`: nothing for `delayMs`, then it is done after all, whoever still waits.
 * `slow-answer`: it is done at once, the answer takes `delayMs` more.
 * `twice`: it is asked for and carried out a second time, as a transport that repeats a request does; the second
 * answer counts.
 * `stale`: a list answers what it answered the last time.
 * `partial`: a list lacks some of what is there.
 */
export const faultKinds = [
  'fail-before',
  'unreachable',
  'lost-answer',
  'hang',
  'hang-after',
  'late',
  'slow-answer',
  'twice',
  'stale',
  'partial',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultOptions {
  /** For `late` and `slow-answer`. Default: 60,000 ms, which is beyond every deadline of a quick call. */
  readonly delayMs?: number;
  /** For `fail-before`: what the runtime says. Default: E_DRIVER_FAILED. */
  readonly error?: BerthError;
  /** How many calls in a row. Default: 1. */
  readonly times?: number;
  /** Only calls of this home. */
  readonly homeId?: string;
}

export interface Fault {
  readonly kind: FaultKind;
  readonly delayMs: number;
  readonly error: BerthError | null;
}

interface Planned {
  readonly fault: Fault;
  readonly appliesTo: (call: string, homeId: string, number: number) => boolean;
  timesLeft: number;
}

export class FaultPlan {
  readonly #planned: Planned[] = [];
  readonly #callsByName = new Map<string, number>();
  #calls = 0;

  /** How many calls of this name there have been, of all drivers; without a name, of all. */
  calls(call?: string): number {
    return call === undefined ? this.#calls : (this.#callsByName.get(call) ?? 0);
  }

  /** The next call of this name (a method of Driver, or `any`) goes wrong. */
  next(call: string, kind: FaultKind, options: FaultOptions = {}): void {
    this.#plan(kind, options, (name) => call === 'any' || name === call);
  }

  /** The call with this number goes wrong; the first call of the host is number 1. */
  atCall(wanted: number, kind: FaultKind, options: FaultOptions = {}): void {
    this.#plan(kind, options, (_name, _homeId, number) => number === wanted);
  }

  /** Forgets what has not happened yet. */
  clear(): void {
    this.#planned.length = 0;
  }

  /** Counts a call; answers how it goes wrong, if it does. */
  take(call: string, homeId: string): Fault | undefined {
    this.#calls += 1;
    this.#callsByName.set(call, this.calls(call) + 1);
    const index = this.#planned.findIndex(({ appliesTo }) => appliesTo(call, homeId, this.#calls));
    const planned = this.#planned[index];
    if (!planned) return undefined;
    planned.timesLeft -= 1;
    if (planned.timesLeft <= 0) this.#planned.splice(index, 1);
    return planned.fault;
  }

  #plan(
    kind: FaultKind,
    options: FaultOptions,
    matches: (call: string, homeId: string, number: number) => boolean,
  ): void {
    const { delayMs = 60_000, error = null, times = 1, homeId } = options;
    this.#planned.push({
      fault: { kind, delayMs, error },
      appliesTo: (call, home, number) => (homeId === undefined || home === homeId) && matches(call, home, number),
      timesLeft: times,
    });
  }
}
