/** The file of tokens: what it may hold, and what `berth token` does to it. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BerthError } from '../../../core/errors.js';
import { nearest } from '../../../core/nearest.js';
import type { Access } from '../contract.js';

/** Long enough that nobody guesses it, for those who write tokens by hand. */
const leastTokenLength = 20;
const tokenBytes = 32;
const mostTokens = 1_000;

/** Names go into headers, cookies and the history. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

const token = z.strictObject({
  name: z.string().regex(namePattern),
  access: z.enum(['read', 'write']),
  token: z
    .string()
    .min(leastTokenLength)
    .max(512)
    .regex(/^[\x21-\x7e]+$/),
  createdAt: z.iso.datetime(),
});

const schema = z
  .strictObject({
    /** Signs the cookies of pages that are logged in; base64url. */
    sessionKey: z
      .string()
      .min(32)
      .max(512)
      .regex(/^[A-Za-z0-9_-]+$/),
    tokens: z.array(token).max(mostTokens),
  })
  .refine(({ tokens }) => new Set(tokens.map(({ name }) => name)).size === tokens.length, 'two tokens have one name')
  .refine(({ tokens }) => new Set(tokens.map((one) => one.token)).size === tokens.length, 'two tokens are the same');

export type TokenFile = z.infer<typeof schema>;
export type TokenEntry = z.infer<typeof token>;

/** Makes what cannot be guessed. */
export type RandomBytes = (count: number) => Uint8Array;

/** Reads the file. E_TOKENS says what is wrong and shows nothing of what it holds. */
export function parseTokenFile(text: string, path: string): TokenFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own words may quote a token.
    throw new BerthError('E_TOKENS', `${path} is not JSON`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const where = issue.path.length === 0 ? 'the file' : issue.path.map(String).join('.');
    return `${where}: ${issue.code === 'custom' ? issue.message : 'this is not as it must be'}`;
  });
  throw new BerthError('E_TOKENS', `${path} is wrong: ${problems.slice(0, 5).join('; ')}`);
}

/** The text that `parseTokenFile` reads. */
export function printTokenFile(file: TokenFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** A file with one token, "default", that may write. */
export function newTokenFile(randomBytes: RandomBytes, nowMs: number): TokenFile {
  return addToken(emptyTokenFile(randomBytes), { name: 'default', access: 'write' }, randomBytes, nowMs);
}

/** A file without tokens. */
export function emptyTokenFile(randomBytes: RandomBytes): TokenFile {
  return { sessionKey: base64url(randomBytes(tokenBytes)), tokens: [] };
}

/** The file with one more token. E_USAGE for a name that cannot be, E_CONFLICT for one that is taken. */
export function addToken(
  file: TokenFile,
  wanted: { readonly name: string; readonly access: Access },
  randomBytes: RandomBytes,
  nowMs: number,
): TokenFile {
  const { name, access } = wanted;
  if (!namePattern.test(name)) {
    throw new BerthError('E_USAGE', `"${name}" cannot be the name of a token`, {
      suggestion: 'use letters, digits, dots, dashes and underscores, at most 63 of them',
    });
  }
  if (file.tokens.some((one) => one.name === name)) {
    throw new BerthError('E_CONFLICT', `there is a token "${name}" already`, {
      suggestion: `choose another name, or make it anew with: berth token rotate ${name}`,
    });
  }
  if (file.tokens.length >= mostTokens) throw new BerthError('E_USAGE', `there are ${mostTokens} tokens already`);
  return { ...file, tokens: [...file.tokens, { name, access, ...freshToken(randomBytes, nowMs) }] };
}

/** The file with this token made anew: the old one, and the logins by it, are void. E_NOT_FOUND. */
export function rotateToken(file: TokenFile, name: string, randomBytes: RandomBytes, nowMs: number): TokenFile {
  const found = findToken(file, name);
  const fresh = freshToken(randomBytes, nowMs);
  return { ...file, tokens: file.tokens.map((one) => (one === found ? { ...one, ...fresh } : one)) };
}

/** The file without this token. E_NOT_FOUND. */
export function removeToken(file: TokenFile, name: string): TokenFile {
  const found = findToken(file, name);
  return { ...file, tokens: file.tokens.filter((one) => one !== found) };
}

/** The token of this name. E_NOT_FOUND, with the nearest name that exists. */
export function findToken(file: TokenFile, name: string): TokenEntry {
  const found = file.tokens.find((one) => one.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    file.tokens.map((one) => one.name),
  );
  throw new BerthError('E_NOT_FOUND', `there is no token "${name}"`, {
    suggestion: near === undefined ? 'see them with: berth token list' : `did you mean "${near}"?`,
  });
}

/** SHA-256, for comparisons whose time tells nothing, and for what must not hold the token itself. */
export function hashToken(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function freshToken(randomBytes: RandomBytes, nowMs: number): { readonly token: string; readonly createdAt: string } {
  return { token: `berth_${base64url(randomBytes(tokenBytes))}`, createdAt: new Date(nowMs).toISOString() };
}

/** Bytes as text that needs no escaping in a cookie or an address. */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
