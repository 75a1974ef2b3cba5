/** A driver's view of the event stream: connects, hands events on, and connects again when it breaks. */
import { BerthError } from '../../core/errors.js';
import { claimOf } from '../../core/observation.js';
import type { Clock } from '../../core/ports/clock.js';
import type { EventSink } from '../../core/ports/driver.js';
import type { CallGate } from './call-gate.js';
import type { HostEvent } from './event-bus.js';
import type { SimulatedHost } from './host.js';
import { ownerOf } from './labels.js';
import type { Realm } from './model.js';

export interface EventStreamContext {
  readonly host: SimulatedHost;
  readonly clock: Clock;
  readonly gate: CallGate;
  readonly driver: string;
  readonly realm: Realm;
}

const firstRetryMs = 100;
const longestRetryMs = 5_000;

/** Resolves when `signal` fires. */
export async function followEvents(context: EventStreamContext, sink: EventSink, signal: AbortSignal): Promise<void> {
  const isOver = (): boolean => signal.aborted || context.gate.dead;
  let retryMs = firstRetryMs;
  while (!isOver()) {
    await untilAborted(context.host.whenNotHanging(), signal);
    if (isOver()) return;
    if (context.host.outage === null) {
      retryMs = firstRetryMs;
      await oneConnection(context, sink, signal);
      if (isOver()) return;
    }
    sink.onLost(new BerthError('E_DRIVER_UNREACHABLE', 'the event stream broke'));
    await pause(context.clock, retryMs, signal);
    retryMs = Math.min(2 * retryMs, longestRetryMs);
  }
}

/** Resolves when the stream breaks or `signal` fires. */
function oneConnection(
  { host, gate, driver, realm }: EventStreamContext,
  sink: EventSink,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      unsubscribe();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const onEvent = ({ labels, realm: teller, ...event }: HostEvent): void => {
      if (teller !== realm) return;
      const claim = event.kind === 'workload' ? claimOf(event.action, event.attributes) : undefined;
      if (!gate.dead) sink.onEvent({ ...event, driver, owner: ownerOf(labels), ...(claim ? { claim } : {}) });
    };
    const unsubscribe = host.events.subscribe({ onEvent, onCut: finish });
    signal.addEventListener('abort', finish);
    sink.onConnected();
  });
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  let cancel = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    cancel = clock.after(delayMs, resolve);
  });
  return untilAborted(over, signal).finally(cancel);
}

/** Resolves with `wait`, or when `signal` fires. */
function untilAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve();
    };
    if (signal.aborted) finish();
    signal.addEventListener('abort', finish);
    void wait.then(finish);
  });
}
