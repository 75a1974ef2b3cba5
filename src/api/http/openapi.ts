/** The OpenAPI document (3.1), made from the route table. Pure. */
import { z } from 'zod';
import type { Route } from './contract.js';
import { namedSchemas, problem } from './schemas/views.js';
import { consolePath } from './console/upgrades.js';
import { componentParams, watchQuery } from './schemas/parts.js';
import { watchPath } from './watch-route.js';

type Json = Readonly<Record<string, unknown>>;

const reference = (id: string): Json => ({ $ref: `#/components/schemas/${id}` });

export interface OpenApiDocument extends Json {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Operation extends Json {
  readonly operationId: string;
  readonly summary: string;
  readonly 'x-access': string;
}

/** All operations with their parameters, bodies, answers and failures. */
export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    path[route.method.toLowerCase()] = operationOf(route);
  }
  paths[consolePath] = { get: consoleOperation() };
  paths[watchPath] = { get: watchOperation() };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Berth',
      version,
      description: 'What an agent of Berth serves, on the socket of its home and on loopback TCP. See docs/api.md.',
    },
    paths,
    components: {
      schemas: namedParts(),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'See: berth token' },
        session: { type: 'apiKey', in: 'cookie', name: 'berth_session', description: 'Of a page that logged in.' },
      },
    },
    security: [{ token: [] }, { session: [] }],
  };
}

/** Every schema that has a name, and perhaps one more under the empty name; they refer to each other by name. */
function partsWith(more: z.ZodType | null): Readonly<Record<string, Json>> {
  const known = z.registry<{ readonly id: string }>();
  for (const [id, schema] of Object.entries(namedSchemas)) known.add(schema, { id });
  if (more !== null) known.add(more, { id: unnamed });
  return z.toJSONSchema(known, { uri: (id) => `#/components/schemas/${id}`, io: 'output' }).schemas;
}

const unnamed = '_';

function namedParts(): Json {
  return Object.fromEntries(Object.entries(partsWith(null)).map(([id, schema]) => [id, plain(schema)]));
}

/** A schema where it is used: its name, or itself. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const name = Object.entries(namedSchemas).find(([, one]) => one === schema)?.[0];
  if (name !== undefined) return reference(name);
  return plain(io === 'input' ? z.toJSONSchema(schema, { io }) : (partsWith(schema)[unnamed] ?? {}));
}

/** What zod adds for whoever reads a schema by itself. */
const ofTheMaker = new Set(['$schema', '$id', 'id']);

function plain(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !ofTheMaker.has(name)));
}

function operationOf(route: Route): Operation {
  const isLines = route.kind === 'lines';
  const type = isLines ? 'application/x-ndjson' : route.operation === 'docs' ? 'text/html' : typeOf(route);
  return {
    operationId: route.operation,
    summary: route.summary,
    'x-access': route.access,
    ...(route.operation === 'health' ? { security: [] } : {}),
    parameters: [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query'), ...headersOf(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } }),
    responses: {
      200: {
        description: isLines ? 'Lines of JSON, one each, as this schema says.' : 'Done.',
        content: { [type]: { schema: schemaOf(route.response, 'output') } },
      },
      default: {
        description: `A problem document${codesOf(route)}.`,
        content: { 'application/problem+json': { schema: schemaOf(problem, 'output') } },
      },
    },
  };
}

function typeOf(route: Route): string {
  return route.response instanceof z.ZodString || route.response instanceof z.ZodLiteral
    ? 'text/plain'
    : 'application/json';
}

function codesOf({ errors = [] }: Route): string {
  return errors.length === 0 ? '' : `; beyond those of every operation: ${errors.join(', ')}`;
}

/** Headers that an operation looks at. */
function headersOf({ operation }: Route): readonly Json[] {
  if (operation !== 'replaceService') return [];
  const header = (name: string, description: string): Json => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  });
  return [
    header('If-Match', 'The ETag of what was edited: 412 when it changed since.'),
    header('If-None-Match', '`*`: the service is new; 412 when it is not.'),
  ];
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): readonly Json[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const parts = z.toJSONSchema(schema, { io: 'input' });
  const required = new Set(parts.required ?? []);
  return Object.entries(parts.properties ?? {}).map(([name, value]) => ({
    name,
    in: place,
    required: place === 'path' || required.has(name),
    schema: value,
  }));
}

function consoleOperation(): Operation {
  return {
    operationId: 'console',
    summary: 'A terminal on the console of a virtual machine, as a WebSocket.',
    'x-access': 'write',
    parameters: parametersOf(componentParams, 'path'),
    responses: {
      101: { description: 'From here on messages are what the machine prints, and what is typed: docs/api.md.' },
      default: {
        description:
          'A problem document; beyond those of every operation: E_NOT_FOUND, E_NOT_SUPPORTED, E_WORKLOAD_MISSING, E_CONFLICT.',
        content: { 'application/problem+json': { schema: reference('Problem') } },
      },
    },
  };
}

function watchOperation(): Operation {
  return {
    operationId: 'watch',
    summary: 'Everything that is, then whatever changes, as server-sent events; resumes by Last-Event-ID.',
    'x-access': 'read',
    parameters: parametersOf(watchQuery, 'query'),
    responses: {
      200: {
        description: 'Messages named component, gone, event, changed, synced and beat: docs/api.md.',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      default: {
        description: 'A problem document; beyond those of every operation: E_WATCH_GONE.',
        content: { 'application/problem+json': { schema: reference('Problem') } },
      },
    },
  };
}
