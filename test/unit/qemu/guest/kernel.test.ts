import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFolders } from '../../../../src/runtimes/host/folders.js';
import { createNodeHost, type Host, type RunResult } from '../../../../src/runtimes/host/host.js';
import type { LinuxKernel } from '../../../../src/runtimes/qemu/contracts.js';
import { ensureBase, isStaticElf } from '../../../../src/runtimes/qemu/guest/base.js';
import { findKernel } from '../../../../src/runtimes/qemu/guest/kernel.js';
import { launcher } from '../../../../src/runtimes/qemu/guest/launcher.js';
import { dependenciesOf, moduleGroups, readModules } from '../../../../src/runtimes/qemu/guest/modules.js';
import { dependencyOf, setUpKernel } from '../../../../src/runtimes/qemu/guest/set-up.js';
import { realClock } from '../../../support/real-clock.js';

const folders = createFolders();
const never = new AbortController().signal;
let folder: string;
/** Vitest's own is of type any. */
const containing = (text: string): unknown => expect.stringContaining(text);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-kernel-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A file below the test's folder, with its folders. */
async function put(path: string, content: string | Uint8Array = ''): Promise<string> {
  const whole = join(folder, path);
  await mkdir(join(whole, '..'), { recursive: true });
  await writeFile(whole, content);
  return whole;
}

const places = (): Parameters<typeof findKernel>[2] => ({
  folder: join(folder, 'home'),
  boot: join(folder, 'boot'),
  modules: join(folder, 'modules'),
});
const find = (settings: Partial<Parameters<typeof findKernel>[1]> = {}): Promise<LinuxKernel> =>
  findKernel(folders, { kernel: null, kernelModules: null, ...settings }, places());

describe('the kernel of microVMs', () => {
  it('is missing with a remedy', async () => {
    await put('boot/vmlinuz-6.1');
    await expect(find()).rejects.toMatchObject({
      code: 'E_KERNEL_MISSING',
      suggestion: containing('vm setup'),
    });
  });

  it('is the newest of this machine that has its modules', async () => {
    for (const version of ['6.9.1-2', '6.10.0-1', '6.12.0']) await put(`boot/vmlinuz-${version}`);
    for (const version of ['6.9.1-2', '6.10.0-1']) await put(`modules/${version}/kernel/a.ko`);
    expect(await find()).toEqual({
      version: '6.10.0-1',
      image: join(folder, 'boot/vmlinuz-6.10.0-1'),
      modules: join(folder, 'modules/6.10.0-1'),
      origin: 'boot',
    });
  });

  it("is the home's own before this machine's, and the setting's before both", async () => {
    await put('boot/vmlinuz-6.9');
    await put('modules/6.9/kernel/a.ko');
    await put('home/linux-6.1/vmlinuz');
    await put('home/linux-6.1/modules/kernel/a.ko');
    expect(await find()).toMatchObject({ version: '6.1', origin: 'home' });
    const kernel = await put('mine/bzImage');
    await put('mine/lib/5.0/kernel/a.ko');
    expect(await find({ kernel, kernelModules: join(folder, 'mine/lib/5.0') })).toMatchObject({
      version: '5.0',
      image: kernel,
      origin: 'setting',
    });
    await expect(find({ kernel })).rejects.toMatchObject({ code: 'E_KERNEL_MISSING' });
    await expect(find({ kernel: join(folder, 'none') })).rejects.toMatchObject({ code: 'E_KERNEL_MISSING' });
  });
});

/** What stands in a module that matters here. */
const moduleOf = (depends: string): Buffer => Buffer.from(`ELF\0license=GPL\0depends=${depends}\0intree=Y\0`);
const kernelIn = (modules: string): LinuxKernel => ({ version: '1', image: modules, modules, origin: 'boot' });

