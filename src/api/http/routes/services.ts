/** Services: their definitions, how they are edited, and what goes for all of their components. */
import { z } from 'zod';
import { BerthError } from '../../../core/errors.js';
import type { ServiceBase } from '../../../core/plan-replace.js';
import { readBase } from '../../bases.js';
import type { BerthClient, ReplaceOptions } from '../../client.js';
import { requireAccess } from '../auth/index.js';
import { ApiReply, apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';
import { baseOfTag, tagOf } from '../etag.js';
import type { RouteDeps } from '../parts.js';
import { shownPlan } from '../plan-view.js';
import { basedOn } from '../precondition.js';
import { StatusError } from '../problem.js';
import { noteBody, replaceBody, replacePlanBody, rollbackBody, serviceParams, volumeParams } from '../schemas/parts.js';
import { appliedAnswer, changeAnswer, planAnswer, rollbackAnswer, serviceText } from '../schemas/views.js';
import { noteOf, ofService, targetRoutes } from './target.js';

const listed = z.strictObject({
  name: z.string(),
  node: z.string(),
  active: z.boolean(),
  deleting: z.boolean(),
  components: z.int(),
  revision: z.int(),
});

export function serviceRoutes(deps: RouteDeps): readonly Route[] {
  return [...lists(deps), ...edits(deps), rollback(), deleteVolume(), ...targetRoutes(ofService)];
}

function lists({ registry }: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/services`,
      operation: 'services',
      summary: 'All services.',
      access: 'read',
      response: z.strictObject({ items: z.array(listed) }),
      handle: async () => {
        const [services, components] = await Promise.all([registry.services(), registry.components()]);
        const counts = new Map<string, number>();
        for (const { key } of components) counts.set(key.service, (counts.get(key.service) ?? 0) + 1);
        return {
          items: services.map(({ name, node, active, deleting, revision }) => ({
            name,
            node,
            active,
            deleting,
            components: counts.get(name) ?? 0,
            revision,
          })),
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: ofService.path,
      operation: 'service',
      summary:
        'A service as a definition, with what an edit of it is to be based on (also as ETag), and its components. Secrets are masked; reveal=true shows them to whoever may write.',
      access: 'read',
      params: serviceParams,
      query: z.strictObject({ reveal: z.enum(['true', 'false']).optional() }),
      response: serviceText,
      errors: ['E_NOT_FOUND'],
      handle: async ({ caller, client, params: { service }, query }) => {
        const reveal = query.reveal === 'true';
        if (reveal) requireAccess(caller, 'write');
        const [{ spec, text, base }, { components }] = await Promise.all([
          client.export(service, { reveal }),
          client.status({ service }),
        ]);
        return new ApiReply(200, { service, text, base, spec, components }, { etag: tagOf(base) });
      },
    }),
  ];
}

function edits(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: `${ofService.path}/plan`,
      operation: 'planService',
      summary: 'What an edited definition would do; without a base, whatever others did meanwhile.',
      access: 'read',
      params: serviceParams,
      body: replacePlanBody,
      response: planAnswer,
      errors: ['E_DEFINITION'],
      handle: async ({ client, params: { service }, body: { text, base, force } }) => {
        const seen = base ?? (await readBase(deps.registry, service));
        return shownPlan(await client.planReplace({ text, path: pathOf(service), service, base: seen, force }));
      },
    }),
    defineRoute({
      method: 'PUT',
      path: ofService.path,
      operation: 'replaceService',
      summary:
        'Makes a service exactly what a text says. If-Match with the ETag that was seen, or If-None-Match: * for one that is new, answers 412 when it changed since.',
      access: 'write',
      params: serviceParams,
      body: replaceBody,
      response: appliedAnswer,
      errors: ['E_DEFINITION', 'E_CONFLICT', 'E_NAME_COLLISION', 'E_PORT_COLLISION'],
      handle: async ({ client, params: { service }, body, headers }) => {
        const { text, force } = body;
        const now = await readBase(deps.registry, service);
        const seen = baseOfHeaders(headers['if-match'], headers['if-none-match'], now);
        const options = { text, path: pathOf(service), service, base: seen ?? body.base ?? now, force };
        if (seen !== null && !force && tagOf(seen) !== tagOf(now)) throw await precondition(client, options, now);
        // Somebody may be faster after all.
        return shownPlan(await basedOn(seen, () => client.replace({ ...options, ...noteOf(body) })));
      },
    }),
  ];
}

/** What problems of an edited text are reported under. */
const pathOf = (service: string): string => `/${service}.toml`;

/** What the headers say that the author saw; null: they say nothing. E_USAGE for a tag that is none of ours. */
function baseOfHeaders(match: string | undefined, noneMatch: string | undefined, now: ServiceBase): ServiceBase | null {
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === '*') return nothing;
    throw new BerthError('E_USAGE', 'If-None-Match is * here, or not there', { suggestion: 'see docs/api.md' });
  }
  if (match === undefined) return null;
  if (match.trim() === '*') return tagOf(now) === tagOf(nothing) ? { revision: -1, generations: {} } : now;
  const base = baseOfTag(match);
  if (base !== undefined) return base;
  throw new BerthError('E_USAGE', 'If-Match is not an ETag of this service', {
    suggestion: 'take the ETag of GET on the same address',
  });
}

/** Of a service that does not exist. */
const nothing: ServiceBase = { revision: 0, generations: {} };

/** 412, with what the text would do to the service as it is now, and what it would undo. */
async function precondition(client: BerthClient, options: ReplaceOptions, now: ServiceBase): Promise<StatusError> {
  const { plan } = await client.planReplace(options);
  const { conflicts, services, components } = plan;
  const message = conflicts[0]?.message ?? `${options.service} was changed since it was read`;
  const details = { conflicts, services, components, base: now, etag: tagOf(now) };
  return new StatusError(412, new BerthError('E_CONFLICT', message, { details }));
}

function rollback(): Route {
  return defineRoute({
    method: 'POST',
    path: `${ofService.path}/rollback`,
    operation: 'rollbackService',
    summary:
      'Puts a service back to what it was after a revision; null: before its last change. dryRun: only the plan, with its base; sent along, that answers 412 when the service was changed since.',
    access: 'write',
    params: serviceParams,
    body: rollbackBody,
    response: rollbackAnswer,
    errors: ['E_NOT_FOUND', 'E_CONFLICT', 'E_NAME_COLLISION', 'E_PORT_COLLISION'],
    handle: async ({ client, params: { service }, body }) => {
      const { to, dryRun, base } = body;
      if (dryRun) return shownPlan(await client.planRollback(service, to));
      return shownPlan(await basedOn(base, () => client.rollback(service, to, { ...noteOf(body), base })));
    },
  });
}

function deleteVolume(): Route {
  return defineRoute({
    method: 'DELETE',
    path: `${ofService.path}/volumes/{volume}`,
    operation: 'deleteVolume',
    summary: 'Removes a named volume with its data. E_CONFLICT while a component mounts it.',
    access: 'write',
    params: volumeParams,
    body: noteBody,
    response: changeAnswer,
    errors: ['E_NOT_FOUND', 'E_CONFLICT'],
    handle: ({ client, params: { service, volume }, body }) => client.deleteVolume(service, volume, noteOf(body)),
  });
}
