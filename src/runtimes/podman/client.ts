/** Calls to libpod's REST API on a unix socket, each with a deadline. Source: docs.podman.io/en/latest/_static/api.html. */
import { setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import { BerthError, messageOf } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import { errorOfRefusal, readRefusal } from './refusals.js';

/** The version in the path: the oldest that podman 4.3 to 5.x all answer to. */
const apiPath = '/v4.0.0/libpod';

export interface CallOptions {
  /** What is tried, for messages: `start shop-web`. */
  readonly what: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** Statuses that are an answer, not a refusal, beside 2xx and 304. */
  readonly allow?: readonly number[];
}

export interface Answer {
  readonly status: number;
  /** The parsed body; null when there was none. */
  readonly json: unknown;
}

export interface LibpodClient {
  readonly socket: string;
  /**
   * One call with one answer. E_DRIVER_TIMEOUT when the deadline or the signal came first,
   * E_DRIVER_UNREACHABLE when nobody answered, the refusal's own code when podman said no.
   */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, options: CallOptions): Promise<Answer>;
  /**
   * A call whose answer is a stream; the deadline counts until its head came, the signal ends it at any time.
   */
  stream(method: 'GET' | 'POST', path: string, options: CallOptions): Promise<Readable>;
  /** Cuts all connections. */
  close(): Promise<void>;
}

/** The error for a call that podman did not answer. */
function unanswered(error: unknown, what: string, socket: string): BerthError {
  if (error instanceof BerthError) return error;
  return new BerthError('E_DRIVER_UNREACHABLE', `podman does not answer on ${socket} (${what}): ${messageOf(error)}`, {
    cause: error,
    details: { socket },
  });
}

function cancelled(what: string): BerthError {
  return new BerthError('E_DRIVER_TIMEOUT', `it was cancelled before podman answered (${what})`);
}

/** What ends one call. */
interface CallLife {
  /** Fires with the caller's signal, or at the deadline, whichever is first. */
  readonly signal: AbortSignal;
  /** The answer came: the deadline no longer counts. */
  readonly answered: () => void;
  /** All is read: the caller's signal no longer counts. */
  readonly done: () => void;
}

function beginCall(clock: Clock, options: CallOptions): CallLife {
  const controller = new AbortController();
  const onAbort = (): void => {
    controller.abort(cancelled(options.what));
  };
  // One signal may govern any number of calls; more than ten would look like a leak to Node.
  setMaxListeners(0, options.signal);
  if (options.signal.aborted) onAbort();
  else options.signal.addEventListener('abort', onAbort, { once: true });
  const answered = clock.after(options.deadlineMs, () => {
    const text = `podman did not answer within ${options.deadlineMs} ms (${options.what})`;
    controller.abort(new BerthError('E_DRIVER_TIMEOUT', text));
  });
  const done = (): void => {
    answered();
    options.signal.removeEventListener('abort', onAbort);
  };
  return { signal: controller.signal, answered, done };
}

function pathOf(path: string, query: CallOptions['query']): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return `${apiPath}${path}${text === '' ? '' : `?${text}`}`;
}

const bodyOf = (body: unknown): { headers?: Record<string, string>; body?: string } =>
  body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };

const isAnswer = (status: number, allow: readonly number[] = []): boolean =>
  (status >= 200 && status < 300) || status === 304 || allow.includes(status);

/** The body as JSON; some answers (`_ping`, `update`) are plain text whatever their head says. */
function parseBody(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** A client of the service behind `socket`. Calls share a few connections; each stream has one of its own. */
export function createLibpodClient(socket: string, clock: Clock): LibpodClient {
  const options = { connect: { socketPath: socket }, headersTimeout: 0, bodyTimeout: 0, pipelining: 1 };
  // A start holds its connection for a while: lists and inspections must not queue behind twenty of them.
  const reads = new Pool('http://podman', { ...options, connections: 4 });
  const writes = new Pool('http://podman', { ...options, connections: 8 });
  const streams = new Pool('http://podman', { ...options, connections: null });

  async function call(method: 'GET' | 'POST' | 'DELETE', path: string, request: CallOptions): Promise<Answer> {
    const { signal, done } = beginCall(clock, request);
    try {
      const pool = method === 'GET' ? reads : writes;
      const response = await pool.request({
        method,
        path: pathOf(path, request.query),
        signal,
        ...bodyOf(request.body),
      });
      const text = await response.body.text();
      if (!isAnswer(response.statusCode, request.allow)) {
        throw errorOfRefusal(readRefusal(response.statusCode, text), request.what);
      }
      return { status: response.statusCode, json: parseBody(text) };
    } catch (error) {
      throw signal.aborted ? signal.reason : unanswered(error, request.what, socket);
    } finally {
      done();
    }
  }

  async function stream(method: 'GET' | 'POST', path: string, request: CallOptions): Promise<Readable> {
    const { signal, answered, done } = beginCall(clock, request);
    try {
      const response = await streams.request({
        method,
        path: pathOf(path, request.query),
        signal,
        ...bodyOf(request.body),
      });
      answered();
      if (isAnswer(response.statusCode, request.allow)) return response.body.once('close', done);
      throw errorOfRefusal(readRefusal(response.statusCode, await response.body.text()), request.what);
    } catch (error) {
      done();
      throw signal.aborted ? signal.reason : unanswered(error, request.what, socket);
    }
  }

  async function close(): Promise<void> {
    await Promise.all([reads.destroy(), writes.destroy(), streams.destroy()]);
  }

  return { socket, call, stream, close };
}
