/** What is there, and how it stands. */
import { z } from 'zod';
import { ApiReply, apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';

export function statusRoutes(): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/healthz',
      operation: 'health',
      summary: 'Says that the process answers.',
      access: 'read',
      response: z.string(),
      handle: () => Promise.resolve(new ApiReply(200, 'ok', { 'content-type': 'text/plain' })),
    }),
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/status`,
      operation: 'status',
      summary: 'All components, or those of one service.',
      access: 'read',
      query: z.strictObject({ service: z.string().optional() }),
      response: z.unknown(),
      handle: ({ client, query }) => client.status({ service: query.service ?? null }),
    }),
  ];
}
