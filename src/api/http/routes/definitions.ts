/** Definitions: checked, planned and fed into the registry. Files are read by whoever sends them. */
import { z } from 'zod';
import { carryOut, planOfDefinitions, shown } from '../../apply.js';
import { checkChanged } from '../../recheck.js';
import { apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';
import type { RouteDeps } from '../parts.js';
import { shownPlan } from '../plan-view.js';
import { definitionsBody, definitionsPlanBody, parseBody, serviceSpec } from '../schemas/parts.js';
import { appliedAnswer, definitionProblem, planAnswer } from '../schemas/views.js';

export function definitionRoutes(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: `${apiPrefix}/parse`,
      operation: 'parseDefinition',
      summary: 'Checks the text of a definition: every problem with its line, or what it says.',
      access: 'read',
      body: parseBody,
      response: z.strictObject({ problems: z.array(definitionProblem), spec: serviceSpec.nullable() }),
      handle: async ({ caller, body }) => {
        const reader = await deps.portsFor(caller).reader();
        const { definition, problems } = reader.parse(body.text, body.path);
        return { problems, spec: definition?.spec ?? null };
      },
    }),
    defineRoute({
      method: 'POST',
      path: `${apiPrefix}/plan`,
      operation: 'planDefinitions',
      summary: 'What feeding these definitions into the registry would do.',
      access: 'read',
      body: definitionsPlanBody,
      response: planAnswer,
      errors: ['E_DEFINITION'],
      handle: async ({ caller, body }) => {
        const ports = deps.portsFor(caller);
        const planned = await planOfDefinitions(ports, body, body);
        checkChanged(await ports.reader(), body.definitions, planned.plan);
        return shownPlan(shown(planned));
      },
    }),
    defineRoute({
      method: 'POST',
      path: `${apiPrefix}/apply`,
      operation: 'applyDefinitions',
      summary: 'Feeds definitions into the registry.',
      access: 'write',
      body: definitionsBody,
      response: appliedAnswer,
      errors: ['E_DEFINITION', 'E_CONFLICT', 'E_NAME_COLLISION', 'E_PORT_COLLISION'],
      handle: async ({ caller, body }) => {
        const ports = deps.portsFor(caller);
        const planned = await planOfDefinitions(ports, body, body);
        checkChanged(await ports.reader(), body.definitions, planned.plan);
        return shownPlan(await carryOut(ports, planned, body.force, body.message ?? null));
      },
    }),
  ];
}
