/** Podman's events over its API, with reconnect; its events file tells of them sooner where there is one. */
import { BerthError } from '../../core/errors.js';
import type { RuntimeEvent } from '../../core/observation.js';
import type { Chance, Clock } from '../../core/ports/clock.js';
import type { EventSink } from '../../core/ports/driver.js';
import type { LibpodClient } from './client.js';
import { followEventsFile } from './events-file.js';
import type { Host } from '../host/host.js';
import { pause } from '../host/pause.js';
import { eventTypes, readEvent } from './runtime-events.js';

/** Cuts text that comes in pieces into lines. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}

export interface EventStreamOptions {
  readonly driver: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly client: () => LibpodClient;
  readonly suspect: () => void;
  readonly host: Host;
  /** Where the service writes its events; null when it does not, or not on this host. */
  readonly eventsFile: () => string | null;
  /** Until the head of the answer. */
  readonly connectDeadlineMs: number;
  /** The stream is opened anew after so long, in case it died silently. */
  readonly reconnectAfterMs: number;
}

/**
 * Events remembered in order to tell each once, whichever way it comes: on a busy host the API tells of what the file
 * told of hundreds of events ago.
 */
const mostRemembered = 10_000;

/** Hands each event on once: the API and the file tell of the same ones. */
export function withoutRepeats(onEvent: (event: RuntimeEvent) => void): (event: RuntimeEvent | undefined) => void {
  const seen = new Set<string>();
  return (event) => {
    if (!event) return;
    const key = `${event.nativeId} ${event.name} ${event.action} ${event.atMs}`;
    if (seen.has(key)) return;
    seen.add(key);
    for (const oldest of seen) {
      if (seen.size <= mostRemembered) break;
      seen.delete(oldest);
    }
    onEvent(event);
  };
}

const firstBackoffMs = 100;
const maxBackoffMs = 5_000;

/** Reads the stream and opens it anew; nothing is connected before `run`. */
export class EventStream {
  readonly #options: EventStreamOptions;
  #connection = new AbortController();
  #lastEventAt: number | null = null;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** Monotonic milliseconds of the last event; null before the first. */
  get lastEventAt(): number | null {
    return this.#lastEventAt;
  }

  /** Something changed that no event told of: opens the stream anew. */
  distrust(): void {
    this.#connection.abort();
  }

  /** Streams until the signal fires; resolves then. */
  async run(sink: EventSink, signal: AbortSignal): Promise<void> {
    const { clock, chance, suspect } = this.#options;
    let backoffMs = firstBackoffMs;
    const onConnected = (): void => {
      backoffMs = firstBackoffMs;
      sink.onConnected();
    };
    while (!signal.aborted) {
      const error = await this.#readOnce(sink, onConnected, signal);
      if (error === null || isAborted(signal)) continue;
      suspect();
      sink.onLost(error);
      await pause(clock, backoffMs * (0.5 + chance.random()), signal);
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
    }
  }

  /** Reads one connection to its end. Answers what broke it; null when it was cut on purpose, to begin anew. */
  async #readOnce(sink: EventSink, onConnected: () => void, signal: AbortSignal): Promise<unknown> {
    const { clock, client, driver, host, connectDeadlineMs, reconnectAfterMs } = this.#options;
    const emit = withoutRepeats(sink.onEvent);
    const connection = new AbortController();
    this.#connection = connection;
    const stopTimer = clock.after(reconnectAfterMs, () => {
      connection.abort();
    });
    let stopFile: () => void = () => undefined;
    try {
      const stream = await client().stream('GET', '/events', {
        what: 'follow events',
        query: { stream: true, filters: JSON.stringify({ type: eventTypes }) },
        signal: AbortSignal.any([signal, connection.signal]),
        deadlineMs: connectDeadlineMs,
      });
      const path = this.#options.eventsFile();
      if (path !== null) stopFile = await followEventsFile({ driver, host, path, emit, sinceMs: clock.now() });
      onConnected();
      for await (const line of linesOf(stream)) {
        this.#lastEventAt = clock.monotonic();
        emit(readEvent(driver, line));
      }
      return new BerthError('E_DRIVER_UNREACHABLE', 'podman ended the stream of events');
    } catch (error) {
      return connection.signal.aborted ? null : error;
    } finally {
      stopTimer();
      stopFile();
    }
  }
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted;
