/** The cache of built images: one build a key, never half a folder, nothing removed that is in use. */
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BerthError } from '../../../../src/core/errors.js';
import { createNodeHost } from '../../../../src/runtimes/host/host.js';
import { identityOf } from '../../../../src/runtimes/host/process-identity.js';
import { createImageCache, type CollectedImageCache } from '../../../../src/runtimes/qemu/images/index.js';
import { silentLog } from '../../../support/podman-fixture.js';
import { realChance, realClock } from '../../../support/real-clock.js';

let folder: string;
let cache: CollectedImageCache;
const key = 'a'.repeat(64);
const request = { key, what: 'image of a:1 for microvm' };
const never = new AbortController().signal;
const fill = (place: string): Promise<void> => writeFile(join(place, 'root'), 'content');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cache-'));
  cache = another();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function another(now = realClock.now()): CollectedImageCache {
  const clock = { ...realClock, now: () => now };
  return createImageCache({ host: createNodeHost(), folder, clock, chance: realChance, log: silentLog });
}

/** A make that waits until it is told to go on, or is ended. */
function waiting(): {
  make: (place: string, signal: AbortSignal) => Promise<void>;
  go: () => void;
  made: () => number;
} {
  let [go, made]: [() => void, number] = [() => undefined, 0];
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const make = async (place: string, signal: AbortSignal): Promise<void> => {
    made += 1;
    await fill(place);
    const ended = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('ended')), { once: true });
    });
    await Promise.race([gate, ended]);
  };
  return { make, go: () => go(), made: () => made };
}

it('concurrent callers share one build, and later ones what it made', async () => {
  const { make, go, made } = waiting();
  const both = Promise.all([cache.ensure(request, make, never), cache.ensure(request, make, never)]);
  expect(await cache.has(key)).toBeUndefined();
  go();
  expect(await both).toEqual([join(folder, key), join(folder, key)]);
  expect(await cache.ensure(request, make, never)).toBe(join(folder, key));
  expect(made()).toBe(1);
  expect(await readdir(folder)).toEqual([key]);
});

it('one caller that leaves does not end the build of another; the last one does', async () => {
  const { make, go } = waiting();
  const [first, second] = [new AbortController(), new AbortController()];
  const left = cache.ensure(request, make, first.signal);
  const stayed = cache.ensure(request, make, second.signal);
  const told = expect(left).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
  first.abort();
  await told;
  go();
  expect(await readFile(join(await stayed, 'root'), 'utf8')).toBe('content');

  const other = { key: 'b'.repeat(64), what: 'other' };
  const last = new AbortController();
  const alone = expect(cache.ensure(other, waiting().make, last.signal)).rejects.toMatchObject({
    code: 'E_DRIVER_TIMEOUT',
  });
  last.abort();
  await alone;
  expect(await readdir(folder)).toEqual([key]);
  expect(await cache.ensure(other, fill, never)).toBe(join(folder, other.key));
});

it('a build that fails leaves nothing, and the next one begins anew', async () => {
  const fails = async (place: string): Promise<void> => {
    await fill(place);
    throw new BerthError('E_OPS', 'ops failed');
  };
  await expect(cache.ensure(request, fails, never)).rejects.toMatchObject({ code: 'E_OPS' });
  expect(await readdir(folder)).toEqual([]);
  const full = async (): Promise<void> => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  await expect(cache.ensure(request, full, never)).rejects.toMatchObject({ code: 'E_DISK_FULL' });
  expect(await cache.ensure(request, fill, never)).toBe(join(folder, key));
});

it('two agents that build the same at once both get it', async () => {
  const [one, two] = [waiting(), waiting()];
  const both = [cache.ensure(request, one.make, never), another().ensure(request, two.make, never)];
  one.go();
  two.go();
  expect(await Promise.all(both)).toEqual([join(folder, key), join(folder, key)]);
  expect(await readdir(folder)).toEqual([key]);
});

it('what a VM has linked is no garbage and is not removed', async () => {
  const place = await another(1_000_000).ensure(request, fill, never);
  expect(await cache.garbage()).toMatchObject([{ id: key, what: request.what, usedAtMs: 1_000_000 }]);
  await another(2_000_000).has(key);
  expect(await cache.garbage()).toMatchObject([{ usedAtMs: 2_000_000 }]);
  await mkdir(join(folder, 'vm'));
  await link(join(place, 'root'), join(folder, 'vm', 'root'));
  expect(await cache.garbage()).toEqual([]);
  expect(await cache.remove(key)).toBe(false);
  expect(await cache.has(key)).toBe(place);
  await rm(join(folder, 'vm'), { recursive: true });
  expect(await cache.remove(key)).toBe(true);
  expect(await cache.remove(key)).toBe(true);
  expect(await readdir(folder)).toEqual([]);
});

it('a sweep removes what dead builders left, and nothing that a living one fills', async () => {
  const { make, go } = waiting();
  const running = cache.ensure(request, make, never);
  const host = createNodeHost();
  const mine = await identityOf(host, process.pid);
  const dead = ['.making-1.1.boot.x', `.making-${process.pid}.1.${mine?.bootId ?? ''}.x`, '.making-half', '.gone-x'];
  const alive = `.making-${process.pid}.${mine?.startTicks ?? ''}.${mine?.bootId ?? ''}.other`;
  for (const name of [...dead, alive, 'b'.repeat(64)]) await mkdir(join(folder, name), { recursive: true });
  await another().sweep();
  const left = await readdir(folder);
  expect(left).toEqual(expect.arrayContaining([alive, 'b'.repeat(64)]));
  for (const name of dead) expect(left).not.toContain(name);
  go();
  expect(await readdir(await running)).toEqual(expect.arrayContaining(['root']));
});

it('a key that is none is refused before it becomes a path', async () => {
  for (const bad of ['', '..', '../x', 'A'.repeat(64), `${key}/..`]) {
    await expect(cache.remove(bad)).rejects.toMatchObject({ code: 'E_INTERNAL' });
  }
});
