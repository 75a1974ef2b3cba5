/** What `berth gc` may take of kernels and base archives. */
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFolders } from '../../../../src/runtimes/host/folders.js';
import { guestGarbage } from '../../../../src/runtimes/qemu/guest/garbage.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bh-gc-'));
  for (const version of ['6.1.0-1-cloud', '6.1.0-2-cloud', '6.1.0-3-cloud']) {
    await mkdir(join(folder, `linux-${version}`));
    await writeFile(join(folder, `linux-${version}`, 'vmlinuz'), 'kernel');
  }
  for (const name of ['base-aa.cpio.gz', 'base-bb.cpio.gz', 'note.txt']) await writeFile(join(folder, name), 'x');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it('is what neither serves nor boots a machine', async () => {
  // A machine was made from the first kernel: it has a second name.
  await link(join(folder, 'linux-6.1.0-1-cloud', 'vmlinuz'), join(folder, 'in-use'));
  const image = join(folder, 'linux-6.1.0-3-cloud', 'vmlinuz');
  const kernel = { version: '6.1.0-3-cloud', image, modules: '', origin: 'home' } as const;
  const found = await guestGarbage({ folders: createFolders(), folder }, kernel, join(folder, 'base-bb.cpio.gz'));
  expect(found.map(({ id }) => id).sort()).toEqual(['base-aa.cpio.gz', 'linux-6.1.0-2-cloud']);
});

it('is all that has no second name where nothing serves', async () => {
  const found = await guestGarbage({ folders: createFolders(), folder }, null, null);
  expect(found.map(({ id }) => id)).toHaveLength(5);
});
