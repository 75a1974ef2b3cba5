/** The application behind every address: who asks is proven first, then the route table does the rest. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { BerthError } from '../../core/errors.js';
import type { BerthClient } from '../client.js';
import { createLocalClient } from '../local-client.js';
import type { GateRequest } from './auth/gate-types.js';
import type { Caller } from './contract.js';
import { apiLimits } from './limits.js';
import type { ApiOptions, Via } from './parts.js';
import { problemOf, problemType, StatusError } from './problem.js';
import { addRoute, type Asker } from './dispatch.js';
import { createRoutes } from './routes/index.js';

export interface App {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Whoever is still being answered is told to end. */
  end(): void;
  close(): Promise<void>;
  readonly fastify: FastifyInstance;
}

/** Makes the application. `viaOf` says by which way a request came. */
export async function createApp(options: ApiOptions, viaOf: (request: IncomingMessage) => Via): Promise<App> {
  const ending = new AbortController();
  const callers = new WeakMap<FastifyRequest, Caller>();
  const app = fastify({
    logger: false,
    bodyLimit: apiLimits.bodyBytes,
    exposeHeadRoutes: false,
    genReqId: () => `urn:uuid:${options.chance.id()}`,
    routerOptions: { maxParamLength: 200 },
  });
  app.setErrorHandler((error, request, reply) => fail(options, error, request, reply));
  app.setNotFoundHandler((request) => {
    throw new BerthError('E_NOT_FOUND', `there is nothing at ${request.method} ${pathOf(request.url)}`, {
      suggestion: 'see what there is at /docs',
    });
  });
  app.addHook('onRequest', async (request) => {
    if (Buffer.byteLength(request.url) > apiLimits.urlBytes) {
      throw new StatusError(414, new BerthError('E_TOO_LARGE', 'the address is too long'));
    }
    const caller = await options.gate.check(gateRequest(request, viaOf(request.raw)));
    if (caller === null) return;
    callers.set(request, caller);
    if (request.routeOptions.config.access === 'write' && caller.access !== 'write') {
      throw new BerthError('E_FORBIDDEN', `${caller.name} may read, and this is a change`);
    }
  });
  const askerOf = (request: FastifyRequest): Asker => {
    const caller = callers.get(request);
    return { caller: caller ?? nobody, client: clientFor(options, caller ?? nobody), ending: ending.signal };
  };
  for (const route of createRoutes(options)) addRoute(app, route, askerOf);
  await app.ready();
  return {
    handle: (request, response) => {
      app.routing(request, response);
    },
    end: () => {
      ending.abort();
    },
    close: () => app.close(),
    fastify: app,
  };
}

function gateRequest(request: FastifyRequest, via: Via): GateRequest {
  const { method, url, headers } = request;
  return { via, method, url, headers, address: via === 'socket' ? null : (request.raw.socket.remoteAddress ?? '') };
}

/** Whoever asks for what the gate lets everybody have. */
const nobody: Caller = Object.freeze({ via: 'token', name: 'nobody', access: 'read', actor: 'nobody' });

/** The client of one request. It is never closed: what it works on is the agent's. */
function clientFor(options: ApiOptions, caller: Caller): BerthClient {
  return createLocalClient(options.portsFor(caller));
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

async function fail(options: ApiOptions, error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const { status, headers, problem } = problemOf(error, request.id);
  if (status >= 500) {
    const facts = { request: request.id, method: request.method, path: pathOf(request.url), code: problem.code };
    options.log.warn({ ...facts, err: problem.detail, stack: stackOf(error, status) }, 'request failed');
  }
  // Once a stream has begun there is nothing left to say.
  if (reply.raw.headersSent) {
    reply.raw.destroy();
    return reply;
  }
  return reply.code(status).headers(headers).type(problemType).send(JSON.stringify(problem));
}

/** Of a defect, where it is; of anything else the message says enough. */
function stackOf(error: unknown, status: number): string | undefined {
  return status === 500 && error instanceof Error ? error.stack : undefined;
}
