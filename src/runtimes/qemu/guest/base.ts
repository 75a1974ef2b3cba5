/** The archive that every microVM boots from: init, busybox and the modules that the kernel has not built in. */
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { BerthError } from '../../../core/errors.js';
import type { Folders } from '../../host/folders.js';
import type { Host } from '../../host/host.js';
import type { GuestBase, LinuxKernel } from '../contracts.js';
import { cpioArchive, type CpioEntry } from './cpio.js';
import { deviceFstab, initApplets, initFstab, initScript } from './init.js';
import { readModules, type GuestModules } from './modules.js';
import { throwIfCancelled } from '../machine/deadline.js';

export interface BaseParts {
  readonly host: Host;
  readonly folders: Folders;
  /** Where archives are kept. */
  readonly folder: string;
}

/**
 * The base archive of a kernel, made once for all that decides it. E_RUNTIME_UNAVAILABLE without a static busybox,
 * E_KERNEL_MISSING, E_DISK_FULL.
 */
export async function ensureBase(parts: BaseParts, kernel: LinuxKernel, signal: AbortSignal): Promise<GuestBase> {
  const { host, folders, folder } = parts;
  const busybox = await findBusybox(host);
  const archive = join(folder, `base-${await keyOf(folders, kernel, busybox)}.cpio.gz`);
  if (!(await folders.facts(archive))) {
    const entries = baseEntries(await readFile(busybox), await readModules(host, kernel, signal));
    const content = await promisify(gzip)(await cpioArchive(entries), { level: 9 });
    throwIfCancelled(signal);
    await folders.make(folder);
    // Not secret, and read by the user of each VM.
    await folders.write(archive, content, 0o644);
  }
  return { kernel, archive, ...(await sizesOf(archive)) };
}

/** Where the base archive of a kernel is, or would be. E_RUNTIME_UNAVAILABLE without a static busybox. */
export async function baseArchive({ host, folders, folder }: BaseParts, kernel: LinuxKernel): Promise<string> {
  return join(folder, `base-${await keyOf(folders, kernel, await findBusybox(host))}.cpio.gz`);
}

async function keyOf(folders: Folders, kernel: LinuxKernel, busybox: string): Promise<string> {
  const files = await Promise.all([folders.facts(kernel.image), folders.facts(busybox)]);
  const facts = files.map((file) => [file?.bytes, file?.modifiedAtMs]);
  const text = JSON.stringify([kernel, facts, initScript, initFstab, deviceFstab, initApplets]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Sizes by the file itself: a gzip file ends with the size of what is in it (RFC 1952, ISIZE). */
async function sizesOf(archive: string): Promise<Pick<GuestBase, 'archiveBytes' | 'unpackedBytes'>> {
  const file = await open(archive, 'r');
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, size - 4);
    return { archiveBytes: size, unpackedBytes: buffer.readUInt32LE(0) };
  } finally {
    await file.close();
  }
}

async function findBusybox(host: Host): Promise<string> {
  const suggestion = 'install it with: apt install busybox-static';
  const path = await host.findProgram('busybox');
  if (path === undefined) {
    throw new BerthError('E_RUNTIME_UNAVAILABLE', 'microVMs need busybox, and it is not installed', { suggestion });
  }
  if (!isStaticElf(await readStart(path))) {
    const message = `microVMs need a static busybox for x86-64, and ${path} is not one`;
    throw new BerthError('E_RUNTIME_UNAVAILABLE', message, { suggestion });
  }
  return path;
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * True for a program for x86-64 that needs no loader: it has no PT_INTERP. Pure; `start` is the file's beginning.
 * Source: System V ABI, chapter 5, "Program Header".
 */
export function isStaticElf(start: Buffer): boolean {
  const [magic, classAndOrder, x8664, interpreter] = [0x464c457f, 0x0102, 62, 3];
  if (start.length < 64 || start.readUInt32LE(0) !== magic) return false;
  if (start.readUInt16LE(4) !== classAndOrder || start.readUInt16LE(18) !== x8664) return false;
  const [offset, size, count] = [Number(start.readBigUInt64LE(32)), start.readUInt16LE(54), start.readUInt16LE(56)];
  if (offset + size * count > start.length) return false;
  return !Array.from({ length: count }, (_, index) => start.readUInt32LE(offset + index * size)).includes(interpreter);
}

const directory = (path: string, mode: number): CpioEntry => ({ kind: 'directory', path, mode });
const text = (path: string, content: string, mode = 0o600): CpioEntry => ({
  kind: 'file',
  path,
  mode,
  content: Buffer.from(content),
});

/** All entries of the archive. Pure. */
function baseEntries(busybox: Uint8Array, modules: GuestModules): CpioEntry[] {
  const link = (path: string, linkTarget: string): CpioEntry => ({ kind: 'symlink', path, mode: 0o777, linkTarget });
  const folders = ['/', '/proc', '/sys', '/dev', '/etc', '/run'].map((path) => directory(path, 0o755));
  const groups = Object.entries(modules.groups).map(([group, files]) => `modules_${group}='${files.join(' ')}'\n`);
  return [
    ...folders,
    directory('/tmp', 0o1777),
    // The kernel opens it for init before anything is mounted.
    { kind: 'character-device', path: '/dev/console', mode: 0o600, major: 5, minor: 1 },
    directory('/.berth', 0o700),
    directory('/.berth/bin', 0o755),
    { kind: 'file', path: '/.berth/bin/busybox', mode: 0o755, content: busybox },
    ...initApplets.map((applet) => link(`/.berth/bin/${applet}`, 'busybox')),
    text('/.berth/init', initScript, 0o700),
    text('/.berth/fstab', initFstab),
    text('/.berth/fstab.devices', deviceFstab),
    text('/.berth/modules.sh', groups.join('')),
    { kind: 'fifo', path: '/.berth/gate', mode: 0o600 },
    directory('/.berth/mounts', 0o700),
    directory('/.berth/modules', 0o700),
    ...modules.files.map(({ file, content }): CpioEntry => ({
      kind: 'file',
      path: `/.berth/modules/${file}`,
      mode: 0o600,
      content,
    })),
    // Copied over the kernel's own /dev: what programs expect there beside devices.
    directory('/.berth/dev', 0o755),
    directory('/.berth/dev/pts', 0o755),
    directory('/.berth/dev/shm', 0o1777),
    link('/.berth/dev/fd', '/proc/self/fd'),
    link('/.berth/dev/stdin', '/proc/self/fd/0'),
    link('/.berth/dev/stdout', '/proc/self/fd/1'),
    link('/.berth/dev/stderr', '/proc/self/fd/2'),
  ];
}
