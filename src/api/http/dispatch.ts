/** From the route table to fastify: checks what comes in, calls the handler, sends what it answers. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { BerthError } from '../../core/errors.js';
import type { BerthClient } from '../client.js';
import { ApiLines, ApiReply, type Access, type ApiRequest, type Caller, type Route } from './contract.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    operation?: string;
  }
}

/** Who asks, and what is at hand to answer. */
export interface Asker {
  readonly caller: Caller;
  readonly client: BerthClient;
  /** Fires when the agent ends. */
  readonly ending: AbortSignal;
}

/** Adds one route of the table. */
export function addRoute(app: FastifyInstance, route: Route, askerOf: (request: FastifyRequest) => Asker): void {
  app.route({
    method: route.method,
    url: route.path.replace(/\{(\w+)\}/g, ':$1'),
    config: { access: route.access, operation: route.operation },
    handler: async (request, reply) => {
      const { caller, client, ending } = askerOf(request);
      const answer = await route.handle({
        params: check(route.params, request.params, 'path'),
        query: check(route.query, request.query, 'query'),
        body: check(route.body, request.body ?? {}, 'body'),
        caller,
        client,
        headers: singleHeaders(request),
        signal: AbortSignal.any([ending, goneSignal(reply)]),
      } as ApiRequest<never, never, never>);
      return send(reply, answer);
    },
  });
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({
    field: [where, ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
  const words = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new BerthError('E_USAGE', words, {
    suggestion: 'see docs/api.md, or /docs of the agent, for what it takes',
    details: { problems },
  });
}

function singleHeaders(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  const entries = Object.entries(request.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  return Object.fromEntries(entries) as Record<string, string | undefined>;
}

/** Fires when the connection goes before all was answered. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

function send(reply: FastifyReply, answer: unknown): FastifyReply {
  if (answer instanceof ApiLines) {
    return reply.type('application/x-ndjson').send(Readable.from(textLines(answer.lines), { objectMode: false }));
  }
  if (answer instanceof ApiReply) {
    const typed = typeof answer.body === 'string' || Buffer.isBuffer(answer.body);
    const body = typed ? answer.body : JSON.stringify(answer.body);
    return reply
      .code(answer.status)
      .headers({ 'content-type': 'application/json; charset=utf-8', ...answer.headers })
      .send(body);
  }
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer ?? null));
}

async function* textLines(lines: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}
