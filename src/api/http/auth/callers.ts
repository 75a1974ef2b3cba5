/** Who makes a request, by what it brings along. Pure. */
import { timingSafeEqual } from 'node:crypto';
import type { Caller } from '../contract.js';
import type { GateRequest } from './gate-types.js';
import { headerOf } from './request-rules.js';
import { tokenOfSession } from './sessions.js';
import { hashToken, type TokenEntry, type TokenFile } from './token-file.js';

/** `wrong`: a token came that is none; it counts as an attempt. `none`: nothing came, or a session that has ended. */
export type Identity =
  { readonly kind: 'caller'; readonly caller: Caller } | { readonly kind: 'wrong' } | { readonly kind: 'none' };

const mostNameLength = 64;

/** Who asks over TCP. `file` null: there are no tokens. */
export function identify(request: GateRequest, file: TokenFile | null, nowMs: number): Identity {
  const authorization = headerOf(request, 'authorization');
  if (authorization !== undefined) {
    const bearer = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
    const entry = bearer === undefined || file === null ? undefined : matchToken(file, bearer);
    return entry === undefined ? { kind: 'wrong' } : { kind: 'caller', caller: callerOf('token', entry) };
  }
  const entry = file === null ? undefined : tokenOfSession(file, headerOf(request, 'cookie'), nowMs);
  return entry === undefined ? { kind: 'none' } : { kind: 'caller', caller: callerOf('session', entry) };
}

/** The entry that holds this token. How long it takes tells nothing of how much was right. */
export function matchToken(file: TokenFile, text: string): TokenEntry | undefined {
  const hash = hashToken(text);
  let found: TokenEntry | undefined;
  for (const entry of file.tokens) if (timingSafeEqual(hashToken(entry.token), hash)) found = entry;
  return found;
}

function callerOf(via: 'token' | 'session', { name, access }: TokenEntry): Caller {
  return { via, name, access, actor: `${via === 'token' ? 'token' : 'page'}:${name}` };
}

/** Whoever may open the socket may write, and is who it says: `x-berth-actor: cli:NAME`, percent-encoded or plain. */
export function socketCaller(request: GateRequest): Caller {
  const told = /^cli:(.+)$/.exec(headerOf(request, 'x-berth-actor') ?? '')?.[1];
  const name = told === undefined ? 'unknown' : cleanName(told);
  return { via: 'socket', name, access: 'write', actor: `cli:${name}` };
}

function cleanName(told: string): string {
  let name = told;
  try {
    name = decodeURIComponent(told);
  } catch {
    // It was not encoded: it is taken as it is.
  }
  const clean = name.replaceAll(/[\p{C}\p{Z}]/gu, '').slice(0, mostNameLength);
  return clean === '' ? 'unknown' : clean;
}
