/** The application behind every address: who asks is proven first, then the route table does the rest. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { BerthError } from '../../core/errors.js';
import { addConsole } from './console/route.js';
import type { Upgrade } from './console/upgrades.js';
import { FrontDesk, pathOf } from './desk.js';
import { addRoute } from './dispatch.js';
import { MethodTable, methodError } from './methods.js';
import { addPages } from './pages.js';
import type { RouteDeps, Via } from './parts.js';
import { createRoutes } from './routes/index.js';
import { addWatch } from './watch-route.js';

export interface App {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** As `handle`, for a request whose connection may become a WebSocket. */
  upgrade(request: IncomingMessage, response: ServerResponse, upgrade: Upgrade): void;
  /** Whoever is still being answered is told to end. */
  end(): void;
  close(): Promise<void>;
  readonly fastify: FastifyInstance;
}

/** Makes the application. `viaOf` says by which way a request came. */
export async function createApp(deps: RouteDeps, viaOf: (request: IncomingMessage) => Via): Promise<App> {
  const desk = new FrontDesk(deps, viaOf);
  const app = fastify({
    logger: false,
    bodyLimit: deps.limits.definitionsBytes,
    exposeHeadRoutes: false,
    genReqId: () => `urn:uuid:${deps.chance.id()}`,
    routerOptions: { maxParamLength: 255 },
    // What cannot even be routed, such as a broken escape.
    frameworkErrors: (error, request, reply) => void desk.fail(error, request, reply),
  });
  app.setErrorHandler((error, request, reply) => desk.fail(error, request, reply));
  const methods = new MethodTable();
  app.addHook('onRoute', ({ url, method }) => {
    methods.add(url, [method].flat());
  });
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url);
    const allowed = methods.of(path);
    if (allowed.length === 0) {
      throw new BerthError('E_NOT_FOUND', `there is nothing at ${request.method} ${path}`, {
        suggestion: 'see what there is at /docs',
      });
    }
    if (request.method !== 'OPTIONS') throw methodError(request.method, path, allowed);
    // No header of CORS: no other origin is let in.
    return reply.code(204).header('allow', allowed.join(', ')).send();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) =>
    desk.readBody(request, payload),
  );
  app.addHook('onRequest', (request, reply) => desk.receive(request, reply));
  app.addHook('onResponse', (request, reply) => {
    desk.answered(request, reply);
    return Promise.resolve();
  });
  for (const route of createRoutes(deps)) {
    addRoute(app, route, deps, (request, reply) => desk.askerOf(request, reply));
  }
  addWatch(app, deps, desk);
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  addConsole(app, deps, desk, (request) => upgrades.get(request.raw));
  addPages(app, deps, desk);
  await app.ready();
  return {
    handle: (request, response) => {
      app.routing(request, response);
    },
    upgrade: (request, response, upgrade) => {
      upgrades.set(request, upgrade);
      app.routing(request, response);
    },
    end: () => {
      desk.end();
    },
    close: () => app.close(),
    fastify: app,
  };
}
