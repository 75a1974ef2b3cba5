/** Events of this driver's VMs, for whoever listens. */
import type { EventClaim, Ownership, RuntimeEvent } from '../../core/observation.js';
import type { EventSink } from '../../core/ports/driver.js';
import type { VmRecord } from './record.js';

export interface VmNews {
  /** `create`, `start`, `ready`, `died`, `pause`, `unpause`, `rename`, `remove`. */
  readonly action: string;
  readonly atMs: number;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly claim?: EventClaim;
}

export class EventBus {
  readonly #driver: string;
  readonly #sinks = new Set<EventSink>();

  constructor(driver: string) {
    this.#driver = driver;
  }

  tell(record: VmRecord, news: VmNews): void {
    const { homeId, service, component, generation, specHash } = record;
    const owner: Ownership = { homeId, service, component, generation, specHash };
    const event: RuntimeEvent = {
      driver: this.#driver,
      kind: 'workload',
      nativeId: record.id,
      name: record.name,
      owner,
      attributes: {},
      ...news,
    };
    for (const sink of this.#sinks) sink.onEvent(event);
  }

  /** The source of events is in this process: it is connected as long as somebody listens. */
  async follow(sink: EventSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#sinks.add(sink);
    // Whoever listens has his answer first: a stream connects later, too.
    await Promise.resolve();
    sink.onConnected();
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (isAborted(signal)) resolve();
    });
    this.#sinks.delete(sink);
  }
}

/** Asked anew: it may have fired meanwhile. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
