/**
 * An HTTP server whose connections are bounded in number and time, and can be ended at once. Above the bound, a new
 * connection takes the place of the one that has been idle for longest: who opens thousands and says nothing keeps
 * nobody out.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BerthError } from '../../core/errors.js';
import { listenForUpgrades, MaybeUpgrade, type Upgrade } from './console/upgrades.js';
import type { ApiLimits } from './limits.js';
import { problemOf, problemType, StatusError } from './problem.js';

export interface Connections {
  readonly server: Server;
  /** Connections that are open now. */
  count(): number;
  /** Ends all of them at once, whatever they do. */
  destroyAll(): void;
}

/** `upgrade`: the connection may become a WebSocket; null: it is a request like any other. */
export type Handler = (request: IncomingMessage, response: ServerResponse, upgrade: Upgrade | null) => void;

/** How often connections are looked through for those that take too long, in milliseconds. */
const checkMs = 1_000;

export function createConnections(limits: ApiLimits, handle: Handler): Connections {
  const all = new Set<Socket>();
  /** No request of theirs is being answered; longest first. */
  const idle = new Set<Socket>();
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: checkMs,
      noDelay: true,
      IncomingMessage: MaybeUpgrade,
    },
    (request, response) => {
      const { socket } = request;
      idle.delete(socket);
      response.once('close', () => {
        if (all.has(socket)) idle.add(socket);
      });
      handle(request, response, null);
    },
  );
  listenForUpgrades(server, (request, response, upgrade) => {
    idle.delete(request.socket);
    handle(request, response, upgrade);
  });
  server.on('connection', (socket) => {
    if (all.size >= limits.connections) {
      const [longest] = idle;
      if (longest === undefined) {
        socket.destroy();
        return;
      }
      forget(longest);
      longest.destroy();
    }
    all.add(socket);
    idle.add(socket);
    socket.once('close', () => {
      forget(socket);
    });
  });
  server.on('clientError', refuse);
  // Such as too many open files: that connection is lost, and nothing else.
  server.on('error', () => undefined);

  function forget(socket: Socket): void {
    all.delete(socket);
    idle.delete(socket);
  }

  return {
    server,
    count: () => all.size,
    destroyAll: () => {
      for (const socket of all) socket.destroy();
    },
  };
}

const reasons: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
};

/** What is no HTTP at all, too large or too slow gets an answer, and no second chance. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || error.code === 'EPIPE') {
    socket.destroy();
    return;
  }
  const [status, words] = reasons[error.code ?? ''] ?? [400, 'this is not HTTP'];
  const code = status === 431 ? 'E_TOO_LARGE' : 'E_USAGE';
  const { problem } = problemOf(new StatusError(status, new BerthError(code, words)), 'urn:berth:request:none');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} Refused`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
