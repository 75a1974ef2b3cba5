/** What can be asked of a service and of a component alike, one row a path. */
import { z } from 'zod';
import type { DesiredState } from '../../../core/spec.js';
import type { ChangeNote, Target } from '../../client.js';
import { ApiLines, apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';
import { shownPlan } from '../plan-view.js';
import { componentParams, historyQuery, instantMs, logsQuery, noteBody, serviceParams } from '../schemas/parts.js';
import { appliedAnswer, changeAnswer, historyView, logEntry } from '../schemas/views.js';

/** A service or a component, as the paths name them. */
interface Kind {
  /** Ends the names of operations. */
  readonly word: 'Service' | 'Component';
  readonly path: string;
  readonly params: typeof serviceParams | typeof componentParams;
}

export const ofService: Kind = { word: 'Service', path: `${apiPrefix}/services/{service}`, params: serviceParams };
export const ofComponent: Kind = {
  word: 'Component',
  path: `${apiPrefix}/components/{service}/{component}`,
  params: componentParams,
};

export function targetOf(params: { readonly service: string; readonly component?: string }): Target {
  return { service: params.service, component: params.component ?? null };
}

export function noteOf(body: { readonly message?: string | null | undefined }): ChangeNote {
  return { message: body.message ?? null };
}

const desiredBy: Readonly<Record<'start' | 'stop', DesiredState>> = { start: 'running', stop: 'stopped' };

/** start, stop, restart, refresh, delete, history, logs. */
export function targetRoutes(kind: Kind): readonly Route[] {
  return [...changingRoutes(kind), ...readingRoutes(kind)];
}

function changingRoutes({ word, path, params }: Kind): readonly Route[] {
  const what = word === 'Service' ? 'every component of the service' : 'the component';
  const common = { access: 'write', params, body: noteBody, errors: ['E_NOT_FOUND'] } as const;
  const states = (['start', 'stop'] as const).map((verb) =>
    defineRoute({
      ...common,
      method: 'POST',
      path: `${path}/${verb}`,
      operation: `${verb}${word}`,
      summary: `Wants ${what} ${desiredBy[verb]}, whatever its definition says.`,
      response: changeAnswer,
      handle: (request) => request.client.setDesired(targetOf(request.params), desiredBy[verb], noteOf(request.body)),
    }),
  );
  return [
    ...states,
    defineRoute({
      ...common,
      method: 'POST',
      path: `${path}/restart`,
      operation: `restart${word}`,
      summary: `Ends and starts ${what} anew.`,
      response: changeAnswer,
      handle: ({ client, params: named, body }) => client.restart(targetOf(named), noteOf(body)),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: `${path}/refresh`,
      operation: `refresh${word}`,
      summary: 'Follows the tags of images that have moved.',
      response: appliedAnswer,
      handle: async ({ client, params: named, body }) => shownPlan(await client.refresh(targetOf(named), noteOf(body))),
    }),
    defineRoute({
      ...common,
      method: 'DELETE',
      path,
      operation: `delete${word}`,
      summary: `Removes ${word === 'Service' ? 'the service' : 'the component'} with its workloads; named volumes stay.`,
      response: changeAnswer,
      handle: ({ client, params: named, body }) => client.delete(targetOf(named), noteOf(body)),
    }),
  ];
}

function readingRoutes({ word, path, params }: Kind): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: `${path}/history`,
      operation: `history${word === 'Service' ? 'OfService' : 'OfComponent'}`,
      summary: 'Changes of the definition, newest first.',
      access: 'read',
      params,
      query: historyQuery,
      response: z.strictObject({ items: z.array(historyView) }),
      errors: ['E_NOT_FOUND'],
      handle: async ({ client, params: named, query }) => ({
        items: await client.history(targetOf(named), query.limit, query.before),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: `${path}/logs`,
      operation: `logs${word === 'Service' ? 'OfService' : 'OfComponent'}`,
      summary: 'Lines of the log, by time; with follow=true each new one as well, through restarts and replacements.',
      access: 'read',
      params,
      query: logsQuery,
      response: logEntry,
      kind: 'lines',
      errors: ['E_NOT_FOUND', 'E_WORKLOAD_MISSING', 'E_DRIVER_UNREACHABLE'],
      handle: ({ client, params: named, query, signal }) => {
        const options = {
          target: targetOf(named),
          follow: query.follow === 'true',
          tail: query.tail ?? null,
          sinceMs: query.since === undefined ? null : instantMs(query.since),
        };
        return Promise.resolve(new ApiLines(client.logs(options, signal)));
      },
    }),
  ];
}
