/** What a browser is shown: the dashboard and its files, and the way in. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BerthError } from '../../core/errors.js';
import type { Desk } from './desk.js';
import { securityHeaders } from './auth/index.js';
import { checkLength, readText } from './body.js';
import { ApiReply } from './contract.js';
import { send } from './dispatch.js';
import { readStatusGently } from './gentle-status.js';
import type { RouteDeps } from './parts.js';

/** A form with a token in it. */
const formBytes = 16_384;
const html = 'text/html; charset=utf-8';

/** Adds the pages. */
export function addPages(app: FastifyInstance, deps: RouteDeps, desk: Desk): void {
  const { gate, pages } = deps;
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    (_request: FastifyRequest, payload: IncomingMessage) => {
      checkLength(payload, formBytes);
      return readText(payload, formBytes);
    },
  );
  app.get(
    '/',
    { exposeHeadRoute: true, config: { access: 'read', operation: 'dashboard' } },
    async (request, reply) => {
      const { caller } = desk.askerOf(request, reply);
      const report = await readStatusGently(deps.portsFor(caller), null);
      return send(
        reply,
        new ApiReply(200, pages.overview(report), { ...securityHeaders('page'), 'content-type': html }),
      );
    },
  );
  app.get('/assets/*', { exposeHeadRoute: true, config: { access: 'read', operation: 'asset' } }, (request, reply) => {
    const asset = pages.asset(new URL(request.url, 'http://berth').pathname);
    if (asset === undefined) throw new BerthError('E_NOT_FOUND', 'the dashboard has no such file');
    reply.removeHeader('cache-control');
    const cache = { 'cache-control': asset.immutable ? 'private, max-age=31536000, immutable' : 'no-cache' };
    const headers = { ...securityHeaders('asset'), ...cache, 'content-type': asset.type };
    return send(reply, new ApiReply(200, asset.body, headers));
  });
  app.get('/login', { exposeHeadRoute: true, config: { operation: 'loginPage' } }, async (request, reply) =>
    send(reply, await gate.loginPage(desk.gateRequest(request))),
  );
  app.post('/login', { config: { operation: 'login' } }, async (request, reply) =>
    send(reply, await gate.login(desk.gateRequest(request), formOf(request))),
  );
  app.post('/logout', { config: { operation: 'logout' } }, async (_request, reply) => send(reply, await gate.logout()));
}

function formOf(request: FastifyRequest): string {
  if (typeof request.body === 'string') return request.body;
  throw new BerthError('E_USAGE', 'this takes a form', { suggestion: 'open /login in a browser' });
}
