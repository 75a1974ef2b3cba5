/** The gate: asks the pure rules who may come in, and keeps what they need between requests. */
import { BerthError, isBerthError, messageOf } from '../../../core/errors.js';
import { ApiReply, type Access, type Caller } from '../contract.js';
import { WrongAttempts } from './attempts.js';
import { identify, matchToken, socketCaller } from './callers.js';
import type { Gate, GateOptions, GateRequest, LoginLink } from './gate-types.js';
import { LoginCodes } from './login-codes.js';
import { loggedInPage, loginForm } from './login-page.js';
import { checkRequest, headerOf, isOpenPath, safeMethods } from './request-rules.js';
import { endedCookie, sessionCookie, tokenOfSession } from './sessions.js';
import { findToken, type TokenEntry, type TokenFile } from './token-file.js';

const msPerSecond = 1_000;

/** A gate that knows nobody yet: `open` makes the tokens at the first start. */
export function createGate(options: GateOptions): Gate {
  const keeper = new GateKeeper(options);
  return {
    open: () => keeper.open(),
    check: (request) => keeper.check(request),
    pageInstead,
    loginPage: (request) => keeper.loginPage(request),
    login: (request, form) => keeper.login(request, form),
    logout: () => keeper.logout(),
    createLoginLink: (caller, token) => keeper.createLoginLink(caller, token),
  };
}

/** E_FORBIDDEN when the caller may not do what needs `access`; E_UNAUTHENTICATED when there is none. */
export function requireAccess(caller: Caller | null, access: Access): Caller {
  if (caller === null) throw unauthenticated('this needs a token');
  if (access === 'read' || caller.access === 'write') return caller;
  throw new BerthError('E_FORBIDDEN', `token "${caller.name}" may read, and this changes something`, {
    suggestion: 'use a token with write access: berth token add NAME --access write',
  });
}

/** A person who opens the dashboard without a login is led to it; programs get the problem. */
function pageInstead(request: GateRequest, error: unknown): ApiReply | null {
  if (request.via !== 'tcp' || !safeMethods.has(request.method) || !isBerthError(error, 'E_UNAUTHENTICATED'))
    return null;
  if (!(headerOf(request, 'accept') ?? '').includes('text/html')) return null;
  if (request.headers['authorization'] !== undefined) return null;
  return new ApiReply(303, '', { location: '/login', 'cache-control': 'no-store' });
}

class GateKeeper {
  readonly #options: GateOptions;
  readonly #codes: LoginCodes;
  readonly #wrong = new WrongAttempts();
  /** What was last wrong with the tokens: it is logged once, not with each request. */
  #lastProblem = '';

  constructor(options: GateOptions) {
    this.#options = options;
    this.#codes = new LoginCodes(options.randomBytes);
  }

  async open(): Promise<void> {
    try {
      await this.#options.tokens.ensure();
    } catch (error) {
      this.#logProblem(error);
    }
  }

  async check(request: GateRequest): Promise<Caller | null> {
    const { clock, allowedHosts, boundUrl } = this.#options;
    checkRequest(request, { allowedHosts: allowedHosts(), boundPort: portOf(boundUrl()) });
    if (request.via === 'socket') return socketCaller(request);
    if (isOpenPath(request.url)) return null;
    const identity = identify(request, await this.#tokens(), clock.now());
    if (identity.kind === 'caller') return identity.caller;
    if (identity.kind === 'none') throw unauthenticated('this needs a token or a login');
    this.#countWrong(request);
    throw unauthenticated('the token is none of this home');
  }

  async loginPage(request: GateRequest): Promise<ApiReply> {
    const code = new URL(request.url, 'http://berth').searchParams.get('code');
    if (code === null) return loginForm(200, null);
    if (isPrefetch(request)) return new ApiReply(503, '', { 'cache-control': 'no-store' });
    return (
      (await this.#goOn(request, code)) ??
      this.#logIn(request, 'this link was used before, or is too old: berth login prints another', (file) => {
        const entry = this.#codes.redeem(code, file, this.#options.clock.now());
        return entry === undefined ? undefined : { entry, answer: loggedInPage };
      })
    );
  }

  /** A link that is used up, opened again where a session still holds, leads to where it led before; null: it does not. */
  async #goOn(request: GateRequest, code: string): Promise<ApiReply | null> {
    const nowMs = this.#options.clock.now();
    if (this.#codes.isOpen(code, nowMs)) return null;
    const file = await this.#tokens().catch(() => null);
    if (file === null || tokenOfSession(file, headerOf(request, 'cookie'), nowMs) === undefined) return null;
    return new ApiReply(303, '', { location: '/', 'cache-control': 'no-store' });
  }

