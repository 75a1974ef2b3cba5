/** `GET /v1/components/SERVICE/COMPONENT/console`: a terminal on a virtual machine's console, as a WebSocket. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { WebSocketServer, type ServerOptions } from 'ws';
import { BerthError, isBerthError } from '../../../core/errors.js';
import { formatKey, type ComponentKey } from '../../../core/names.js';
import type { ConsoleSession } from '../../../core/ports/driver.js';
import { createLocalClient } from '../../local-client.js';
import type { Caller } from '../contract.js';
import type { Desk } from '../desk.js';
import type { RouteDeps } from '../parts.js';
import { StatusError } from '../problem.js';
import { componentParams } from '../schemas/parts.js';
import { relayConsole } from './relay.js';
import { consoleUrl, type Upgrade } from './upgrades.js';

/** How long the other side's goodbye is waited for, in milliseconds. */
const closeTimeoutMs = 2_000;

/** Adds the route. `upgradeOf` answers the connection of a request that wants to become a WebSocket. */
export function addConsole(
  app: FastifyInstance,
  deps: RouteDeps,
  desk: Desk,
  upgradeOf: (request: FastifyRequest) => Upgrade | undefined,
): void {
  const { clock, limits, log } = deps;
  const options: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // Nothing that would have to be unpacked first, and may be larger then.
    perMessageDeflate: false,
    maxPayload: limits.consoleFrameBytes,
    // It is given to the machine as it is.
    skipUTF8Validation: true,
    handleProtocols: () => false,
    closeTimeout: closeTimeoutMs,
  };
  const sockets = new WebSocketServer(options);
  const taken = new Map<string, Caller>();

  app.get(consoleUrl, { config: { access: 'write', operation: 'console' } }, async (request, reply) => {
    const upgrade = upgradeOf(request);
    reply.header('upgrade', 'websocket');
    checkHandshake(request, upgrade);
    reply.removeHeader('upgrade');
    const target = targetOf(request);
    const { caller, signal } = desk.askerOf(request, reply);
    const giveBack = [deps.takeSlot(caller)];
    const release = (): void => {
      for (const give of giveBack.splice(0)) give();
    };
    let session: ConsoleSession;
    try {
      giveBack.push(takePlace(taken, target, caller));
      session = await attach(deps, caller, target, signal);
    } catch (error) {
      release();
      throw error;
    }
    const facts = { request: request.id, actor: caller.actor, component: formatKey(target) };
    const end = (why: string): void => {
      upgrade.socket.off('close', left);
      release();
      log.info({ ...facts, why }, 'a console was left');
    };
    const left = (): void => {
      session.close().catch(() => undefined);
      end('the other side left');
    };
    log.info(facts, 'a console was opened');
    reply.hijack();
    reply.raw.statusCode = 101;
    desk.answered(request, reply);
    // It may have gone meanwhile.
    if (upgrade.socket.destroyed) {
      left();
      return reply;
    }
    // Or is just going, or has a header that makes no WebSocket: then nothing is called back, and the connection ends.
    upgrade.socket.once('close', left);
    sockets.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (socket) => {
      upgrade.socket.off('close', left);
      const mayStay = (): Promise<boolean> => mayStillType(deps, desk, request);
      const hasLeft = (): boolean => upgrade.socket.destroyed;
      void relayConsole(socket, session, { clock, limits, signal, hasLeft, mayStay }).then(end);
    });
    return reply;
  });
}

/** A token that is gone, made anew or only for reading by now ends what it began. */
async function mayStillType(deps: RouteDeps, desk: Desk, request: FastifyRequest): Promise<boolean> {
  try {
    return (await deps.gate.check(desk.gateRequest(request)))?.access === 'write';
  } catch (error) {
    // The right one is never one of too many; tokens that cannot be read say nothing of it.
    return !isBerthError(error, 'E_UNAUTHENTICATED', 'E_FORBIDDEN', 'E_TOO_MANY');
  }
}

/** All that may be wrong with the wish itself, said before anything is done. E_USAGE. */
function checkHandshake(request: FastifyRequest, upgrade: Upgrade | undefined): asserts upgrade is Upgrade {
  const suggestion = 'open it as a WebSocket, or use: berth console SERVICE/COMPONENT';
  if (upgrade === undefined) {
    throw new StatusError(426, new BerthError('E_USAGE', 'a console is a WebSocket', { suggestion }));
  }
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  if (version !== '13') {
    throw new StatusError(426, new BerthError('E_USAGE', 'a console is a WebSocket of version 13', { suggestion }));
  }
  if (key === undefined || !/^[+/0-9A-Za-z]{22}==$/.test(key)) {
    throw new BerthError('E_USAGE', 'the header Sec-WebSocket-Key is not one', { suggestion });
  }
}

function targetOf(request: FastifyRequest): ComponentKey {
  const params = componentParams.safeParse(request.params);
  if (params.success) return params.data;
  throw new BerthError('E_USAGE', 'path: a console is that of a service and a component');
}

/** A serial line has one end: a second one would hear nothing. E_CONFLICT. */
function takePlace(taken: Map<string, Caller>, target: ComponentKey, caller: Caller): () => void {
  const name = formatKey(target);
  const other = taken.get(name);
  if (other !== undefined) {
    throw new BerthError('E_CONFLICT', `${other.actor} is at the console of ${name} already`, {
      suggestion: `wait until it is left; see what it prints with: berth logs ${name} -f`,
    });
  }
  taken.set(name, caller);
  return () => {
    taken.delete(name);
  };
}

/** The machine's end. E_NOT_FOUND, E_NOT_SUPPORTED, E_WORKLOAD_MISSING; E_DRIVER_TIMEOUT when nothing comes of it. */
async function attach(
  deps: RouteDeps,
  caller: Caller,
  target: ComponentKey,
  signal: AbortSignal,
): Promise<ConsoleSession> {
  const { clock, limits } = deps;
  const controller = new AbortController();
  const cut = (): void => {
    controller.abort();
  };
  if (signal.aborted) cut();
  else signal.addEventListener('abort', cut, { once: true });
  const opening = createLocalClient(deps.portsFor(caller)).console(target, controller.signal);
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(limits.consoleOpenMs, () => {
      cut();
      // One that comes all the same is let go of.
      opening.then((session) => session.close()).catch(() => undefined);
      const message = `the console of ${formatKey(target)} was not there within ${limits.consoleOpenMs} ms`;
      reject(new BerthError('E_DRIVER_TIMEOUT', message));
    });
  });
  try {
    return await Promise.race([opening, late]);
  } finally {
    cancel();
  }
}
