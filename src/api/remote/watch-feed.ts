/** The agent's watch as it goes on: a broken connection is taken up where it ended, and a dead one is noticed. */
import { isBerthError } from '../../core/errors.js';
import { apiPrefix } from '../http/contract.js';
import { createSseParser, type SseMessage } from '../http/watch/parse.js';
import { pause } from '../ports.js';
import { openHeard, type StreamPorts } from './heard.js';
import { isUnreachable, notUnderstood, unreachable } from './problems.js';

export interface FeedOptions {
  readonly service: string | null;
  /** The id to resume after; null: begin with all of the present. */
  readonly after: string | null;
  /** Asked when the history no longer reaches back that far: the id to go on from; null: with all of the present. */
  readonly restart: () => Promise<string | null>;
}

export interface FeedPorts extends StreamPorts {
  /** False: a connection that is lost and cannot be had again ends a feed with E_AGENT_UNREACHABLE. */
  readonly reconnect: boolean;
}

export type FeedItem =
  /** Connected. `anew`: all of the present comes next, and what was known before counts no more. */
  | { readonly kind: 'open'; readonly anew: boolean }
  /** What came together. */
  | { readonly kind: 'messages'; readonly messages: readonly SseMessage[] }
  /** There is no connection now; it is tried again and again. */
  | { readonly kind: 'lost' };

/** For the head of the answer. */
const openDeadlineMs = 10_000;
const retryMs = { first: 50, longest: 2_000 };

/** Goes on until the signal fires; a refusal ends it. For whoever has been answered before: no first connection is missed. */
export async function* watchFeed(
  ports: FeedPorts,
  options: FeedOptions,
  signal: AbortSignal,
): AsyncGenerator<FeedItem> {
  const over = (): boolean => signal.aborted;
  const state = { place: options.after, failures: 0 };
  while (!over()) {
    try {
      for await (const item of connection(ports, options.service, state.place, signal)) {
        state.failures = 0;
        if (item.kind === 'messages') state.place = lastId(item.messages) ?? state.place;
        yield item;
      }
    } catch (error) {
      if (over()) return;
      state.failures += 1;
      if (isBerthError(error, 'E_WATCH_GONE') && state.place !== null) {
        state.place = await untilAnswered(ports, options.restart, signal);
      } else if (!isPassing(error)) throw error;
      // One that broke off is asked for again at once; only then it is lost.
      else if (state.failures > 1) {
        if (!ports.reconnect) throw error;
        yield { kind: 'lost' };
      }
    }
    await pause(ports.clock, delayMs(state.failures), signal);
  }
}

/** One connection, from its opening to its end; it never ends in peace. */
async function* connection(
  ports: FeedPorts,
  service: string | null,
  place: string | null,
  signal: AbortSignal,
): AsyncGenerator<FeedItem> {
  const query = service === null ? '' : `?service=${encodeURIComponent(service)}`;
  const headers = place === null ? {} : { 'last-event-id': place };
  const call = { method: 'GET', path: `${apiPrefix}/watch${query}`, headers, deadlineMs: openDeadlineMs } as const;
  const bytes = await openHeard(ports, call, signal);
  yield { kind: 'open', anew: place === null };
  const { name } = ports.transport;
  const parser = createSseParser();
  const decoder = new TextDecoder();
  for await (const chunk of bytes) {
    const messages = pushed(parser, decoder.decode(chunk, { stream: true }), name);
    if (messages.length > 0) yield { kind: 'messages', messages };
  }
  throw unreachable(name, 'the watch ended', true);
}

function pushed(parser: ReturnType<typeof createSseParser>, text: string, name: string): readonly SseMessage[] {
  try {
    return parser.push(text);
  } catch (error) {
    throw notUnderstood(`${name} sends a watch that is none`, error);
  }
}

function lastId(messages: readonly SseMessage[]): string | null {
  const id = messages.at(-1)?.id ?? '';
  return id === '' ? null : id;
}

/** It may be better in a moment. */
function isPassing(error: unknown): boolean {
  return isUnreachable(error) || isBerthError(error, 'E_TOO_MANY', 'E_REGISTRY_BUSY');
}

function delayMs(failures: number): number {
  return failures === 1 ? 0 : Math.min(retryMs.first * 2 ** (failures - 2), retryMs.longest);
}

async function untilAnswered<T>(ports: FeedPorts, ask: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
  for (let failures = 2; !signal.aborted; failures += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!ports.reconnect || !isPassing(error)) throw error;
      await pause(ports.clock, delayMs(failures), signal);
    }
  }
  return null;
}
