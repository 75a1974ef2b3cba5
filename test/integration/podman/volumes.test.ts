/** What named volumes hold, through real podman: read, written anew, and never somebody else's. */
import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { volumeName } from '../../../src/core/names.js';
import type { HostObject } from '../../../src/core/observation.js';
import { componentDefaults } from '../../../src/core/spec.js';
import { makePodmanHome, podman, type PodmanHome } from '../../support/podman-fixture.js';
import { ensureTestImage, type BuiltImage } from '../../support/podman-image.js';

let home: PodmanHome;
let image: BuiltImage;
const patience = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  [home, image] = [await makePodmanHome(), await ensureTestImage()];
  await home.driver.open(patience());
});
afterAll(async () => {
  await home.dispose();
  await image.remove();
});

const volume = (name: string): HostObject => ({
  kind: 'volume',
  driver: 'podman',
  name: volumeName(home.homeId, 'svc', name),
  service: 'svc',
  component: null,
});

/** A container of the home, not started, that names the volume; it makes the volume, too. */
function create(name: string): Promise<string> {
  const spec = { ...componentDefaults, name, image: image.reference, volumes: [`${name}:/data`] };
  const request = { service: 'svc', spec, role: 'main', generation: 1, specHash: 'x', env: {} } as const;
  return home.driver.create({ ...request, imageDigest: image.digest }, patience());
}

const folderOf = (name: string): Promise<string> => podman('volume', 'inspect', '--format', '{{.Mountpoint}}', name);

async function* chunks(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* parts;
}

async function readAll(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

const facts = async (path: string): Promise<string> => {
  const { mode, uid, gid } = await lstat(path);
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
};

it('content, owners, modes and links survive being read and written', async () => {
  const id = await create('data');
  const object = volume('data');
  const from = await folderOf(object.name);
  const large = randomBytes(3_000_000);
  await writeFile(join(from, 'large'), large);
  await mkdir(join(from, 'sub'));
  await writeFile(join(from, 'sub', 'ünïcode name'), 'text');
  await chown(join(from, 'sub', 'ünïcode name'), 5, 6);
  await chmod(join(from, 'sub', 'ünïcode name'), 0o4750);
  await symlink('/etc/passwd', join(from, 'link'));
  await chown(from, 1000, 1001);
  await chmod(from, 0o2770);
  const archive = await readAll(home.driver.readVolume(object, patience()));
  await home.driver.remove(id, patience());

  const other = { ...object, name: volumeName(home.homeId, 'svc', 'copy') };
  await home.driver.writeVolume(other, { tar: chunks(archive), sizeMb: null }, patience());
  const to = await folderOf(other.name);
  expect(await readdir(to)).toEqual(await readdir(from));
  expect(large.equals(await readFile(join(to, 'large')))).toBe(true);
  expect(await readFile(join(to, 'sub', 'ünïcode name'), 'utf8')).toBe('text');
  expect(await facts(join(to, 'sub', 'ünïcode name'))).toBe('4750 5:6');
  expect(await readlink(join(to, 'link'))).toBe('/etc/passwd');
  expect(await facts(to)).toBe('2770 1000:1001');
  expect((await home.driver.listObjects(patience())).map(({ name }) => name)).toContain(other.name);
});

it('what a volume held before is gone, whether or not a container names it', async () => {
  const object = volume('again');
  const archive = await readAll(
    home.driver.readVolume({ ...object, name: volumeName(home.homeId, 'svc', 'copy') }, patience()),
  );
  const id = await create('again');
  for (const isNamed of [true, false]) {
    await writeFile(join(await folderOf(object.name), 'old'), 'old');
    if (!isNamed) await home.driver.remove(id, patience());
    await home.driver.writeVolume(object, { tar: chunks(archive), sizeMb: null }, patience());
    expect((await readdir(await folderOf(object.name))).sort()).toEqual(['large', 'link', 'sub']);
  }
});

it('a volume of somebody else is neither read nor written', async () => {
  const object = volume('foreign');
  await podman('volume', 'create', object.name);
  try {
    const folder = await folderOf(object.name);
    await writeFile(join(folder, 'precious'), 'mine');
    const tar = chunks(Buffer.alloc(1024));
    await expect(readAll(home.driver.readVolume(object, patience()))).rejects.toMatchObject({ code: 'E_NAME_TAKEN' });
    await expect(home.driver.writeVolume(object, { tar, sizeMb: null }, patience())).rejects.toMatchObject({
      code: 'E_NAME_TAKEN',
    });
    expect(await readFile(join(folder, 'precious'), 'utf8')).toBe('mine');
  } finally {
    await podman('volume', 'rm', object.name);
  }
});

it('a volume that is not there is not found, and content that breaks off is an error', async () => {
  const object = volume('nowhere');
  await expect(readAll(home.driver.readVolume(object, patience()))).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  const broken = { tar: chunks(randomBytes(5_000)), sizeMb: null };
  await expect(home.driver.writeVolume(object, broken, patience())).rejects.toMatchObject({ code: 'E_DRIVER_FAILED' });
  async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.alloc(512);
    throw new Error('the source broke');
  }
  const failed = home.driver.writeVolume(object, { tar: failing(), sizeMb: null }, patience());
  await expect(failed).rejects.toThrow('the source broke');
  expect((await stat(await folderOf(object.name))).isDirectory()).toBe(true);
});
