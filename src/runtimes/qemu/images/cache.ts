/**
 * What was built, kept by key. A folder is filled under a name that says who fills it, and takes its own name in one
 * step: whoever is killed at any instant leaves nothing that looks ready.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BerthError, messageOf } from '../../../core/errors.js';
import type { Chance, Clock } from '../../../core/ports/clock.js';
import type { Log } from '../../../core/ports/log.js';
import { fileError } from '../../host/folders.js';
import type { Host } from '../../host/host.js';
import { identityOf, isSameProcess, type ProcessIdentity } from '../../host/process-identity.js';
import type { CacheRequest, ImageCache } from '../contracts.js';

export interface ImageCacheOptions {
  readonly host: Host;
  /** `BERTH_HOME/vm/images`; made when it is missing. */
  readonly folder: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

/** A cached folder that no VM uses. */
export interface CacheGarbage {
  /** Its key. */
  readonly id: string;
  /** For people. */
  readonly what: string;
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly usedAtMs: number;
}

export interface CollectedImageCache extends ImageCache {
  /** Folders that no VM uses: a file with a second link is booted from, or will be. */
  garbage(): Promise<readonly CacheGarbage[]>;
  /** Removes the folder of a key unless a VM uses it by now; true when it is gone. */
  remove(id: string): Promise<boolean>;
  /** Removes what dead builders left. What a living process fills, this one or another, stays. */
  sweep(): Promise<void>;
}

type Make = (folder: string, signal: AbortSignal) => Promise<void>;

interface Build {
  readonly result: Promise<string>;
  readonly controller: AbortController;
  waiting: number;
}

/** Notes of the cache itself; its time of change is the time of its last use. */
const notesName = 'cache.json';
const notesSchema = z.object({ what: z.string(), createdAtMs: z.number() });
const keyPattern = /^[0-9a-f]{16,128}$/;
const making = '.making-';
const gone = '.gone-';

/** The name says which process fills the folder. */
const makingName = (by: ProcessIdentity, id: string): string =>
  `${making}${by.pid}.${by.startTicks}.${by.bootId}.${id}`;

function builderOf(name: string): ProcessIdentity | undefined {
  const [pid, startTicks, bootId] = name.slice(making.length).split('.');
  return pid && startTicks && bootId ? { pid: Number(pid), startTicks, bootId } : undefined;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

async function sync(path: string, flags: number): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** All of a folder on disk. */
async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await sync(path, constants.O_RDONLY);
  }
  await sync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
}

interface Contents {
  readonly bytes: number;
  readonly isLinked: boolean;
}

async function contentsOf(folder: string): Promise<Contents> {
  let [bytes, isLinked] = [0, false];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const below = await contentsOf(path);
      bytes += below.bytes;
      isLinked ||= below.isLinked;
      continue;
    }
    const { size, nlink } = await lstat(path);
    bytes += size;
    isLinked ||= nlink > 1;
  }
  return { bytes, isLinked };
}

/** See `createImageCache`. */
class FolderCache implements CollectedImageCache {
  readonly #options: ImageCacheOptions;
  readonly #builds = new Map<string, Build>();

  constructor(options: ImageCacheOptions) {
    this.#options = options;
  }

  async has(key: string): Promise<string | undefined> {
    checkKey(key);
    const folder = join(this.#options.folder, key);
    const usedAt = new Date(this.#options.clock.now());
    try {
      await utimes(join(folder, notesName), usedAt, usedAt);
      return folder;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw fileError(error, `look at ${folder}`);
    }
  }

  async ensure(request: CacheRequest, make: Make, signal: AbortSignal): Promise<string> {
    const { key } = request;
    const here = await this.has(key);
    if (here !== undefined) return here;
    if (signal.aborted) throw cancelled(request);
    let build = this.#builds.get(key);
    if (!build) {
      const controller = new AbortController();
      const result = this.#build(request, make, controller.signal).finally(() => this.#forget(key, controller));
      build = { result, controller, waiting: 0 };
      this.#builds.set(key, build);
    }
    return this.#await(request, build, signal);
  }

  async garbage(): Promise<readonly CacheGarbage[]> {
    const found: CacheGarbage[] = [];
    for (const id of await this.#names()) {
      if (!keyPattern.test(id)) continue;
      const entry = await this.#look(id);
      if (entry) found.push(entry);
    }
    return found;
  }

  async remove(id: string): Promise<boolean> {
    checkKey(id);
    const { folder, chance } = this.#options;
    const [from, to] = [join(folder, id), join(folder, `${gone}${chance.id()}`)];
    try {
      if ((await contentsOf(from)).isLinked) return false;
      await rename(from, to);
      // Somebody may have taken it in between: then it goes back.
      if ((await contentsOf(to)).isLinked) {
        await rename(to, from);
        return false;
      }
      await rm(to, { recursive: true, force: true });
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return true;
      throw fileError(error, `remove ${from}`);
    }
  }

  async sweep(): Promise<void> {
    const { folder, host, log } = this.#options;
    for (const name of await this.#names()) {
      const builder = name.startsWith(making) ? builderOf(name) : undefined;
      const isOurs = name.startsWith(gone) || name.startsWith(making);
      if (!isOurs || (builder && (await isSameProcess(host, builder)))) continue;
      await rm(join(folder, name), { recursive: true, force: true }).catch((error: unknown) => {
        log.warn({ folder: join(folder, name), error: messageOf(error) }, 'a half-made image could not be removed');
      });
    }
  }

  async #names(): Promise<readonly string[]> {
    const { folder } = this.#options;
    return readdir(folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw fileError(error, `list ${folder}`);
    });
  }

