/** What `berth token` does: reads and changes the tokens of a home, agent or none. */
import type { Clock } from '../../../core/ports/clock.js';
import type { Access } from '../contract.js';
import { addToken, findToken, removeToken, rotateToken, type RandomBytes, type TokenEntry } from './token-file.js';
import type { TokenStore } from './token-store.js';

/** Of a home. Each call may fail with E_TOKENS; E_NOT_FOUND for a name that is none. */
export interface TokenKeeper {
  /** The file. */
  readonly path: string;
  list(): Promise<readonly TokenEntry[]>;
  show(name: string): Promise<TokenEntry>;
  /** E_USAGE for a name that cannot be, E_CONFLICT for one that is taken. */
  add(name: string, access: Access): Promise<TokenEntry>;
  /** The token of before, and the logins by it, are void. */
  rotate(name: string): Promise<TokenEntry>;
  remove(name: string): Promise<void>;
}

export interface TokenKeeperOptions {
  readonly path: string;
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

export function createTokenKeeper({ path, store, clock, randomBytes }: TokenKeeperOptions): TokenKeeper {
  const none = { sessionKey: '', tokens: [] };
  return {
    path,
    list: async () => (await store.read())?.tokens ?? [],
    show: async (name) => findToken((await store.read()) ?? none, name),
    add: async (name, access) =>
      findToken(await store.update((file) => addToken(file, { name, access }, randomBytes, clock.now())), name),
    rotate: async (name) =>
      findToken(await store.update((file) => rotateToken(file, name, randomBytes, clock.now())), name),
    remove: async (name) => {
      await store.update((file) => removeToken(file, name));
    },
  };
}
