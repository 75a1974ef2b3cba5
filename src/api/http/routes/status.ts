/** What is there, and how it stands. */
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { BerthError } from '../../../core/errors.js';
import { formatKey, parseKey, type ComponentKey } from '../../../core/names.js';
import type { ComponentRecord } from '../../../core/ports/registry.js';
import { viewContext } from '../../reading.js';
import { viewComponent } from '../../status-view.js';
import { findTarget } from '../../targets.js';
import { ApiReply, apiPrefix, type Route } from '../contract.js';
import { defineRoute } from '../define.js';
import { jsonOfStatus, readStatusGently } from '../gentle-status.js';
import type { RouteDeps } from '../parts.js';
import { componentsQuery, doctorQuery, eventsQuery, instantMs, statusQuery } from '../schemas/parts.js';
import { agentInfo, componentView, doctorReport, eventView, statusReport } from '../schemas/views.js';
import { shareRuns } from '../share-runs.js';
import { driverView, readiness, viewDrivers } from '../readiness.js';

const version = z.string();

export function statusRoutes(deps: RouteDeps): readonly Route[] {
  return [...aliveRoutes(deps), ...homeRoutes(deps), eventsRoute(), ...componentLists(deps), doctorRoute(deps)];
}

function aliveRoutes(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/healthz',
      operation: 'health',
      summary: 'Says that the process answers. Needs no token.',
      access: 'read',
      response: z.literal('ok'),
      handle: () => Promise.resolve(new ApiReply(200, 'ok', { 'content-type': 'text/plain; charset=utf-8' })),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      operation: 'ready',
      summary: 'Says that the registry can be read and that each driver was asked once.',
      access: 'read',
      response: z.strictObject({ ready: z.literal(true), revision: z.int(), drivers: z.array(driverView) }),
      errors: ['E_RUNTIME_UNAVAILABLE', 'E_REGISTRY_BUSY'],
      handle: () => readiness(deps),
    }),
  ];
}

function homeRoutes(deps: RouteDeps): readonly Route[] {
  const { registry } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/agent`,
      operation: 'agent',
      summary: 'Which agent answers, of which home, and how far its registry is.',
      access: 'read',
      response: z.strictObject({
        agent: agentInfo.nullable(),
        version,
        home: z.strictObject({ id: z.string(), name: z.string() }),
        node: z.string(),
        epoch: z.string(),
        revision: z.int(),
      }),
      handle: async ({ client }) => ({
        agent: await client.agent(),
        version: deps.version,
        home: { id: registry.homeId, name: basename(deps.home) },
        node: 'local',
        epoch: registry.epoch,
        revision: await registry.revision(),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/nodes`,
      operation: 'nodes',
      summary: 'The machines that run workloads, with their drivers.',
      access: 'read',
      response: z.strictObject({
        items: z.array(z.strictObject({ name: z.string(), agent: agentInfo.nullable(), drivers: z.array(driverView) })),
      }),
      handle: async ({ client }) => ({
        items: [{ name: 'local', agent: await client.agent(), drivers: viewDrivers(deps.view) }],
      }),
    }),
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/names`,
      operation: 'names',
      summary: 'Names of services and components, for completion.',
      access: 'read',
      response: z.strictObject({ items: z.array(z.string()) }),
      handle: async ({ client }) => ({ items: await client.names() }),
    }),
  ];
}

function eventsRoute(): Route {
  return defineRoute({
    method: 'GET',
    path: `${apiPrefix}/events`,
    operation: 'events',
    summary: 'What happened, oldest first; the newest that match.',
    access: 'read',
    query: eventsQuery,
    response: z.strictObject({ items: z.array(eventView) }),
    errors: ['E_NOT_FOUND'],
    handle: async ({ client, query }) => {
      const { service, component = null, severity = null, since, tail, after = null, before = null } = query;
      const items = await client.events({
        target: service === undefined ? null : { service, component },
        sinceMs: since === undefined ? null : instantMs(since),
        tail,
        severity,
        after,
        before,
      });
      return { items };
    },
  });
}

function componentLists(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/status`,
      operation: 'status',
      summary: 'All components, or those of one service, in one answer.',
      access: 'read',
      query: statusQuery,
      response: statusReport,
      errors: ['E_NOT_FOUND'],
      handle: async ({ caller, query }) => {
        const report = await readStatusGently(deps.portsFor(caller), query.service ?? null);
        return new ApiReply(200, Readable.from(jsonOfStatus(report), { objectMode: false }));
      },
    }),
    defineRoute({
      method: 'GET',
      path: `${apiPrefix}/components`,
      operation: 'components',
      summary: 'Components that match, page by page, in order of their names.',
      access: 'read',
      query: componentsQuery,
      response: z.strictObject({
        items: z.array(componentView),
        next: z.string().nullable().meta({ description: 'The cursor of the next page; null: this is the last one.' }),
        revision: z.int(),
      }),
      errors: ['E_NOT_FOUND'],
      handle: async ({ caller, query }) => {
        const ports = deps.portsFor(caller);
        const { registry } = ports;
        const { service, phase, drift, cursor, limit } = query;
        const revision = await registry.revision();
        const [records, context] = await Promise.all([
          service === undefined ? registry.components() : findTarget(registry, { service, component: null }),
          viewContext(ports),
        ]);
        const phases = phase?.split(',');
        const matches = ({ invalid, status }: ComponentRecord): boolean =>
          (phases === undefined || phases.includes(invalid === null ? status.phase : 'invalid')) &&
          (drift === undefined || status.drift.length > 0 === (drift === 'true'));
        const { items, next } = pageOf(records.filter(matches), cursor, limit);
        return { items: items.map((record) => viewComponent(record, context)), next, revision };
      },
    }),
  ];
}

/** What comes after the cursor, which is the name of the last one that was seen: whatever comes and goes meanwhile. */
function pageOf(records: readonly ComponentRecord[], cursor: string | undefined, limit: number) {
  const rest = cursor === undefined ? records : records.filter(({ key }) => isAfter(key, parseKey(cursor)));
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rest.length > items.length && last !== undefined ? formatKey(last.key) : null };
}

/** In the order of the registry: by service, then by component. E_USAGE for what is no cursor. */
function isAfter(key: ComponentKey, seen: ComponentKey | undefined): boolean {
  if (seen === undefined) throw new BerthError('E_USAGE', 'query.cursor: not one that a page ended with');
  return key.service === seen.service ? key.component > seen.component : key.service > seen.service;
}

function doctorRoute(deps: RouteDeps): Route {
  // It asks every runtime what it can do: however many want to know at once, it is done once.
  const [diagnose, diagnoseSoon] = [shareRuns(deps.clock), shareRuns(deps.clock)];
  return defineRoute({
    method: 'GET',
    path: `${apiPrefix}/doctor`,
    operation: 'doctor',
    summary: 'What keeps this home from working and what runs out, with the remedy for each.',
    access: 'read',
    query: doctorQuery,
    response: doctorReport,
    handle: async ({ client, query }) => {
      const drivers = query.drivers !== 'false';
      const run = async () => {
        const { checks } = await client.doctor({ drivers });
        const all = [...checks, ...deps.addressChecks()];
        return { ok: all.every((check) => check.level !== 'error'), checks: all };
      };
      // Who asks soon after an edit wants to be told of it.
      return drivers ? diagnose(run) : diagnoseSoon(run, await deps.registry.revision());
    },
  });
}
