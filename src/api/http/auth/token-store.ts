/** The tokens of a home, as they are in its file now. */
import type { Clock } from '../../../core/ports/clock.js';
import type { Log } from '../../../core/ports/log.js';
import { BerthError, isBerthError, messageOf } from '../../../core/errors.js';
import type { TokenAccess } from './token-access.js';
import { emptyTokenFile, newTokenFile, parseTokenFile, printTokenFile, type TokenFile } from './token-file.js';

export interface TokenStoreOptions {
  /** Absolute: `BERTH_HOME/tokens.json`. */
  readonly path: string;
  readonly files: TokenAccess;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
}

export interface TokenStore {
  /** What the file says now: it is read again when it changed. null: there is none. E_TOKENS when it cannot be used. */
  read(): Promise<TokenFile | null>;
  /** Makes the file with a token "default" that may write, unless there is one. E_TOKENS. */
  ensure(): Promise<TokenFile>;
  /** Changes the file, one writer after the other; a file that cannot be used is never overwritten. E_TOKENS. */
  update(change: (file: TokenFile) => TokenFile): Promise<TokenFile>;
}

/** A change takes some milliseconds: whoever is seen to hold the lock for longer than this has died. */
const lockExpiresMs = 10_000;
const lockPauseMs = 20;
const lockPatienceMs = 15_000;

/** The store over the file of a home. Reads nothing before it is asked. */
export function createTokenStore(options: TokenStoreOptions): TokenStore {
  const { path, files, clock, randomBytes, log } = options;
  let known: { readonly stamp: string; readonly file: TokenFile } | undefined;

  const read = async (): Promise<TokenFile | null> => {
    const stamp = await files.stamp(path);
    if (stamp === null) {
      known = undefined;
      return null;
    }
    if (known?.stamp === stamp) return known.file;
    if (await files.makePrivate(path)) {
      log.warn({ path }, 'the file of tokens was open to others; it is private now, but its tokens may be known');
    }
    const text = await files.read(path);
    if (text === null) return null;
    const file = parseTokenFile(text, path);
    // The stamp from before the reading: a change in between is seen the next time.
    known = { stamp, file };
    return file;
  };

  const temporary = (): string => `${path}.${Buffer.from(randomBytes(6)).toString('hex')}.new`;

  const create = async (file: TokenFile): Promise<TokenFile> => {
    if (await files.create(path, printTokenFile(file), temporary())) return file;
    return (await read()) ?? create(file);
  };

  const update = async (change: (file: TokenFile) => TokenFile): Promise<TokenFile> => {
    const held = await lock(`${path}.lock`, options);
    try {
      const before = await read();
      const after = change(before ?? emptyTokenFile(randomBytes));
      const text = printTokenFile(after);
      // What could not be read again would lock everybody out.
      parseTokenFile(text, path);
      if (await held.isOurs()) {
        await files.replace(path, text, temporary());
        return after;
      }
    } finally {
      await held.release();
    }
    // It was taken for dead, as after a suspend: what it read may be old by now.
    return update(change);
  };

  return {
    read: () => wrapped(path, read),
    ensure: () => wrapped(path, async () => (await read()) ?? create(newTokenFile(randomBytes, clock.now()))),
    update: (change) => wrapped(path, () => update(change)),
  };
}

interface Held {
  /** False: it was held for so long that somebody else took it. */
  isOurs(): Promise<boolean>;
  release(): Promise<void>;
}

/** One writer after the other, also of other processes. */
async function lock(path: string, { files, clock }: TokenStoreOptions): Promise<Held> {
  const deadline = clock.monotonic() + lockPatienceMs;
  let seen: { readonly stamp: string | null; readonly sinceMs: number } = { stamp: null, sinceMs: 0 };
  while (!(await files.claim(path))) {
    const [stamp, nowMs] = [await files.stamp(path), clock.monotonic()];
    if (stamp !== seen.stamp) seen = { stamp, sinceMs: nowMs };
    else if (stamp !== null && nowMs - seen.sinceMs > lockExpiresMs) await takeAway(path, stamp, files);
    if (nowMs > deadline) {
      throw new BerthError('E_TOKENS', `somebody else is changing the tokens (${path})`, {
        suggestion: 'try again; if nobody is, remove that file',
      });
    }
    await new Promise<void>((resolve) => clock.after(lockPauseMs, resolve));
  }
  const own = await files.stamp(path);
  const isOurs = async (): Promise<boolean> => own !== null && (await files.stamp(path)) === own;
  return {
    isOurs,
    release: async () => {
      if (await isOurs()) await files.remove(path);
    },
  };
}

/**
 * Removes the lock of one who died, which bears that stamp. Of all who wait, one at a time may: a second one would remove
 * the lock that the first has made meanwhile.
 */
async function takeAway(path: string, stamp: string, files: TokenAccess): Promise<void> {
  const right = `${path}.${stamp}`;
  if (!(await files.claim(right))) return;
  try {
    if ((await files.stamp(path)) === stamp) await files.remove(path);
  } finally {
    await files.remove(right);
  }
}

/** What the file system says becomes E_TOKENS; our own errors pass. */
async function wrapped<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isBerthError(error)) throw error;
    throw new BerthError('E_TOKENS', `${path} cannot be used: ${messageOf(error)}`, {
      cause: error,
      suggestion: 'look at the cause: rights, disk space, file system',
    });
  }
}
