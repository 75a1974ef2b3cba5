/** Which kernel modules a guest needs, in the order in which they are loaded. */
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { BerthError } from '../../../core/errors.js';
import type { Host } from '../../host/host.js';
import type { LinuxKernel } from '../contracts.js';

/** What init loads at once. A group's module brings those that it depends on along. */
export const moduleGroups = {
  core: { essential: ['virtio'], optional: [] },
  pci: { essential: ['virtio_pci'], optional: [] },
  mmio: { essential: [], optional: ['virtio_mmio'] },
  port: { essential: ['virtio_console'], optional: [] },
  net: { essential: ['virtio_net'], optional: [] },
  disk: { essential: ['virtio_blk', 'ext4'], optional: [] },
  root: { essential: ['squashfs', 'overlay'], optional: [] },
  power: { essential: ['evdev'], optional: ['button'] },
} as const;

export type ModuleGroup = keyof typeof moduleGroups;

/** A module ready to be loaded. */
export interface GuestModule {
  /** File name in the guest: `virtio_net.ko`. */
  readonly file: string;
  readonly content: Uint8Array;
}

export interface GuestModules {
  readonly files: readonly GuestModule[];
  /** File names by group, what a module depends on before it. */
  readonly groups: Readonly<Record<ModuleGroup, readonly string[]>>;
}

/** The modules of a kernel by name: path below its folder, or `builtin`. */
export type ModuleIndex = ReadonlyMap<string, string>;

const builtIn = 'builtin';
const decompressDeadlineMs = 30_000;

/** A module's one name: the kernel takes `-` and `_` for the same. */
export function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(?:\.(?:gz|xz|zst))?$/, '')
    .replaceAll('-', '_');
}

/** Pure. `paths` are of modules in files, relative; `builtins` is the text of modules.builtin (man 5 modules.dep). */
export function indexModules(paths: Iterable<string>, builtins: string): ModuleIndex {
  const index = new Map<string, string>();
  for (const path of paths) if (/\.ko(?:\.(?:gz|xz|zst))?$/.test(path)) index.set(moduleName(path), path);
  for (const line of builtins.split('\n')) if (line !== '') index.set(moduleName(line), builtIn);
  return index;
}

/**
 * Names of the modules that a module asks for, by its own `.modinfo` section: a package that was unpacked and not
 * installed has no modules.dep. Pure. Source: the kernel's include/linux/moduleparam.h, scripts/mod/modpost.c.
 */
export function dependenciesOf(content: Uint8Array): readonly string[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const marker = '\0depends=';
  const start = bytes.indexOf(marker, 0, 'latin1');
  if (start < 0) return [];
  const end = bytes.indexOf(0, start + marker.length);
  const text = bytes.toString('latin1', start + marker.length, end);
  return text.split(',').filter((name) => name !== '');
}

/**
 * Reads what the guest needs from a kernel's module folder. E_KERNEL_MISSING when an essential one is neither built
 * in nor there.
 */
export async function readModules(host: Host, kernel: LinuxKernel, signal: AbortSignal): Promise<GuestModules> {
  const index = await readIndex(kernel);
  const files = new Map<string, GuestModule>();
  const dependencies = new Map<string, readonly string[]>();

  const add = async (name: string, needed: boolean): Promise<readonly string[]> => {
    const path = index.get(name);
    if (path === builtIn) return [];
    if (path === undefined) {
      if (needed) throw missingModule(kernel, name);
      return [];
    }
    const known = dependencies.get(name);
    if (known) return known;
    dependencies.set(name, []);
    const content = await readModule(host, join(kernel.modules, path), signal);
    const before: string[] = [];
    for (const other of dependenciesOf(content)) before.push(...(await add(moduleName(other), needed)));
    const file = `${name}.ko`;
    files.set(file, { file, content });
    const order = [...new Set([...before, file])];
    dependencies.set(name, order);
    return order;
  };

  const groups: Partial<Record<ModuleGroup, readonly string[]>> = {};
  for (const [group, { essential, optional }] of Object.entries(moduleGroups)) {
    const order: string[] = [];
    for (const name of essential) order.push(...(await add(name, true)));
    for (const name of optional) order.push(...(await add(name, false)));
    groups[group as ModuleGroup] = [...new Set(order)];
  }
  return { files: [...files.values()], groups: groups as Record<ModuleGroup, readonly string[]> };
}

/** The words of a folder's modules: what is in files, what is built in. */
async function readIndex(kernel: LinuxKernel): Promise<ModuleIndex> {
  const folder = join(kernel.modules, 'kernel');
  const paths = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new BerthError('E_KERNEL_MISSING', `the modules of the kernel ${kernel.image} cannot be read: ${folder}`, {
      cause: error,
      suggestion: 'fetch a kernel with: berth vm setup; or set vm_kernel_modules to a folder like /lib/modules/VERSION',
    });
  });
  const builtins = await readFile(join(kernel.modules, 'modules.builtin'), 'utf8').catch(() => '');
  return indexModules(
    paths.map((path) => join('kernel', path)),
    builtins,
  );
}

function missingModule(kernel: LinuxKernel, name: string): BerthError {
  const message = `the kernel ${kernel.version} has no module ${name}, without which no microVM runs: ${kernel.modules}`;
  return new BerthError('E_KERNEL_MISSING', message, {
    suggestion: 'fetch a kernel that has it with: berth vm setup',
  });
}

async function readModule(host: Host, path: string, signal: AbortSignal): Promise<Uint8Array> {
  if (path.endsWith('.ko')) return readFile(path);
  if (path.endsWith('.gz')) return promisify(gunzip)(await readFile(path));
  return decompress(host, path, signal);
}

/** By xz or zstd, into a folder that is gone afterwards. */
async function decompress(host: Host, path: string, signal: AbortSignal): Promise<Uint8Array> {
  const tool = path.endsWith('.xz') ? 'xz' : 'zstd';
  const program = await host.findProgram(tool);
  if (program === undefined) {
    const message = `the kernel's modules are compressed, and ${tool} is not installed: ${path}`;
    throw new BerthError('E_RUNTIME_UNAVAILABLE', message, {
      suggestion: `install it with: apt install ${tool}-utils`,
    });
  }
  const folder = await host.makeTemporaryFolder(join(host.env['TMPDIR'] ?? '/tmp', 'berth-module-'));
  try {
    const to = join(folder, 'module.ko');
    const compressed = to + extname(path);
    await copyFile(path, compressed);
    const result = await host.run([program, '-q', '-d', compressed], { timeoutMs: decompressDeadlineMs, signal });
    if (result.exitCode !== 0) {
      throw new BerthError('E_KERNEL_MISSING', `${path} cannot be decompressed: ${result.output.trim()}`);
    }
    return await readFile(to);
  } finally {
    await host.remove(folder);
  }
}
