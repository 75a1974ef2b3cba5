/** Opens a WebSocket to the agent: what refuses it says why, as with every request. */
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { ClientOptions, WebSocket } from 'ws';
import { BerthError } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import { errorOfAnswer, unreachable } from './problems.js';

export interface WebSocketCall {
  /** For messages: what is asked. */
  readonly name: string;
  readonly secure: boolean;
  /** `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the agent's socket; undefined: by the host. */
  readonly socketPath: string | undefined;
  readonly path: string;
  /** Until it is open. Milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** The longest message that is taken. */
const mostBytes = 1_048_576;
/** No refusal is longer. */
const mostRefusalLength = 65_536;

/**
 * Opened, and paused: what came together with the agent's yes is still to be heard by whoever listens first and then
 * calls `resume`. E_AGENT_UNREACHABLE, E_AGENT_ANSWER, and whatever the agent refuses with.
 */
export async function openWebSocket(call: WebSocketCall, clock: Clock): Promise<WebSocket> {
  const { name, secure, headers, socketPath, path, deadlineMs, signal } = call;
  // Loaded when it is needed: no other command is slower for it.
  const { WebSocket: Socket } = await import('ws');
  const { host, ...others } = headers;
  const options: ClientOptions = {
    headers: others,
    perMessageDeflate: false,
    maxPayload: mostBytes,
    ...(socketPath === undefined ? {} : { createConnection: () => connect(socketPath) }),
  };
  const socket = new Socket(`${secure ? 'wss' : 'ws'}://${host ?? 'localhost'}${path}`, options);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      done();
      reject(error);
      socket.terminate();
    };
    const onAbort = (): void => {
      fail(new BerthError('E_AGENT_UNREACHABLE', `it was cancelled before ${name} answered`));
    };
    const cancel = clock.after(deadlineMs, () => {
      fail(unreachable(name, `nothing came within ${deadlineMs} ms`, false));
    });
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', onAbort);
    };
    // Stays: whoever is cut off later is told by `close`.
    socket.on('error', (error) => {
      fail(unreachable(name, error, false));
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      textOf(response).then(
        (text) => {
          fail(errorOfAnswer(response.statusCode ?? 0, text, name));
        },
        (error: unknown) => {
          fail(unreachable(name, error, false));
        },
      );
    });
    socket.once('open', () => {
      done();
      socket.pause();
      resolve(socket);
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const part of response) {
    text += String(part);
    if (text.length > mostRefusalLength) break;
  }
  return text;
}
