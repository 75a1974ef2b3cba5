/** `GET /v1/watch`: server-sent events for as long as its reader keeps up. */
import type { FastifyInstance } from 'fastify';
import { BerthError } from '../../core/errors.js';
import type { Desk } from './desk.js';
import { apiPrefix } from './contract.js';
import { ignore } from './dispatch.js';
import type { RouteDeps } from './parts.js';
import { watchQuery } from './schemas/parts.js';
import { responseSink, watchHeaders, type Watch } from './watch/index.js';

export const watchPath = `${apiPrefix}/watch`;

/** Adds the route. */
export function addWatch(app: FastifyInstance, deps: RouteDeps, desk: Desk): void {
  app.get(watchPath, { config: { access: 'read', operation: 'watch' } }, async (request, reply) => {
    const query = watchQuery.safeParse(request.query);
    if (!query.success) throw new BerthError('E_USAGE', 'query: service and after are all that a watch takes');
    const { caller } = desk.askerOf(request, reply);
    const last = request.headers['last-event-id'];
    const after = (Array.isArray(last) ? last[0] : last) ?? query.data.after ?? null;
    const release = deps.takeSlot(caller);
    let watch: Watch;
    try {
      watch = await deps.hub.subscribe({ after, service: query.data.service ?? null });
    } catch (error) {
      release();
      throw error;
    }
    const end = (): void => {
      watch.end();
      release();
    };
    reply.hijack();
    reply.raw.on('error', ignore);
    reply.raw.once('close', end);
    // It may have gone while the watch was granted.
    if (reply.raw.destroyed) end();
    else {
      reply.raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...watchHeaders });
      reply.raw.flushHeaders();
      watch.start(responseSink(reply.raw));
    }
    return reply;
  });
}
