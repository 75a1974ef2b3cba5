/** Watches what must never happen on a host, whatever fails: probes for simulations. */
import type { Clock } from '../../core/ports/clock.js';
import { ownerOf } from './labels.js';
import type { Actor, Container, Violation } from './model.js';

export class SafetyProbe {
  readonly #clock: Clock;
  readonly #found: Violation[] = [];
  /** What runs of each component, and who started it. */
  readonly #running = new Map<string, Map<string, Actor>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get violations(): readonly Violation[] {
    return this.#found;
  }

  /** A driver was told to touch what is not its home's; it refused. */
  foreignTouched(call: string, homeId: string, container: Container): void {
    this.report('foreign-touched', `home ${homeId} wanted to ${call} ${container.name} (${container.id})`);
  }

  /** A volume was copied while something that mounts it was up. */
  volumeInUse(detail: string): void {
    this.report('volume-in-use', detail);
  }

  /**
   * Two workloads of one component must not run at once. Only starts by a home count: what a person starts
   * by hand is drift, not a defect.
   */
  started(by: Actor, container: Container): void {
    const key = componentOf(container);
    if (key === null) return;
    const running = this.#running.get(key) ?? new Map<string, Actor>();
    this.#running.set(key, running);
    const others = [...running].filter(([id, starter]) => id !== container.id && starter !== 'hand');
    running.set(container.id, by);
    if (by === 'hand' || others.length === 0) return;
    const ids = others.map(([id]) => id).join(', ');
    this.report('two-running', `${key}: ${container.name} (${container.id}) was started while ${ids} ran`);
  }

  ended(container: Container): void {
    const key = componentOf(container);
    if (key === null) return;
    const running = this.#running.get(key);
    running?.delete(container.id);
    if (running?.size === 0) this.#running.delete(key);
  }

  report(rule: Violation['rule'], detail: string): void {
    this.#found.push({ atMs: this.#clock.now(), rule, detail });
  }
}

function componentOf(container: Container): string | null {
  const owner = ownerOf(container.spec.labels);
  return owner && `${owner.homeId} ${owner.service}/${owner.component}`;
}
