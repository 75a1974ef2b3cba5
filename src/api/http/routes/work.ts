/** What takes a while: waiting, cleaning up; and the way in for a page. */
import { z } from 'zod';
import type { ProgressView, WaitResult } from '../../client.js';
import { ApiLines, apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';
import { Latest } from '../latest.js';
import type { RouteDeps } from '../parts.js';
import { gcBody, loginLinkBody, waitBody } from '../schemas/parts.js';
import { garbageReport, waitLine } from '../schemas/views.js';

export function workRoutes(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: `${apiPrefix}/wait`,
      operation: 'wait',
      summary: 'Waits until components are as they are wanted, one failed for good, or time is up.',
      access: 'read',
      body: waitBody,
      response: waitLine,
      kind: 'lines',
      handle: ({ client, body, signal }) => {
        const lines = new Latest<readonly ProgressView[], WaitResult>();
        const onProgress = (views: readonly ProgressView[]): void => {
          lines.put(views);
        };
        client.waitFor({ ...body, signal, onProgress }).then(
          (result) => {
            lines.end(result);
          },
          (error: unknown) => {
            lines.fail(error);
          },
        );
        return Promise.resolve(new ApiLines(lines));
      },
    }),
    defineRoute({
      method: 'POST',
      path: `${apiPrefix}/gc`,
      operation: 'collectGarbage',
      summary: 'Removes what drivers keep and nothing uses. dryRun: only lists it.',
      access: 'write',
      body: gcBody,
      response: garbageReport,
      handle: ({ client, body, signal }) => client.gc(body, signal),
    }),
    defineRoute({
      method: 'POST',
      path: `${apiPrefix}/login-links`,
      operation: 'createLoginLink',
      summary: 'A link that logs a browser in, once, for ten minutes.',
      access: 'write',
      body: loginLinkBody,
      response: z.strictObject({ url: z.string(), expiresAt: z.string() }),
      errors: ['E_NOT_FOUND', 'E_NOT_SUPPORTED'],
      handle: ({ caller, body }) => deps.gate.createLoginLink(caller, body.token ?? null),
    }),
  ];
}
