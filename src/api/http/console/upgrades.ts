/**
 * Connections that want to become something else. That of a console is handed to the application with its answer, so
 * that whoever may not is told so as with every request; any other is passed over, as HTTP allows, and answered.
 */
import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { apiPrefix } from '../contract.js';

/** As the application adds it. */
export const consoleUrl = `${apiPrefix}/components/:service/:component/console`;
/** As it is documented. */
export const consolePath = `${apiPrefix}/components/{service}/{component}/console`;

/** A connection whose request has been read, and what came behind it. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

const consolePattern = new RegExp(`^${apiPrefix}/components/[^/]+/[^/]+/console(?:\\?|$)`);
const ignore = (): void => undefined;

/** Listens for upgrades; `take` gets those of consoles. */
export function listenForUpgrades(
  server: Server,
  take: (request: IncomingMessage, response: ServerResponse, upgrade: Upgrade) => void,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const isOurs = request.method === 'GET' && consolePattern.test(request.url ?? '');
    if (!isOurs || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      passOver(server, request, socket, head);
      return;
    }
    // Node no longer looks after it.
    socket.on('error', ignore);
    take(request, answerOn(request, socket), { socket, head });
  });
}

/** The same request without the wish, to be read anew by the server. */
function passOver(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/${request.httpVersion}`];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at, at + 2);
    const kept = name.toLowerCase() === 'connection' ? value.replaceAll(/\bupgrade\b\s*,?\s*/gi, '') : value;
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

/** An answer for a request that Node answers no more; the connection ends with it. */
function answerOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    socket.destroySoon();
  });
  return response;
}