  async login(request: GateRequest, form: string): Promise<ApiReply> {
    const token = new URLSearchParams(form).get('token')?.trim() ?? '';
    return this.#logIn(request, 'this is no token of this home', (file) => {
      const entry = matchToken(file, token);
      const answer = (cookie: string): ApiReply =>
        new ApiReply(303, '', { location: '/', 'set-cookie': cookie, 'cache-control': 'no-store' });
      return entry === undefined ? undefined : { entry, answer };
    });
  }

  async logout(): Promise<ApiReply> {
    const file = await this.#tokens().catch(() => null);
    const cookie = file === null ? {} : { 'set-cookie': endedCookie(file) };
    return new ApiReply(303, '', { location: '/login', 'cache-control': 'no-store', ...cookie });
  }

  async createLoginLink(caller: Caller, token: string | null): Promise<LoginLink> {
    requireAccess(caller, 'write');
    const url = this.#options.boundUrl();
    if (url === null) {
      throw new BerthError('E_NOT_SUPPORTED', 'the agent listens on no TCP address, so there is nothing to log in to', {
        suggestion: 'set api_listen, or free its port: berth doctor says what is wrong',
      });
    }
    const file = (await this.#tokens()) ?? (await this.#options.tokens.ensure());
    const entry = tokenFor(caller, token, file);
    const { code, expiresAtMs } = this.#codes.issue(entry, this.#options.clock.now());
    this.#options.log.info({ token: entry.name, actor: caller.actor }, 'made a login link');
    return { url: `${url}/login?code=${code}`, expiresAt: new Date(expiresAtMs).toISOString() };
  }

  /** One try to log in: the page that it leads to, or the form with what was wrong. */
  async #logIn(
    request: GateRequest,
    problem: string,
    find: (
      file: TokenFile,
    ) => { readonly entry: TokenEntry; readonly answer: (cookie: string) => ApiReply } | undefined,
  ): Promise<ApiReply> {
    try {
      const file = await this.#tokens();
      const found = file === null ? undefined : find(file);
      if (file === null || found === undefined) {
        this.#countWrong(request);
        return loginForm(401, problem);
      }
      this.#options.log.info({ token: found.entry.name, address: request.address }, 'a page logged in');
      return found.answer(sessionCookie(file, found.entry, this.#options.clock.now()));
    } catch (error) {
      if (isBerthError(error, 'E_TOO_MANY')) {
        return loginForm(429, error.message, { 'retry-after': String(error.details['retryAfterS']) });
      }
      if (isBerthError(error, 'E_TOKENS')) return loginForm(503, error.message);
      throw error;
    }
  }

  /** E_TOO_MANY when too many wrong ones came from there. */
  #countWrong(request: GateRequest): void {
    const { clock, log } = this.#options;
    const [address, nowMs] = [request.address ?? 'unknown', clock.monotonic()];
    const waitMs = this.#wrong.waitMs(address, nowMs);
    if (waitMs === 0) {
      const wasLast = this.#wrong.failed(address, nowMs);
      log.warn({ address }, wasLast ? 'wrong tokens: no more of this address are looked at for now' : 'a wrong token');
      return;
    }
    const retryAfterS = Math.ceil(waitMs / msPerSecond);
    throw new BerthError('E_TOO_MANY', `too many wrong tokens came from ${address}`, {
      suggestion: `wait ${retryAfterS} s; the right token is let in at any time`,
      details: { retryAfterS },
    });
  }

  /** The tokens now. E_TOKENS, in words that tell a stranger nothing of this machine. */
  async #tokens(): Promise<TokenFile | null> {
    try {
      const file = await this.#options.tokens.read();
      this.#lastProblem = '';
      return file;
    } catch (error) {
      this.#logProblem(error);
      throw new BerthError('E_TOKENS', 'the tokens of this home cannot be read, so nobody gets in here', {
        cause: error,
        suggestion: 'the log of the agent says what is wrong; on the machine itself, berth works through the socket',
      });
    }
  }

  #logProblem(error: unknown): void {
    const problem = messageOf(error);
    if (problem !== this.#lastProblem) this.#options.log.error({ err: problem }, 'nobody gets in over TCP');
    this.#lastProblem = problem;
  }
}

function tokenFor(caller: Caller, name: string | null, file: TokenFile): TokenEntry {
  if (name !== null) return findToken(file, name);
  if (caller.via !== 'socket') return findToken(file, caller.name);
  const entry = file.tokens.find((one) => one.name === 'default') ?? file.tokens.find((one) => one.access === 'write');
  return entry ?? file.tokens[0] ?? findToken(file, 'default');
}

/** Looking ahead must not use up a link. */
function isPrefetch(request: GateRequest): boolean {
  if (request.method === 'HEAD') return true;
  const purpose = `${headerOf(request, 'sec-purpose') ?? ''} ${headerOf(request, 'purpose') ?? ''}`;
  return /prefetch|prerender|preview/i.test(purpose);
}

function portOf(url: string | null): number | null {
  if (url === null) return null;
  const { port } = new URL(url);
  return port === '' ? 80 : Number(port);
}

function unauthenticated(message: string): BerthError {
  return new BerthError('E_UNAUTHENTICATED', message);
}
