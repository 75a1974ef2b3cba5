/**
 * What the parts of the HTTP API agree upon: who asks, what a route is, what a watch tells. docs/api.md has it in words.
 */
import type { z } from 'zod';
import type { BerthClient } from '../client.js';
import type { ComponentView, EventView } from '../views.js';

/** Before every path of the API. */
export const apiPrefix = '/v1';

/** `read` looks; `write` changes, runs programs and sees tokens. */
export type Access = 'read' | 'write';

/** Who makes a request, as far as that was proven. */
export interface Caller {
  /** `socket`: whoever may open the home's socket; `token`; `session`: a page that was logged in by a token. */
  readonly via: 'socket' | 'token' | 'session';
  /** Name of the token; the system's user for `socket`, as the caller says. */
  readonly name: string;
  readonly access: Access;
  /** Written into the history with each change: `cli:NAME`, `token:NAME`, `page:NAME`. */
  readonly actor: string;
}

/** A request as its handler sees it; the parts have been checked by the route's schemas. */
export interface ApiRequest<Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  /** Changes made by this client bear the caller's name. */
  readonly client: BerthClient;
  /** Names of headers are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Fires when whoever asked has gone, or the agent ends. */
  readonly signal: AbortSignal;
}

/** What a handler answers, unless it is plain JSON with status 200. */
export class ApiReply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Lines of JSON, one each, until there are no more or the signal of the request fires. */
export class ApiLines {
  readonly lines: AsyncIterable<unknown>;

  constructor(lines: AsyncIterable<unknown>) {
    this.lines = lines;
  }
}

/** One operation of the API: what is checked, documented and called is this. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `{name}` for each parameter, `apiPrefix` included. */
  readonly path: string;
  /** Unique; camelCase. */
  readonly operation: string;
  readonly summary: string;
  readonly access: Access;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** What it answers with status 200. */
  readonly response: z.ZodType;
  /** `lines`: application/x-ndjson, each line as `response` says. Default: `json`. */
  readonly kind?: 'json' | 'lines';
  /** The codes that it fails with, beyond those that every route may. */
  readonly errors?: readonly string[];
  readonly handle: (request: ApiRequest<never, never, never>) => Promise<unknown>;
}

/**
 * What a watch tells, in the order of revisions: first each component once, then `synced`, then whatever changes. Ids are
 * `EPOCH:REVISION`: everything up to there was told, and a later watch goes on from it. Before `synced` nothing has one: who
 * is cut off there begins anew. Of messages that share a revision only the last has it: who is cut off between them is told
 * the components again. Names are those of the SSE events.
 */
export type WatchMessage =
  | { readonly name: 'component'; readonly data: { readonly revision: number; readonly component: ComponentView } }
  | {
      readonly name: 'gone';
      readonly data: { readonly revision: number; readonly service: string; readonly component: string };
    }
  | { readonly name: 'event'; readonly data: EventView }
  /** A spec or a service changed: history and definitions that are open are to be read again. */
  | {
      readonly name: 'changed';
      readonly data: {
        readonly revision: number;
        readonly entity: 'service' | 'component';
        readonly op: 'insert' | 'update' | 'delete';
        readonly service: string;
        readonly component: string | null;
        readonly actor: string;
      };
    }
  /** All of the present has been told. */
  | { readonly name: 'synced'; readonly data: { readonly revision: number; readonly now: string } }
  /** Every few seconds: it is alive, and this is how old observations are. */
  | { readonly name: 'beat'; readonly data: WatchBeat };

export interface WatchBeat {
  readonly now: string;
  readonly revision: number;
  readonly drivers: readonly {
    readonly name: string;
    /** null: it never answered. */
    readonly lastGoodAt: string | null;
    /** null: it answers. */
    readonly error: string | null;
  }[];
}

/** A problem document (RFC 9457), as every failure is answered with: `application/problem+json`. */
export interface Problem {
  /** `urn:berth:error:CODE`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Berth's own code; docs/errors.md. */
  readonly code: string;
  /** What to do next. */
  readonly suggestion: string;
  /** Of the request; in the log of the agent, too. */
  readonly instance: string;
  readonly details: Readonly<Record<string, unknown>>;
}
