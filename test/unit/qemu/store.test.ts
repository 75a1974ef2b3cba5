/** VMs on disk: they appear and go in one piece, and one that is damaged hides no other. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFolders } from '../../../src/runtimes/host/folders.js';
import { nameOf, VmStore, wholeOf } from '../../../src/runtimes/qemu/store.js';
import { vmRecord } from './vm-record.js';

let root: string;
let store: VmStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bh-store-'));
  store = new VmStore(createFolders(), root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const [first, second] = ['0123456789ab', 'ba9876543210'];

it('keeps what it is given, under its id and its name', async () => {
  const record = vmRecord({ id: first });
  await store.add(first, async (folder) => {
    await writeFile(join(folder, 'kernel'), 'k');
    return record;
  });
  expect(await store.find(first)).toEqual({ kind: 'whole', id: first, record });
  expect(wholeOf(await store.find(record.name), record.name)).toEqual(record);
  expect(await readdir(store.machine(first))).toEqual(['kernel']);
  await store.rename(record, 'shop-web.previous');
  expect(await store.find(record.name)).toBeUndefined();
  expect((await store.find('shop-web.previous'))?.id).toBe(first);
  await store.remove(first);
  expect(await readdir(root)).toEqual([]);
  await store.remove(first);
});

it('leaves nothing of one that could not be filled', async () => {
  await expect(store.add(first, () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
  expect(await readdir(root)).toEqual([]);
});

it('shows what is damaged, with its owner if that is left, and all the others', async () => {
  await store.add(first, () => Promise.resolve(vmRecord({ id: first })));
  await store.add(second, () => Promise.resolve(vmRecord({ id: second, name: 'shop-db', component: 'db' })));
  await writeFile(join(store.folder(first), 'vm.json'), '{"version":1');
  await mkdir(join(root, 'ffffffffffff'));
  const all = await store.all();
  expect(all.map((kept) => `${kept.kind} ${nameOf(kept)}`).sort()).toEqual([
    'broken ffffffffffff',
    'broken shop-web',
    'whole shop-db',
  ]);
  expect(() =>
    wholeOf(
      all.find(({ id }) => id === first),
      first,
    ),
  ).toThrow('cannot be read');
  expect(() => wholeOf(undefined, 'x')).toThrow('no virtual machine x');
});

it('sweeps what a killed agent left half made or half removed, and nothing else', async () => {
  await store.add(first, () => Promise.resolve(vmRecord({ id: first })));
  for (const name of ['.new-aaaaaaaaaaaa', '.gone-bbbbbbbbbbbb'])
    await mkdir(join(root, name, 'm'), { recursive: true });
  await store.sweep();
  expect(await readdir(root)).toEqual([first]);
});

it('counts no mark of an earlier run', async () => {
  await store.add(first, () => Promise.resolve(vmRecord({ id: first })));
  await store.markStarted(first, { uuid: 'one', atMs: 1 });
  await store.markEnd(first, { uuid: 'one', atMs: 2, exitCode: 3, problem: null });
  expect(await store.marks(first, 'one')).toEqual({
    started: { uuid: 'one', atMs: 1 },
    end: { uuid: 'one', atMs: 2, exitCode: 3, problem: null },
  });
  expect(await store.marks(first, 'two')).toEqual({});
});
