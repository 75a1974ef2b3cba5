/**
 * Requests to the agent's HTTP API, each with a deadline. Node's own client, not undici: a command that only reads lives
 * for a tenth of a second, of which loading undici would be a third.
 */
import {
  Agent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import type { WebSocket } from 'ws';
import { BerthError } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import { errorOfAnswer, notUnderstood, quote, unreachable } from './problems.js';
import { openWebSocket } from './web-socket.js';

/** Where an agent is. */
export type Address =
  /** A home on this machine; `actor` (`cli:NAME`) is believed there. */
  | { readonly kind: 'socket'; readonly path: string; readonly actor: string }
  /** Any machine. `url` has no path. */
  | { readonly kind: 'url'; readonly url: URL; readonly token: string | null };

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its query, percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole answer; of a stream, for its head. Milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface Transport {
  /** For messages: what is asked. */
  readonly name: string;
  /** The answer's body as JSON. E_AGENT_UNREACHABLE, E_AGENT_ANSWER, and whatever the agent refuses with. */
  json(call: Call): Promise<unknown>;
  /** The answer's bytes as they come. Breaks off with E_AGENT_UNREACHABLE. */
  stream(call: Call): Promise<AsyncIterable<Uint8Array>>;
  /** A WebSocket, once it is open. E_AGENT_UNREACHABLE, E_AGENT_ANSWER, and whatever the agent refuses with. */
  webSocket(call: Pick<Call, 'path' | 'deadlineMs'> & { readonly signal: AbortSignal }): Promise<WebSocket>;
  /** Cuts all connections; a WebSocket is closed by whoever opened it. */
  close(): void;
}

/** No answer of the API comes near it. */
const mostBytes = 256 * 1024 * 1024;
/** A machine that vanished without a word is noticed after about this time. */
const keepAliveMs = 15_000;
const accepted = 'application/json, application/problem+json, application/x-ndjson, text/event-stream';

/** A transport to one agent. Nothing is connected before the first call. */
export async function createTransport(address: Address, clock: Clock): Promise<Transport> {
  const secure = address.kind === 'url' && address.url.protocol === 'https:';
  const https = secure ? await import('node:https') : undefined;
  const agent = new (https?.Agent ?? Agent)({ keepAlive: true, keepAliveMsecs: keepAliveMs });
  const start = https?.request ?? httpRequest;
  const { name, base } = whereabouts(address);

  async function open(call: Call, life: Life): Promise<IncomingMessage> {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers = {
      accept: accepted,
      ...base.headers,
      ...call.headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
    };
    const attempt = (): Promise<IncomingMessage> => {
      const request = start({ ...base, agent, method: call.method, path: call.path, headers, signal: life.signal });
      return headOf(request, body, name, life);
    };
    const response = await attempt()
      .catch((error: unknown) => {
        // The other side may let go of an idle connection in the very moment in which it is used again.
        if (call.method === 'GET' && error instanceof StaleConnection) return attempt();
        throw error;
      })
      .catch((error: unknown) => {
        throw error instanceof StaleConnection ? error.failure : error;
      });
    if (isFine(response)) return response;
    throw errorOfAnswer(response.statusCode ?? 0, await textOf(response, name, life), name);
  }

  return {
    name,
    json: async (call) => {
      const life = beginCall(clock, call, name);
      try {
        return parse(await textOf(await open(call, life), name, life), name);
      } finally {
        life.done();
      }
    },
    stream: async (call) => {
      const life = beginCall(clock, call, name);
      try {
        const response = await open(call, life);
        life.answered();
        return bytesOf(response, name, life);
      } catch (error) {
        life.done();
        throw error;
      }
    },
    webSocket: (call) =>
      openWebSocket({ ...call, name, secure, headers: base.headers, socketPath: base.socketPath }, clock),
    close: () => {
      agent.destroy();
    },
  };
}

interface Base extends RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly socketPath?: string;
}

function whereabouts(address: Address): { readonly name: string; readonly base: Base } {
  if (address.kind === 'socket') {
    const headers = { host: 'localhost', 'x-berth-actor': headerText(address.actor) };
    return { name: `the agent at ${address.path}`, base: { socketPath: address.path, headers } };
  }
  const { url, token } = address;
  const headers = { host: url.host, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  const port = url.port === '' ? {} : { port: url.port };
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return { name: `the agent at ${url.origin}`, base: { hostname, ...port, headers } };
}

/** Headers hold no more than ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '?');
}

const isFine = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200 && statusCode < 300;

/** What ends one call. */
interface Life {
  /** Fires at the caller's signal or the deadline. */
  readonly signal: AbortSignal;
  /** The deadline no longer counts. */
  readonly answered: () => void;
  readonly done: () => void;
}

function beginCall(clock: Clock, { signal, deadlineMs }: Call, name: string): Life {
  const controller = new AbortController();
  const onAbort = (): void => {
    controller.abort(new BerthError('E_AGENT_UNREACHABLE', `it was cancelled before ${name} answered`));
  };
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  const answered = clock.after(deadlineMs, () => {
    controller.abort(unreachable(name, `nothing came within ${deadlineMs} ms`, true));
  });
  const done = (): void => {
    answered();
    signal?.removeEventListener('abort', onAbort);
  };
  return { signal: controller.signal, answered, done };
}

/** Whether a request may have been read by the other side: it was once its connection stood, with TLS once that did. */
function watchSending(request: ClientRequest): () => boolean {
  let sent = false;
  request.once('socket', (socket) => {
    sent = request.reusedSocket;
    if (sent) return;
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
      sent = true;
    });
  });
  return () => sent;
}

function headOf(
  request: ClientRequest,
  body: Uint8Array | undefined,
  name: string,
  life: Life,
): Promise<IncomingMessage> {
  const isSent = watchSending(request);
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Stays: an error may come after the answer's head, too, and is then told to whoever reads the body.
    request.on('error', (error) => {
      const failure = reasonOf(life) ?? unreachable(name, error, isSent());
      const stale = request.reusedSocket && !life.signal.aborted;
      reject(stale ? new StaleConnection(failure) : failure);
    });
    request.end(body);
  });
}

/** A connection that had served another call before broke before it served this one. */
class StaleConnection extends Error {
  readonly failure: Error;

  constructor(failure: Error) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}

function reasonOf({ signal }: Life): Error | undefined {
  return signal.aborted && signal.reason instanceof Error ? signal.reason : undefined;
}

async function* bytesOf(response: IncomingMessage, name: string, life: Life): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
    if (!response.complete) throw new Error('the answer broke off');
  } catch (error) {
    throw reasonOf(life) ?? unreachable(name, error, true);
  } finally {
    life.done();
    response.destroy();
  }
}

async function textOf(response: IncomingMessage, name: string, life: Life): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bytesOf(response, name, life)) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw notUnderstood(`the answer of ${name} does not end`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw notUnderstood(`${name} answered with what is not JSON: ${quote(text)}`, error);
  }
}
