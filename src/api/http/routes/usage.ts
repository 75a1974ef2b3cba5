/** What a component uses of memory and processor. */
import type { Route } from '../contract.js';
import { defineRoute } from '../define.js';
import { componentParams } from '../schemas/parts.js';
import { usageReport } from '../schemas/views.js';
import { ofComponent } from './target.js';

export function usageRoute(): Route {
  return defineRoute({
    method: 'GET',
    path: `${ofComponent.path}/usage`,
    operation: 'usageOfComponent',
    summary: 'Memory and processor time of the last 24 hours; times without figures are absent.',
    access: 'read',
    params: componentParams,
    response: usageReport,
    errors: ['E_NOT_FOUND'],
    handle: ({ client, params }) => client.usage(params),
  });
}