describe('modules', () => {
  it('come after what they depend on; what is built in or optional may be missing', async () => {
    await put('m/modules.builtin', 'kernel/fs/ext4/ext4.ko\nkernel/drivers/virtio/virtio.ko\n');
    await put('m/kernel/virtio-pci.ko', moduleOf('virtio_ring,virtio,virtio_pci_modern_dev'));
    await put('m/kernel/a/virtio_ring.ko.gz', gzipSync(moduleOf('')));
    await put('m/kernel/a/virtio_pci_modern_dev.ko', moduleOf(''));
    await put('m/kernel/virtio_console.ko', moduleOf('virtio,virtio_ring'));
    await put('m/kernel/virtio_net.ko', moduleOf('net_failover,virtio_ring'));
    await put('m/kernel/net-failover.ko', moduleOf('failover'));
    await put('m/kernel/failover.ko', moduleOf(''));
    for (const name of ['virtio_blk', 'squashfs', 'overlay', 'evdev']) await put(`m/kernel/${name}.ko`, moduleOf(''));
    const { files, groups } = await readModules(createNodeHost(), kernelIn(join(folder, 'm')), never);
    expect(groups).toEqual({
      core: [],
      pci: ['virtio_ring.ko', 'virtio_pci_modern_dev.ko', 'virtio_pci.ko'],
      mmio: [],
      port: ['virtio_ring.ko', 'virtio_console.ko'],
      net: ['failover.ko', 'net_failover.ko', 'virtio_ring.ko', 'virtio_net.ko'],
      disk: ['virtio_blk.ko'],
      root: ['squashfs.ko', 'overlay.ko'],
      power: ['evdev.ko'],
    });
    expect(files.map(({ file }) => file).toSorted()).toEqual([...new Set(Object.values(groups).flat())].toSorted());
    expect(dependenciesOf(files.find(({ file }) => file === 'virtio_ring.ko')?.content ?? Buffer.from('x'))).toEqual(
      [],
    );
  });

  it.each(Object.values(moduleGroups).flatMap(({ essential }) => essential))(
    'cannot do without %s',
    async (missing) => {
      const names = Object.values(moduleGroups).flatMap(({ essential }) => essential);
      for (const name of names) if (name !== missing) await put(`m/kernel/${name}.ko`, moduleOf(''));
      const reading = readModules(createNodeHost(), kernelIn(join(folder, 'm')), never);
      await expect(reading).rejects.toMatchObject({
        code: 'E_KERNEL_MISSING',
        message: containing(missing),
      });
    },
  );

  it('are decompressed by the programs of this machine', async () => {
    const host = createNodeHost();
    const names = Object.values(moduleGroups).flatMap(({ essential }) => essential);
    for (const [index, name] of names.entries()) {
      const tool = ['xz', 'zstd'][index % 2] ?? '';
      const path = await put(`m/kernel/${name}.ko`, moduleOf(name === 'virtio_net' ? 'virtio_blk' : ''));
      const argv = tool === 'xz' ? ['xz', path] : ['zstd', '-q', '--rm', '-o', `${path}.zst`, path];
      expect(await host.run(argv, { timeoutMs: 10_000 })).toMatchObject({ exitCode: 0 });
    }
    const { groups } = await readModules(host, kernelIn(join(folder, 'm')), never);
    expect(groups.net).toEqual(['virtio_blk.ko', 'virtio_net.ko']);
  });
});

describe('busybox for guests', () => {
  it('is static for x86-64', () => {
    const program = { chroot: null, workdir: '/', uid: 0, gid: 0, groups: [], paths: ['/a'], argv: ['a'], env: [] };
    const start = Buffer.from(launcher(program));
    expect(isStaticElf(start)).toBe(true);
    const dynamic = Buffer.from(start);
    dynamic.writeUInt32LE(3, 64);
    expect(isStaticElf(dynamic)).toBe(false);
    const arm = Buffer.from(start);
    arm.writeUInt16LE(183, 18);
    expect(isStaticElf(arm)).toBe(false);
    expect(isStaticElf(Buffer.from('#!/bin/sh\n'))).toBe(false);
    expect(isStaticElf(start.subarray(0, 70))).toBe(false);
  });

  it('is asked for where it is missing', async () => {
    const host: Host = { ...createNodeHost(), findProgram: async () => undefined };
    const parts = { host, folders, folder };
    await expect(ensureBase(parts, kernelIn(folder), never)).rejects.toMatchObject({
      code: 'E_RUNTIME_UNAVAILABLE',
      suggestion: containing('busybox-static'),
    });
  });
});

