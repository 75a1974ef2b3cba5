/** From the route table to fastify: checks what comes in, calls the handler, sends what it answers. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { BerthError } from '../../core/errors.js';
import { createLocalClient } from '../local-client.js';
import { ApiLines, ApiReply, type Access, type ApiRequest, type Caller, type Route } from './contract.js';
import type { RouteDeps } from './parts.js';
import { problemOf } from './problem.js';
import { openLines, sendLines } from './send-lines.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    operation?: string;
    /** Bodies of definitions may be larger over the socket. */
    definitions?: boolean;
  }
}

/** Who asks, and until when an answer is wanted. */
export interface Asker {
  readonly caller: Caller;
  /** Fires when the connection is gone, or the agent ends. */
  readonly signal: AbortSignal;
}

const jsonType = 'application/json; charset=utf-8';
/** An empty line goes out after so much silence, in milliseconds. */
const quietMs = 15_000;

/** Adds one route of the table. */
export function addRoute(
  app: FastifyInstance,
  route: Route,
  deps: RouteDeps,
  askerOf: (request: FastifyRequest, reply: FastifyReply) => Asker,
): void {
  app.route({
    method: route.method,
    url: route.path.replace(/\{(\w+)\}/g, ':$1'),
    exposeHeadRoute: route.method === 'GET' && route.kind !== 'lines',
    config: { access: route.access, operation: route.operation, definitions: takesDefinitions(route) },
    handler: async (request, reply) => {
      const asker = askerOf(request, reply);
      const checked = {
        params: check(route.params, request.params, 'path'),
        query: check(route.query, request.query, 'query'),
        body: check(route.body, request.body ?? {}, 'body'),
      };
      const call = (): Promise<unknown> =>
        route.handle({
          ...checked,
          ...asker,
          client: createLocalClient(deps.portsFor(asker.caller)),
          headers: singleHeaders(request),
        } as ApiRequest<never, never, never>);
      if (route.kind === 'lines') await stream(call, { asker, deps, reply, instance: request.id });
      else send(reply, await call());
      return reply;
    },
  });
}

function takesDefinitions(route: Route): boolean {
  return route.operation === 'planDefinitions' || route.operation === 'applyDefinitions';
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({
    field: [where, ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
  const [first] = problems;
  const others = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw new BerthError('E_USAGE', `${first?.field ?? where}: ${first?.message ?? 'it is wrong'}${others}`, {
    suggestion: 'see docs/api.md, or /docs of the agent, for what it takes',
    details: { problems: problems.slice(0, problemsTold) },
  });
}

/** A body with thousands of faults is not answered with thousands of sentences. */
const problemsTold = 50;

function singleHeaders(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** Answers with a status, headers and a body, or with plain JSON. */
export function send(reply: FastifyReply, answer: unknown): FastifyReply {
  if (!(answer instanceof ApiReply)) return reply.type(jsonType).send(JSON.stringify(answer ?? null));
  const { status, body, headers } = answer;
  const isReady = typeof body === 'string' || Buffer.isBuffer(body) || body instanceof Readable;
  // Pages bring the type and the policy that they need.
  const type = 'content-type' in headers || status === 303 ? {} : { 'content-type': jsonType };
  return reply
    .code(status)
    .headers({ ...type, ...headers })
    .send(isReady ? body : JSON.stringify(body));
}

/** Whoever was written to is gone: the `close` that follows tells. */
export const ignore = (): void => undefined;

interface Streaming {
  readonly asker: Asker;
  readonly deps: RouteDeps;
  readonly reply: FastifyReply;
  readonly instance: string;
}

async function stream(call: () => Promise<unknown>, { asker, deps, reply, instance }: Streaming): Promise<void> {
  const { clock } = deps;
  const release = deps.takeSlot(asker.caller);
  try {
    const answer = await call();
    if (!(answer instanceof ApiLines)) {
      send(reply, answer);
      return;
    }
    const open = await openLines(answer.lines, clock);
    reply.hijack();
    const headers = reply.getHeaders() as Record<string, string>;
    reply.raw.writeHead(200, { ...headers, 'content-type': 'application/x-ndjson; charset=utf-8' });
    reply.raw.on('error', ignore);
    reply.raw.flushHeaders();
    await sendLines(reply.raw, open, {
      clock,
      stalledMs: deps.limits.stalledMs,
      quietMs,
      problemOf: (error) => problemOf(error, instance).problem,
    });
  } finally {
    release();
  }
}
