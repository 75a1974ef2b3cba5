/**
 * Connections that want to become something else. That of a console is handed to the application with its answer, so
 * that whoever may not is told so as with every request; any other wish is passed over, as HTTP allows.
 */
import { IncomingMessage, ServerResponse, type Server } from 'node:http';
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
const wished = Symbol('wished');
const ignore = (): void => undefined;

/**
 * A request of a server that listens for upgrades. Node takes each request that names one for an upgrade then, whatever
 * it wishes for, and no longer reads its body; it looks at this property to know.
 */
export class MaybeUpgrade extends IncomingMessage {
  declare [wished]: boolean;

  get upgrade(): boolean {
    return this[wished] && (this.method === 'CONNECT' || isForConsole(this));
  }

  set upgrade(value: unknown) {
    this[wished] = value === true;
  }
}

function isForConsole({ method, url, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && consolePattern.test(url ?? '');
}

/** Listens for upgrades of a server whose requests are `MaybeUpgrade`. */
export function listenForUpgrades(
  server: Server<typeof MaybeUpgrade>,
  take: (request: IncomingMessage, response: ServerResponse, upgrade: Upgrade) => void,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Node no longer looks after it.
    socket.on('error', ignore);
    const response = answerOn(request, socket);
    if (response === null) socket.destroy();
    else take(request, response, { socket, head });
  });
}

/** An answer for a request that Node answers no more; the connection ends with it. null: another one is not done yet. */
function answerOn(request: IncomingMessage, socket: Socket): ServerResponse | null {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  try {
    response.assignSocket(socket);
  } catch {
    return null;
  }
  response.once('finish', () => {
    socket.destroySoon();
  });
  return response;
}