describe('a base archive', () => {
  it('is made once for a kernel, and anew for another', async () => {
    for (const { essential } of Object.values(moduleGroups)) {
      for (const name of essential) await put(`m/kernel/${name}.ko`, moduleOf(''));
    }
    const kernel = { ...kernelIn(join(folder, 'm')), image: await put('vmlinuz', 'one') };
    const parts = { host: createNodeHost(), folders, folder: join(folder, 'bases') };
    const first = await ensureBase(parts, kernel, never);
    const made = await stat(first.archive);
    expect(await ensureBase(parts, kernel, never)).toEqual(first);
    expect((await stat(first.archive)).ino).toBe(made.ino);
    expect(made.mode & 0o777).toBe(0o644);
    expect(first.archiveBytes).toBe(made.size);
    expect(first.unpackedBytes).toBeGreaterThan(first.archiveBytes);
    await put('vmlinuz', 'another');
    expect((await ensureBase(parts, kernel, never)).archive).not.toBe(first.archive);
    expect(await readdir(join(folder, 'bases'))).toHaveLength(2);
  });
});

describe('berth vm setup', () => {
  const said: string[] = [];
  const done: RunResult = { exitCode: 0, output: '', timedOut: false, cancelled: false };
  const depends: RunResult = { ...done, output: 'linux-image-cloud-amd64\n  Depends: linux-image-6.1-cloud-amd64\n' };

  /** A machine whose apt and dpkg answer as told. */
  function machine(answers: { depends?: RunResult; download?: RunResult; unpack?: RunResult }): Host {
    return {
      ...createNodeHost(),
      findProgram: async (name) => `/usr/bin/${name}`,
      run: async (argv) => {
        if (argv[0] === 'apt-cache') return answers.depends ?? depends;
        if (argv.includes('download')) {
          await writeFile(join(argv[2] ?? '', 'kernel.deb'), '');
          return answers.download ?? done;
        }
        const tree = argv[3] ?? '';
        await mkdir(join(tree, 'boot'), { recursive: true });
        await writeFile(join(tree, 'boot', 'vmlinuz-6.1-cloud-amd64'), 'kernel');
        await writeFile(join(tree, 'boot', 'System.map-6.1-cloud-amd64'), 'map');
        await mkdir(join(tree, 'usr/lib/modules/6.1-cloud-amd64/kernel'), { recursive: true });
        return answers.unpack ?? done;
      },
    };
  }
  const setUp = (answers: Parameters<typeof machine>[0]): Promise<void> => {
    const parts = {
      host: machine(answers),
      folders,
      clock: realClock,
      folder: join(folder, 'home'),
      deadlineMs: 1_000,
    };
    return setUpKernel(parts, (line) => said.push(line), never);
  };

  it('leaves image and modules, and nothing else', async () => {
    await setUp({});
    expect(await readdir(join(folder, 'home'))).toEqual(['linux-6.1-cloud-amd64']);
    const kernel = await find();
    expect(kernel).toMatchObject({ version: '6.1-cloud-amd64', origin: 'home' });
    expect(await readFile(kernel.image, 'utf8')).toBe('kernel');
    expect((await readdir(join(folder, 'home', 'linux-6.1-cloud-amd64'))).toSorted()).toEqual(['modules', 'vmlinuz']);
    await setUp({ download: { ...done, exitCode: 1 } });
    expect(said.at(-1)).toBe('the kernel 6.1-cloud-amd64 is here already');
  });

  const broken = (output: string, more: Partial<RunResult> = {}): RunResult => ({
    ...done,
    exitCode: 100,
    output,
    ...more,
  });
  it.each([
    ['E_KERNEL_MISSING', 'knows no package', { depends: done }],
    ['E_KERNEL_MISSING', 'mirror', { download: broken("E: Could not resolve 'deb.debian.org'") }],
    ['E_KERNEL_MISSING', 'in time', { download: broken('', { exitCode: null, timedOut: true }) }],
    ['E_KERNEL_MISSING', 'some words', { unpack: broken('some words') }],
    ['E_DISK_FULL', 'disk is full', { unpack: broken('write error (No space left on device)') }],
  ])('fails with %s (%s) and leaves nothing', async (code, words, answers) => {
    await expect(setUp(answers)).rejects.toMatchObject({ code, message: containing(words) });
    expect(await folders.list(join(folder, 'home'))).toEqual([]);
  });

  it('is told by apt which package it is', () => {
    expect(dependencyOf(depends.output)).toBe('linux-image-6.1-cloud-amd64');
    expect(dependencyOf('  Depends: <linux-image>\n')).toBeUndefined();
  });
});
