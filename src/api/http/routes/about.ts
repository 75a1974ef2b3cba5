/** What the API says of itself: the OpenAPI document, the page for people, the metrics, the schema of definitions. */
import { z } from 'zod';
import { ApiReply, apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';
import { docsPage } from '../docs-page.js';
import { openApiDocument } from '../openapi.js';
import type { RouteDeps } from '../parts.js';

export function aboutRoutes(deps: RouteDeps, others: readonly Route[]): readonly Route[] {
  const html = 'text/html; charset=utf-8';
  const routes: readonly Route[] = [
    defineRoute({
      method: 'GET',
      path: '/openapi.json',
      operation: 'openApi',
      summary: 'This API as an OpenAPI document.',
      access: 'read',
      response: z.record(z.string(), z.unknown()),
      handle: () => Promise.resolve(document()),
    }),
    defineRoute({
      method: 'GET',
      path: '/docs',
      operation: 'docs',
      summary: 'This API as a page for people.',
      access: 'read',
      response: z.string(),
      handle: () => {
        const { html: body, headers } = docsPage(document());
        return Promise.resolve(new ApiReply(200, body, { ...headers, 'content-type': html }));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/metrics',
      operation: 'metrics',
      summary: 'Metrics as Prometheus reads them.',
      access: 'read',
      response: z.string(),
      handle: async () => new ApiReply(200, await deps.metrics.text(), { 'content-type': deps.metrics.contentType }),
    }),
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/schema`,
      operation: 'schema',
      summary: 'JSON Schema of a definition file.',
      access: 'read',
      response: z.record(z.string(), z.unknown()),
      handle: () => Promise.resolve(deps.definitionSchema()),
    }),
  ];
  // Made once, when it is first asked for: it never changes.
  let made: ReturnType<typeof openApiDocument> | undefined;
  const document = (): ReturnType<typeof openApiDocument> =>
    (made ??= openApiDocument([...routes, ...others], deps.version));
  return routes;
}
