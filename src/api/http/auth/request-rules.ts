/**
 * Whether a request may be listened to at all, whoever makes it: it must mean this agent (`Host`, against DNS
 * rebinding), come from no page of another origin (`Origin`, `Sec-Fetch-Site`, against cross-site requests), and bring
 * what a form of another site cannot send. Pure.
 */
import { BerthError } from '../../../core/errors.js';
import type { GateRequest } from './gate-types.js';

/** Paths that need nobody to be known, exactly as they come. */
const openPaths = new Set(['/healthz', '/login', '/logout']);
/** Paths that a plain HTML form is sent to. */
const formPaths = new Set(['/login', '/logout']);

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'];
/** They change nothing. */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const httpPort = 80;

/** The path of a request, without its query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Whether a path is answered to everybody. */
export function isOpenPath(url: string): boolean {
  return openPaths.has(pathOf(url));
}

/** One header; undefined: it is not there. What came twice is joined, and so matches nothing. */
export function headerOf(request: GateRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' || value === undefined ? value : value.join(', ');
}

export interface AddressRules {
  /** Names beside those of the loopback interface, with or without a port. */
  readonly allowedHosts: readonly string[];
  /** The port that the agent listens on; null: on none. */
  readonly boundPort: number | null;
}

/** E_FORBIDDEN when the request must not be listened to. */
export function checkRequest(request: GateRequest, rules: AddressRules): void {
  if (!request.url.startsWith('/')) throw forbidden('the address of a request begins with /');
  if (request.via === 'socket') checkNoBrowser(request);
  else checkAddress(request, rules);
  checkContentType(request);
}

/** Whoever opens the socket is trusted; a page behind a proxy that somebody put before it is not. */
function checkNoBrowser(request: GateRequest): void {
  const names = ['origin', 'sec-fetch-site', 'sec-fetch-mode', 'cookie'];
  if (names.every((name) => request.headers[name] === undefined)) return;
  throw forbidden('a browser does not speak to the socket', 'let it open the address that berth login prints');
}

function checkAddress(request: GateRequest, rules: AddressRules): void {
  const host = headerOf(request, 'host')?.toLowerCase();
  if (host === undefined || !hostsOf(rules).has(host)) {
    throw forbidden(
      'the Host header names somebody else',
      'use the address that the agent prints, or add the name to the setting api_hosts',
    );
  }
  checkOrigin(request, host);
}

/** All that the `Host` header may say, in lower case. */
export function hostsOf({ allowedHosts, boundPort }: AddressRules): ReadonlySet<string> {
  if (boundPort === null) return new Set();
  const own = loopbackNames.flatMap((name) => withPort(name, boundPort, boundPort === httpPort));
  const others = allowedHosts.map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  // Whoever stands before the agent under such a name has a port of its own, the usual one included.
  return new Set([...own, ...others.flatMap((name) => (hasPort(name) ? [name] : withPort(name, boundPort, true)))]);
}

function withPort(name: string, port: number, isUsual: boolean): readonly string[] {
  return isUsual ? [name, `${name}:${port}`] : [`${name}:${port}`];
}

function hasPort(name: string): boolean {
  return /^(?:[^:]+|\[.*\]):\d+$/.test(name);
}

/**
 * A browser says where a request comes from. Other ports of one host are other origins, but the same site: their
 * requests bear our cookies, whatever `SameSite` says.
 */
function checkOrigin(request: GateRequest, host: string): void {
  const origin = headerOf(request, 'origin')?.toLowerCase();
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw forbidden('this comes from a page of another origin');
  }
  const changes = !safeMethods.has(request.method) || isUpgrade(request);
  const site = headerOf(request, 'sec-fetch-site') ?? 'none';
  const crossing = site !== 'same-origin' && site !== 'none';
  // Somebody may follow a link to us; all else that another origin starts is refused.
  if (crossing && (changes || !isLinkFollowed(request))) throw forbidden('this comes from a page of another origin');
  const hasBearer = request.headers['authorization'] !== undefined;
  if (!changes || hasBearer || origin !== undefined) return;
  throw forbidden('a change without a token must say where it comes from', 'send a token, or the Origin header');
}

function isLinkFollowed(request: GateRequest): boolean {
  const framed = ['iframe', 'frame', 'embed', 'object'].includes(headerOf(request, 'sec-fetch-dest') ?? '');
  return headerOf(request, 'sec-fetch-mode') === 'navigate' && !framed;
}

/** A WebSocket is not kept by a browser from any page: it is as good as a change, whatever its method. */
function isUpgrade(request: GateRequest): boolean {
  return headerOf(request, 'upgrade')?.toLowerCase() === 'websocket';
}

function checkContentType(request: GateRequest): void {
  const type = headerOf(request, 'content-type')?.toLowerCase().trim();
  const length = headerOf(request, 'content-length');
  const hasBody = request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
  if (type === undefined && !hasBody) return;
  const wanted = formPaths.has(pathOf(request.url)) ? 'application/x-www-form-urlencoded' : 'application/json';
  if (new RegExp(`^${wanted.replaceAll(/[/.+]/g, '\\$&')}(?:\\s*;\\s*charset="?utf-8"?)?$`).test(type ?? '')) return;
  throw forbidden(`what is sent here must be ${wanted}`, `send the header Content-Type: ${wanted}`);
}

function forbidden(message: string, suggestion?: string): BerthError {
  return new BerthError('E_FORBIDDEN', message, suggestion === undefined ? {} : { suggestion });
}
