/** One component: why it is as it is, and what is done about it. */
import { apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';
import { acceptDrift, setMode } from '../../adopt.js';
import type { RouteDeps } from '../parts.js';
import { shownPlan } from '../plan-view.js';
import { basedOn } from '../precondition.js';
import { acceptBody, componentParams, execBody, modeBody } from '../schemas/parts.js';
import { appliedAnswer, execResult, explanation, triedAnswer } from '../schemas/views.js';
import { noteOf, ofComponent, targetRoutes } from './target.js';
import { usageRoute } from './usage.js';

export function componentRoutes(deps: RouteDeps): readonly Route[] {
  return [explain(), usageRoute(), ...modes(deps), exec(deps), ...targetRoutes(ofComponent)];
}

function explain(): Route {
  return defineRoute({
    method: 'GET',
    path: `${apiPrefix}/components/{service}/{component}`,
    operation: 'explainComponent',
    summary: 'Everything that says why a component is as it is.',
    access: 'read',
    params: componentParams,
    response: explanation,
    errors: ['E_NOT_FOUND'],
    handle: ({ client, params }) => client.explain(params),
  });
}

function modes(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: `${ofComponent.path}/mode`,
      operation: 'setMode',
      summary: 'Whether drift is healed (auto), only reported (observe) or let be (ignore): an edit of `reconcile`.',
      access: 'write',
      params: componentParams,
      body: modeBody,
      response: appliedAnswer,
      errors: ['E_NOT_FOUND'],
      handle: async ({ caller, params, body }) =>
        shownPlan(await setMode(deps.portsFor(caller), params, body.mode, noteOf(body))),
    }),
    defineRoute({
      method: 'POST',
      path: `${ofComponent.path}/accept`,
      operation: 'acceptDrift',
      summary:
        'Makes what was observed of these drifting fields what is wanted. dryRun: only the plan, with base and observed; sent along, they answer 412 when one of them is not so any more.',
      access: 'write',
      params: componentParams,
      body: acceptBody,
      response: triedAnswer,
      errors: ['E_NOT_FOUND', 'E_CONFLICT', 'E_NOT_SUPPORTED', 'E_DEFINITION'],
      handle: async ({ caller, params, body }) => {
        const accept = () => acceptDrift(deps.portsFor(caller), params, { ...body, ...noteOf(body) });
        return shownPlan(await basedOn(body.base ?? body.observed, accept));
      },
    }),
  ];
}

function exec(deps: RouteDeps): Route {
  return defineRoute({
    method: 'POST',
    path: `${ofComponent.path}/exec`,
    operation: 'execInComponent',
    summary: 'Runs a program in the workload, beside its own, to its end.',
    access: 'write',
    params: componentParams,
    body: execBody,
    response: execResult,
    errors: ['E_NOT_FOUND', 'E_NOT_SUPPORTED', 'E_WORKLOAD_MISSING'],
    handle: async ({ client, caller, params, body, signal }) => {
      const release = deps.takeSlot(caller);
      try {
        return await client.exec(params, body.argv, signal);
      } finally {
        release();
      }
    },
  });
}
