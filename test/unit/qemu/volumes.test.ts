/** Disks of named volumes, made and read with e2fsprogs, without a machine. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack, extract, type Header } from 'tar-stream';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { volumeName } from '../../../src/core/names.js';
import { createFolders } from '../../../src/runtimes/host/folders.js';
import { createNodeHost } from '../../../src/runtimes/host/host.js';
import { VmVolumes } from '../../../src/runtimes/qemu/volumes.js';

const homeId = '11111111-2222-4333-8444-555555555555';
const name = volumeName(homeId, 'shop', 'data');

let root: string;
let volumes: VmVolumes;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bh-vol-'));
  const parts = { host: createNodeHost(), folders: createFolders(), driver: 'qemu', homeId };
  volumes = new VmVolumes({ ...parts, root, deadlineMs: 30_000 });
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface Entry extends Pick<Header, 'name' | 'mode' | 'uid' | 'gid'> {
  readonly linkname?: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly text?: string;
}

function tarOf(entries: readonly Entry[]): AsyncIterable<Uint8Array> {
  const archive = pack();
  for (const { text = '', ...header } of entries) archive.entry(header, text);
  archive.finalize();
  return archive as AsyncIterable<Uint8Array>;
}

async function entriesOf(tar: AsyncIterable<Uint8Array>): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const reader = extract();
  Readable.from(tar).pipe(reader);
  for await (const entry of reader) {
    const { name: path, mode, uid, gid, linkname, type } = entry.header;
    let text = '';
    for await (const chunk of entry as AsyncIterable<Buffer>) text += chunk.toString('utf8');
    const facts = `${type} ${mode.toString(8)} ${String(uid)}:${String(gid)} ${type === 'symlink' ? linkname : text}`;
    found.set(path.replace(/^\.\//, ''), facts);
  }
  return found;
}

const mebibyte = 1024 * 1024;

it('makes a disk once, lets it grow, and never shrinks it', async () => {
  await volumes.ensure(name, 16);
  await volumes.ensure(name, 64);
  expect((await stat(volumes.path(name))).size).toBe(16 * mebibyte);
  await volumes.grow(name, 24);
  expect((await stat(volumes.path(name))).size).toBe(24 * mebibyte);
  await volumes.grow(name, 8);
  expect((await stat(volumes.path(name))).size).toBe(24 * mebibyte);
  expect(await volumes.list()).toEqual([{ kind: 'volume', driver: 'qemu', name, service: 'shop', component: null }]);
  await volumes.remove(name);
  await volumes.remove(name);
  expect(await readdir(root)).toEqual([]);
});

it('holds what was written into it, owners, modes and links too', async () => {
  const entries: readonly Entry[] = [
    { name: './', type: 'directory', mode: 0o750, uid: 1000, gid: 1001 },
    { name: './a b', type: 'directory', mode: 0o700, uid: 5, gid: 6 },
    { name: './a b/ünï', type: 'file', mode: 0o640, uid: 1000, gid: 1001, text: 'hello' },
    { name: './link', type: 'symlink', mode: 0o777, uid: 0, gid: 0, linkname: 'a b/ünï' },
  ];
  await volumes.write(name, { tar: tarOf(entries), sizeMb: 16 });
  const found = await entriesOf(volumes.read(name));
  const isRoot = process.getuid?.() === 0;
  const owners = (uid: number, gid: number): string =>
    isRoot ? `${String(uid)}:${String(gid)}` : `${String(process.getuid?.())}:${String(process.getgid?.())}`;
  expect(found.get('a b/ünï')).toBe(`file 640 ${owners(1000, 1001)} hello`);
  expect(found.get('')).toBe(`directory 750 ${owners(1000, 1001)} `);
  expect(found.get('a b/')).toBe(`directory 700 ${owners(5, 6)} `);
  expect(found.get('link')).toBe(`symlink 777 ${owners(0, 0)} a b/ünï`);
  expect([...found.keys()].some((path) => path.includes('lost+found'))).toBe(false);
  // Written anew: nothing of before is left.
  await volumes.write(name, {
    tar: tarOf([{ name: './only', type: 'file', mode: 0o644, uid: 0, gid: 0 }]),
    sizeMb: 16,
  });
  expect([...(await entriesOf(volumes.read(name))).keys()].sort()).toEqual(['', 'only']);
  expect((await readdir(root)).length).toBe(1);
});

it('grows with what it has to hold', async () => {
  const text = 'x'.repeat(24 * mebibyte);
  await volumes.write(name, {
    tar: tarOf([{ name: './big', type: 'file', mode: 0o644, uid: 0, gid: 0, text }]),
    sizeMb: 8,
  });
  expect((await stat(volumes.path(name))).size).toBeGreaterThan(24 * mebibyte);
});

it('touches nothing that is not of this home', async () => {
  const others = volumeName('99999999-2222-4333-8444-555555555555', 'shop', 'data');
  for (const bad of [others, '../../etc/passwd', `${name}/../x`, '']) {
    expect(() => volumes.path(bad)).toThrow('no volume of this home');
    await expect(volumes.remove(bad)).rejects.toThrow('no volume of this home');
  }
  await expect(volumes.read(name).next()).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
});
