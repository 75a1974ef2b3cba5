/**
 * What came of the last step of an activation, until it is written: with what is decided next, in one transaction. An
 * agent that dies in between leaves what it would have left by dying before the answer to the step came.
 */
import type { NewEvent } from '../core/event.js';
import type { ChangeContext, ComponentRecord, Registry, StatusUpdate } from '../core/ports/registry.js';
import type { ComponentStatus } from '../core/status.js';

type Outcome = StatusUpdate & { readonly status: ComponentStatus };

export class Unwritten {
  readonly #registry: Registry;
  readonly #context: ChangeContext;
  #outcome: Outcome | undefined;

  constructor(registry: Registry, context: ChangeContext) {
    this.#registry = registry;
    this.#context = context;
  }

  /** Whatever was kept before has been written. */
  keep(outcome: Outcome): void {
    this.#outcome = outcome;
  }

  /** The record as it is once the outcome is written. One of another generation is no part of what is decided now. */
  async over(record: ComponentRecord): Promise<ComponentRecord> {
    const outcome = this.#outcome;
    if (outcome?.generation === record.generation) return { ...record, status: outcome.status };
    // The registry refuses what is past.
    await this.write();
    return record;
  }

  /** The events to be written with the next status, which holds what the outcome says; undefined: nothing is kept. */
  take(): readonly NewEvent[] | undefined {
    const events = this.#outcome?.events;
    this.#outcome = undefined;
    return events;
  }

  /** Writes it now, alone: what comes next may take its time, or does not come. */
  async write(): Promise<void> {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome) await this.#registry.updateStatus([outcome], this.#context);
  }
}
