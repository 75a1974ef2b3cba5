/** What the gate of the HTTP API is asked, and what it answers. docs/security.md has the reasons. */
import type { Clock } from '../../../core/ports/clock.js';
import type { Log } from '../../../core/ports/log.js';
import type { ApiReply, Caller } from '../contract.js';
import type { TokenStore } from './token-store.js';

/** A request before anything else was done with it; Node's own `IncomingMessage` has these. */
export interface GateRequest {
  readonly via: 'socket' | 'tcp';
  readonly method: string;
  /** As it came: path and query. */
  readonly url: string;
  /** Names in lower case, as Node hands them over. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Where it comes from; null on a socket. Wrong tokens are counted by it. */
  readonly address: string | null;
}

export interface GateOptions {
  readonly tokens: TokenStore;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
  /** Names that the `Host` header may bear beside those of the loopback interface; the setting `api_hosts`. */
  readonly allowedHosts: () => readonly string[];
  /** Where the agent listens now: `http://127.0.0.1:7600`. null: on no TCP address. */
  readonly boundUrl: () => string | null;
}

export interface LoginLink {
  /** Works once. */
  readonly url: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

export interface Gate {
  /** Makes the tokens at the first start. Never throws: what is wrong is logged, and refuses every request over TCP. */
  open(): Promise<void>;
  /**
   * Who asks. To be called for every request, before its body is read. null: nobody, and none is needed for this
   * path (`/healthz`, `/login`, `/logout`). E_UNAUTHENTICATED, E_FORBIDDEN, E_TOO_MANY, E_TOKENS.
   */
  check(request: GateRequest): Promise<Caller | null>;
  /** What a browser is to be shown instead of the problem document: the way to the login page. null: the problem. */
  pageInstead(request: GateRequest, error: unknown): ApiReply | null;

  /** GET /login: the form; with `?code=` of a login link, the login itself. */
  loginPage(request: GateRequest): Promise<ApiReply>;
  /** POST /login: `form` is the body as it came, at most some KiB. */
  login(request: GateRequest, form: string): Promise<ApiReply>;
  /** POST /logout. */
  logout(): Promise<ApiReply>;
  /**
   * A link that logs a page in once. For the token of this name; null: the caller's own, or the first one that may
   * write. E_FORBIDDEN without write access, E_NOT_FOUND, E_NOT_SUPPORTED without a TCP address.
   */
  createLoginLink(caller: Caller, token: string | null): Promise<LoginLink>;
}
