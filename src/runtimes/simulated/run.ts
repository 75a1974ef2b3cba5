/** One run of a program: what it still has to do, and when. Stands still while the workload is paused. */
import type { Clock } from '../../core/ports/clock.js';
import type { Behaviour } from './behaviour.js';

interface Step {
  /** Time of running left until it is due. */
  leftMs: number;
  /** Monotonic time at which it was armed; null while it stands still. */
  armedAtMs: number | null;
  readonly act: () => void;
  cancel: (() => void) | null;
}

export class Run {
  readonly behaviour: Behaviour;
  readonly #clock: Clock;
  readonly #steps = new Set<Step>();
  readonly #ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;
  #running = true;
  #over = false;

  constructor(behaviour: Behaviour, clock: Clock) {
    this.behaviour = behaviour;
    this.#clock = clock;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  /** Resolves when the program has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Does `act` after `delayMs` of running, unless the program has ended by then. */
  schedule(delayMs: number, act: () => void): void {
    if (this.#over) return;
    const step: Step = { leftMs: delayMs, armedAtMs: null, act, cancel: null };
    this.#steps.add(step);
    if (this.#running) this.#arm(step);
  }

  suspend(): void {
    this.#running = false;
    for (const step of this.#steps) {
      step.cancel?.();
      if (step.armedAtMs !== null) step.leftMs -= this.#clock.monotonic() - step.armedAtMs;
      step.armedAtMs = null;
    }
  }

  resume(): void {
    this.#running = true;
    for (const step of this.#steps) if (step.armedAtMs === null) this.#arm(step);
  }

  /** The program is gone: nothing more happens. */
  end(): void {
    this.#over = true;
    for (const step of this.#steps) step.cancel?.();
    this.#steps.clear();
    this.#resolveEnded();
  }

  #arm(step: Step): void {
    step.armedAtMs = this.#clock.monotonic();
    step.cancel = this.#clock.after(step.leftMs, () => {
      this.#steps.delete(step);
      step.act();
    });
  }
}
