/** What a browser is shown: the dashboard and its files, and the way in. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BerthError } from '../../core/errors.js';
import { diagnose } from '../doctor.js';
import { DriversAtHand } from '../drivers.js';
import { pause, type LocalClientPorts } from '../ports.js';
import type { DoctorCheck } from '../views.js';
import type { Desk } from './desk.js';
import { securityHeaders } from './auth/index.js';
import { checkLength, readText } from './body.js';
import { ApiReply } from './contract.js';
import { send } from './dispatch.js';
import { readStatusGently } from './gentle-status.js';
import type { RouteDeps } from './parts.js';
import { shareRuns } from './share-runs.js';

/** A form with a token in it. */
const formBytes = 16_384;
const html = 'text/html; charset=utf-8';

/** What looking at the node may take before a page goes without it, in milliseconds. */
const outlookMs = 300;

/** Adds the pages. */
export function addPages(app: FastifyInstance, deps: RouteDeps, desk: Desk): void {
  const { gate, pages } = deps;
  const outlookOf = createOutlook(deps);
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
      const ports = deps.portsFor(caller);
      const [report, outlook] = await Promise.all([readStatusGently(ports, null), outlookOf(ports)]);
      return send(
        reply,
        new ApiReply(200, pages.overview(report, outlook), { ...securityHeaders('page'), 'content-type': html }),
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

/** What is not as it should be, asking no runtime; nothing when that takes long: the page asks again by itself. */
function createOutlook({ clock }: RouteDeps): (ports: LocalClientPorts) => Promise<readonly DoctorCheck[]> {
  const share = shareRuns(clock);
  return async (ports) => {
    const patience = new AbortController();
    const looking = async () =>
      share(
        () => diagnose(ports, new DriversAtHand(ports.drivers, clock), { drivers: false }),
        await ports.registry.revision(),
      );
    const report = await Promise.race([looking(), pause(clock, outlookMs, patience.signal)]).finally(() => {
      patience.abort();
    });
    return (report?.checks ?? []).filter(({ level }) => level !== 'ok');
  };
}

function formOf(request: FastifyRequest): string {
  if (typeof request.body === 'string') return request.body;
  throw new BerthError('E_USAGE', 'this takes a form', { suggestion: 'open /login in a browser' });
}
