/**
 * Sessions of pages: a signed cookie, so that the agent remembers nothing and a restart ends no session. It names the
 * token that it was made by, and ends with it: the hash of the token is signed too. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { base64url, hashToken, type TokenEntry, type TokenFile } from './token-file.js';

const sessionMs = 30 * 24 * 3_600_000;
const msPerSecond = 1_000;
/** Longer than any that was ever made; what is longer is not looked at. */
const mostCookieLength = 8_192;

/** The name of the cookie. Cookies know no ports: two homes on one machine must not overwrite each other's. */
export function cookieName(file: TokenFile): string {
  return `berth-${hashToken(file.sessionKey).toString('hex').slice(0, 8)}`;
}

/** The `Set-Cookie` header that begins a session by a token. */
export function sessionCookie(file: TokenFile, entry: TokenEntry, nowMs: number): string {
  const expiresAtMs = nowMs + sessionMs;
  const name = base64url(Buffer.from(entry.name));
  const value = `1.${name}.${expiresAtMs}.${base64url(sign(file, entry, expiresAtMs))}`;
  return `${cookieName(file)}=${value}; Max-Age=${sessionMs / msPerSecond}; ${attributes}`;
}

/** The `Set-Cookie` header that ends it. */
export function endedCookie(file: TokenFile): string {
  return `${cookieName(file)}=; Max-Age=0; ${attributes}`;
}

const attributes = 'Path=/; HttpOnly; SameSite=Strict';

/** The token that a session was made by; undefined: there is no session, or none that holds any more. */
export function tokenOfSession(
  file: TokenFile,
  cookieHeader: string | undefined,
  nowMs: number,
): TokenEntry | undefined {
  const value = cookieHeader === undefined ? undefined : readCookie(cookieHeader, cookieName(file));
  const match = /^1\.([A-Za-z0-9_-]+)\.(\d{1,16})\.([A-Za-z0-9_-]+)$/.exec(value ?? '');
  if (match === null) return undefined;
  const [, encodedName = '', expires = '', mac = ''] = match;
  const name = Buffer.from(encodedName, 'base64url').toString();
  const entry = file.tokens.find((one) => one.name === name);
  const expiresAtMs = Number(expires);
  if (entry === undefined || expiresAtMs <= nowMs) return undefined;
  // As text: bytes have several spellings in base64, and only the one that was given out is good.
  const [told, due] = [Buffer.from(mac), Buffer.from(base64url(sign(file, entry, expiresAtMs)))];
  return told.length === due.length && timingSafeEqual(told, due) ? entry : undefined;
}

function sign(file: TokenFile, entry: TokenEntry, expiresAtMs: number): Buffer {
  const parts = ['berth session 1', entry.name, hashToken(entry.token).toString('hex'), String(expiresAtMs)];
  return createHmac('sha256', file.sessionKey).update(parts.join('\n')).digest();
}

function readCookie(header: string, name: string): string | undefined {
  if (header.length > mostCookieLength) return undefined;
  for (const part of header.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}