  /** undefined: in use, or gone meanwhile. */
  async #look(id: string): Promise<CacheGarbage | undefined> {
    const folder = join(this.#options.folder, id);
    try {
      const { bytes, isLinked } = await contentsOf(folder);
      if (isLinked) return undefined;
      const notes = notesSchema.safeParse(parseJson(await readFile(join(folder, notesName), 'utf8').catch(() => '')));
      const { mtimeMs } = await stat(notes.success ? join(folder, notesName) : folder);
      return { id, what: notes.data?.what ?? `an image that cannot be read, ${id}`, bytes, usedAtMs: mtimeMs };
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw fileError(error, `look at ${folder}`);
    }
  }

  /** Waits for a build; the last one to leave ends it. */
  async #await(request: CacheRequest, build: Build, signal: AbortSignal): Promise<string> {
    build.waiting += 1;
    let leave: () => void = () => undefined;
    const left = new Promise<never>((_resolve, reject) => {
      leave = () => reject(cancelled(request));
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([build.result, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      build.waiting -= 1;
      if (build.waiting === 0) await this.#end(request.key, build, signal);
    }
  }

  /** Nobody waits any more: a build that still runs is ended, and has tidied up when this returns. */
  async #end(key: string, build: Build, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) return;
    this.#forget(key, build.controller);
    build.controller.abort();
    await build.result.catch(() => undefined);
  }

  #forget(key: string, controller: AbortController): void {
    if (this.#builds.get(key)?.controller === controller) this.#builds.delete(key);
  }

  async #build(request: CacheRequest, make: Make, signal: AbortSignal): Promise<string> {
    const { host, folder, clock, chance, log } = this.#options;
    const by = await identityOf(host, host.pid);
    if (!by) throw new BerthError('E_INTERNAL', 'this process cannot be identified by /proc');
    const fresh = join(folder, makingName(by, chance.id()));
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await mkdir(fresh, { mode: 0o700 });
      await make(fresh, signal);
      if (signal.aborted) throw cancelled(request);
      const notes = { what: request.what, createdAtMs: clock.now() };
      await writeFile(join(fresh, notesName), `${JSON.stringify(notes)}\n`, { mode: 0o600 });
      await syncTree(fresh);
      return await this.#settle(fresh, request.key);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true, maxRetries: 3 }).catch((failure: unknown) => {
        log.warn({ folder: fresh, error: messageOf(failure) }, 'a half-made image could not be removed');
      });
      throw fileError(error, `make ${request.what}`);
    }
  }

  /** Gives it its name; what another process put there meanwhile is as good. */
  async #settle(fresh: string, key: string): Promise<string> {
    const { folder } = this.#options;
    const final = join(folder, key);
    try {
      await rename(fresh, final);
    } catch (error) {
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
      await rm(fresh, { recursive: true, force: true });
    }
    await sync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    return (await this.has(key)) ?? final;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** True for what may be the name of a folder in the cache. */
export function isCacheKey(key: string): boolean {
  return keyPattern.test(key);
}

function checkKey(key: string): void {
  if (!isCacheKey(key)) throw new BerthError('E_INTERNAL', `${key} is no key of the image cache`);
}

function cancelled(request: CacheRequest): BerthError {
  return new BerthError('E_DRIVER_TIMEOUT', `making the ${request.what} was cancelled`);
}

/** The cache in a folder of the home. */
export function createImageCache(options: ImageCacheOptions): CollectedImageCache {
  return new FolderCache(options);
}
