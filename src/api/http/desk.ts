/** Who asks for what: proven with the first hook of a request, remembered to the last. */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BerthError } from '../../core/errors.js';
import { requireAccess, securityHeaders, type GateRequest } from './auth/index.js';
import { checkLength, readJson } from './body.js';
import { Buckets } from './buckets.js';
import type { Caller } from './contract.js';
import { send, type Asker } from './dispatch.js';
import type { RouteDeps, Via } from './parts.js';
import { problemOf, problemType, StatusError } from './problem.js';

/** As the routes see it. */
export interface Desk {
  gateRequest(request: FastifyRequest): GateRequest;
  askerOf(request: FastifyRequest, reply: FastifyReply): Asker;
  /** Counts and logs an answer; for those that never end by themselves. */
  answered(request: FastifyRequest, reply: FastifyReply): void;
}

/** Whoever asks for what the gate lets everybody have. */
const nobody: Caller = Object.freeze({ via: 'token', name: 'nobody', access: 'read', actor: 'nobody' });

export class FrontDesk implements Desk {
  readonly #deps: RouteDeps;
  readonly #viaOf: (request: IncomingMessage) => Via;
  readonly #callers = new WeakMap<FastifyRequest, Caller>();
  readonly #underWay = new Set<AbortController>();
  readonly #buckets: Buckets;

  constructor(deps: RouteDeps, viaOf: (request: IncomingMessage) => Via) {
    this.#deps = deps;
    this.#viaOf = viaOf;
    this.#buckets = new Buckets(deps.limits);
  }

  /** The first hook: nothing of a request is looked at before this is passed. */
  async receive(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.headers(securityHeaders('api'));
    if (Buffer.byteLength(request.url) > this.#deps.limits.urlBytes) {
      throw new StatusError(414, new BerthError('E_TOO_LARGE', 'the address of the request is too long'));
    }
    const caller = await this.#deps.gate.check(this.gateRequest(request));
    this.#checkRate(request, caller);
    if (caller === null) return;
    this.#callers.set(request, caller);
    const { access } = request.routeOptions.config;
    if (access !== undefined) requireAccess(caller, access);
  }

  gateRequest(request: FastifyRequest): GateRequest {
    const { method, url, headers, raw } = request;
    const via = this.#viaOf(raw);
    return { via, method, url, headers, address: via === 'socket' ? null : (raw.socket.remoteAddress ?? 'unknown') };
  }

  /** Whoever may open the socket may read the registry's file as often as they like. */
  #checkRate(request: FastifyRequest, caller: Caller | null): void {
    if (caller?.via === 'socket' || this.#viaOf(request.raw) === 'socket') return;
    const who = caller === null ? 'nobody' : `${caller.via}:${caller.name}`;
    const waitMs = this.#buckets.take(who, this.#deps.clock.monotonic());
    if (waitMs === 0) return;
    throw new BerthError('E_TOO_MANY', 'too many requests came at once', {
      details: { retryAfterS: Math.ceil(waitMs / 1_000) },
    });
  }

  async readBody(request: FastifyRequest, payload: IncomingMessage): Promise<unknown> {
    const large = request.routeOptions.config.definitions === true && this.#viaOf(request.raw) === 'socket';
    const { definitionsBytes, bodyBytes, jsonDepth } = this.#deps.limits;
    const bytes = large ? definitionsBytes : bodyBytes;
    checkLength(payload, bytes);
    return readJson(payload, { bytes, depth: jsonDepth });
  }

  askerOf(request: FastifyRequest, reply: FastifyReply): Asker {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    // It may have gone while its token was looked up.
    if (reply.raw.destroyed) controller.abort();
    else this.#underWay.add(controller);
    reply.raw.once('close', () => {
      this.#underWay.delete(controller);
      controller.abort();
    });
    return { caller: this.#callers.get(request) ?? nobody, signal: controller.signal };
  }

  end(): void {
    for (const controller of this.#underWay) controller.abort();
  }

  answered(request: FastifyRequest, reply: FastifyReply): void {
    const { metrics, log } = this.#deps;
    const operation = request.routeOptions.config.operation ?? 'other';
    metrics.answered(operation, reply.raw.statusCode, reply.elapsedTime);
    const facts = { request: request.id, actor: this.#callers.get(request)?.actor, status: reply.raw.statusCode };
    log.debug({ ...facts, tookMs: Math.round(reply.elapsedTime) }, `${request.method} ${pathOf(request.url)}`);
  }

  async fail(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const page = this.#deps.gate.pageInstead(this.gateRequest(request), error);
    if (page !== null) return send(reply, page);
    const { status, headers, problem } = problemOf(error, request.id);
    if (status >= 500) {
      const facts = { request: request.id, method: request.method, path: pathOf(request.url), code: problem.code };
      this.#deps.log.warn({ ...facts, err: problem.detail, stack: stackOf(error, status) }, 'request failed');
    }
    // Once a stream has begun there is nothing left to say.
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return reply;
    }
    // What was not read of the body is not waited for.
    if (!request.raw.complete) reply.header('connection', 'close');
    return reply.code(status).headers(headers).type(problemType).send(JSON.stringify(problem));
  }
}

/** Without the query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Of a defect, where it is; of anything else the message says enough. */
function stackOf(error: unknown, status: number): string | undefined {
  return status === 500 && error instanceof Error ? error.stack : undefined;
}
