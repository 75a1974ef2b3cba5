/** Images of a real podman as what boots a microVM: an archive for memory, and a disk. */
import { createReadStream } from 'node:fs';
import { link, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPipes } from '../../../src/runtimes/host/pipes.js';
import type { ImageSource } from '../../../src/core/ports/image-source.js';
import { createImageSource, createNodeHost } from '../../../src/runtimes/podman/index.js';
import { createImageCache, ensureLinuxImage, type LinuxImageDeps } from '../../../src/runtimes/qemu/images/index.js';
import { makePodmanHome, silentLog, type PodmanHome } from '../../support/podman-fixture.js';
import { ensureTestImage, type BuiltImage } from '../../support/podman-image.js';
import { realChance, realClock } from '../../support/real-clock.js';

const patience = (): AbortSignal => AbortSignal.timeout(120_000);
const commandDeadlineMs = 60_000;
/** Neither its bytes nor its length fit a plain tar header. */
const longName = `ünïcode-${'x'.repeat(150)}`;
let image: BuiltImage;
let home: PodmanHome;
let folder: string;

beforeAll(async () => {
  image = await ensureTestImage({
    lines: [
      'COPY --chown=1000:1001 --chmod=4755 rootfs/bin/busybox /srv/tool',
      'COPY --chown=7:8 --chmod=0640 rootfs/bin/busybox /srv/hidden',
      'RUN ["/bin/busybox", "rm", "/bin/nc", "/srv/hidden"]',
      'RUN ["/bin/busybox", "mkdir", "-p", "/.berth/bin", "/etc", "/var/empty/deep"]',
      'RUN ["/bin/busybox", "sh", "-c", "echo web:x:1000:1001::/srv:/bin/sh > /etc/passwd; echo staff:x:50:web > /etc/group"]',
      'RUN ["/bin/busybox", "ln", "/srv/tool", "/srv/tool-too"]',
      `RUN ["/bin/busybox", "sh", "-c", "echo long > /srv/${longName}; ln -s ${longName} /srv/link"]`,
      'USER web',
      'WORKDIR /srv',
      'ENTRYPOINT ["/bin/sh", "-c"]',
    ],
  });
  home = await makePodmanHome();
  await home.driver.open(patience());
});
afterAll(async () => {
  await home.dispose();
  await image.remove();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-images-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Stage extends LinuxImageDeps {
  /** How often an image was asked of podman. */
  readonly saved: () => number;
}

function stage(initramfsLimitMb: number): Stage {
  const host = createNodeHost();
  const real = createImageSource(home.driver);
  let saves = 0;
  const source: ImageSource = {
    ...real,
    save: (digest, path, signal) => {
      saves += 1;
      return real.save(digest, path, signal);
    },
  };
  const cache = createImageCache({ host, folder, clock: realClock, chance: realChance, log: silentLog });
  const settings = { initramfsLimitMb, buildDeadlineMs: commandDeadlineMs };
  return { cache, source, host, pipes: createPipes(), settings, saved: () => saves };
}

/** What `ls -l` would say of each: mode and name, link target included. */
const factsOf = (listing: string): Record<string, string> =>
  Object.fromEntries(
    listing
      .split('\n')
      .filter((line) => /^[-dlcbps]/.test(line))
      .map((line) => {
        const [mode = '', owner = ''] = line.split(/\s+/);
        const path = line.replace(/^.*\d\d:\d\d(:\d\d)? /, '').replace(/^squashfs-root/, '');
        const [name = '', target] = path.split(' -> ');
        return [`/${name.replace(/^[./]+/, '')}`, `${mode} ${owner}${target === undefined ? '' : ` -> ${target}`}`];
      }),
  );

const expected = {
  '/': /^drwxr-xr-x/,
  '/bin/busybox': /^-rwxr-xr-x (0\/0|root\/root)$/,
  '/bin/sh': /^lrwxrwxrwx (0\/0|root\/root) -> busybox$/,
  '/srv/tool': /^-rwsr-xr-x 1000\/1001$/,
  '/var/empty/deep': /^drwxr-xr-x (0\/0|root\/root)$/,
};

function checkListing(listing: string): void {
  const facts = factsOf(listing);
  for (const [path, words] of Object.entries(expected)) expect(facts[path], `${path} in\n${listing}`).toMatch(words);
  expect(Object.keys(facts)).not.toEqual(expect.arrayContaining(['/bin/nc']));
  expect(Object.keys(facts).filter((path) => /hidden|\.berth|\.wh\.|\bnc$/.test(path))).toEqual([]);
}

it('a small image becomes an archive that cpio reads, with owners, modes and links', async () => {
  const made = await ensureLinuxImage(stage(48), image, patience());
  expect(made).toMatchObject({ root: 'initramfs', file: 'root.cpio.gz' });
  const input = createReadStream(join(made.folder, made.file)).pipe(createGunzip());
  const { stdout } = await execa('/bin/busybox', ['cpio', '-t', '-v'], { input, timeout: commandDeadlineMs });
  checkListing(stdout);
  const { size } = await stat('/bin/busybox');
  expect(made.unpackedBytes).toBeGreaterThanOrEqual(2 * size);
  expect(made.unpackedBytes).toBeLessThan(2 * size + 1_000);
  expect(made.config).toMatchObject({ user: 'web', workdir: '/srv', entrypoint: ['/bin/sh', '-c'] });
  expect(made.config.env).toMatchObject({ IMAGE_SAYS: 'yes' });
  expect([made.passwd, made.group]).toEqual(['web:x:1000:1001::/srv:/bin/sh\n', 'staff:x:50:web\n']);
});

it('the archive unpacks to the very files', async () => {
  const made = await ensureLinuxImage(stage(48), image, patience());
  const input = createReadStream(join(made.folder, made.file)).pipe(createGunzip());
  const target = await mkdtemp(join(folder, 'unpacked-'));
  const argv = ['cpio', '-i', '-d', 'srv', 'srv/tool', 'srv/tool-too', `srv/${longName}`, 'etc/passwd'];
  await execa('/bin/busybox', argv, { input, cwd: target, timeout: commandDeadlineMs });
  const busybox = await readFile('/bin/busybox');
  expect(busybox.equals(await readFile(join(target, 'srv/tool')))).toBe(true);
  expect(busybox.equals(await readFile(join(target, 'srv/tool-too')))).toBe(true);
  expect(await readFile(join(target, 'etc/passwd'), 'utf8')).toBe('web:x:1000:1001::/srv:/bin/sh\n');
  expect((await stat(join(target, 'srv/tool'))).nlink).toBe(2);
  expect(await readFile(join(target, 'srv', longName), 'utf8')).toBe('long\n');
});

it('an image above the limit becomes a disk with the same tree', async () => {
  const made = await ensureLinuxImage(stage(1), image, patience());
  expect(made).toMatchObject({ root: 'disk', file: 'root.squashfs' });
  const disk = join(made.folder, made.file);
  expect((await stat(disk)).size).toBe(made.fileBytes);
  const { stdout } = await execa('unsquashfs', ['-lln', disk], { timeout: commandDeadlineMs });
  checkListing(stdout);
  const target = join(folder, 'unpacked');
  await execa('unsquashfs', ['-no-progress', '-d', target, disk], { timeout: commandDeadlineMs });
  expect((await readFile('/bin/busybox')).equals(await readFile(join(target, 'srv/tool')))).toBe(true);
  expect(await readFile(join(target, 'srv/link'), 'utf8')).toBe('long\n');
});

it('what is cached is not asked of podman again, and is garbage until something is linked to it', async () => {
  const deps = stage(48);
  const [first, second] = await Promise.all([
    ensureLinuxImage(deps, image, patience()),
    ensureLinuxImage(deps, image, patience()),
  ]);
  const third = await ensureLinuxImage(deps, image, patience());
  expect([second, third]).toEqual([first, first]);
  expect(deps.saved()).toBe(1);
  expect(await readdir(folder)).toHaveLength(1);
  expect(await deps.cache.garbage()).toMatchObject([{ what: `image of ${image.reference} for microvm` }]);
  const used = join(folder, '..', `berth-link-${first.folder.slice(-12)}`);
  await link(join(first.folder, first.file), used);
  try {
    expect(await deps.cache.garbage()).toEqual([]);
  } finally {
    await rm(used);
  }
});

it('a cached image whose file was taken away is made anew', async () => {
  const deps = stage(48);
  const { folder: place, file } = await ensureLinuxImage(deps, image, patience());
  await rm(join(place, file));
  const again = await ensureLinuxImage(deps, image, patience());
  expect((await stat(join(again.folder, again.file))).size).toBe(again.fileBytes);
  expect(deps.saved()).toBe(2);
});

it('an image that podman has not leaves nothing behind', async () => {
  const nobody = { digest: `sha256:${'0'.repeat(64)}`, reference: 'localhost/nobody:1' };
  await expect(ensureLinuxImage(stage(48), nobody, patience())).rejects.toMatchObject({ code: 'E_IMAGE_MISSING' });
  expect(await readdir(folder)).toEqual([]);
});

it('without sqfstar a large image names the package to install', async () => {
  const deps = stage(1);
  const bare = { ...deps, host: { ...deps.host, findProgram: () => Promise.resolve(undefined) } };
  await expect(ensureLinuxImage(bare, image, patience())).rejects.toMatchObject({
    code: 'E_RUNTIME_UNAVAILABLE',
    suggestion: expect.stringContaining('squashfs-tools') as unknown,
  });
  expect(await readdir(folder)).toEqual([]);
});
