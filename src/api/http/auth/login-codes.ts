/** Codes of login links: each works once, within some minutes. They live in memory: a restart voids them. */
import { base64url, hashToken, type RandomBytes, type TokenEntry, type TokenFile } from './token-file.js';

const codeMs = 600_000;
const codeBytes = 24;
/** More than that at once: the oldest is void. */
const mostCodes = 100;

interface Issued {
  readonly name: string;
  readonly tokenHash: string;
  readonly expiresAtMs: number;
}

export class LoginCodes {
  readonly #randomBytes: RandomBytes;
  readonly #issued = new Map<string, Issued>();

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  /** A code that logs in by this token. Times in Unix milliseconds. */
  issue(entry: TokenEntry, nowMs: number): { readonly code: string; readonly expiresAtMs: number } {
    const code = base64url(this.#randomBytes(codeBytes));
    const expiresAtMs = nowMs + codeMs;
    this.#issued.set(digest(code), { name: entry.name, tokenHash: digest(entry.token), expiresAtMs });
    const [oldest] = this.#issued.keys();
    if (this.#issued.size > mostCodes && oldest !== undefined) this.#issued.delete(oldest);
    return { code, expiresAtMs };
  }

  /** Whether a code may still be redeemed. */
  isOpen(code: string, nowMs: number): boolean {
    return (this.#issued.get(digest(code))?.expiresAtMs ?? 0) > nowMs;
  }

  /** The token that a code stands for, once; undefined: it was used, is too old, or the token is another by now. */
  redeem(code: string, file: TokenFile, nowMs: number): TokenEntry | undefined {
    // Looked up by its hash: the time of the look tells nothing of the code.
    const key = digest(code);
    const issued = this.#issued.get(key);
    if (issued === undefined) return undefined;
    this.#issued.delete(key);
    if (issued.expiresAtMs <= nowMs) return undefined;
    return file.tokens.find((one) => one.name === issued.name && digest(one.token) === issued.tokenHash);
  }
}

function digest(text: string): string {
  return hashToken(text).toString('hex');
}
