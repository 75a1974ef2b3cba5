/**
 * A raw disk that boots by BIOS: syslinux on a FAT file system behind the boot image given (a master boot record), a
 * Linux kernel, and an initramfs of the guest's root, busybox and init.sh. Needs no mounting and no rights.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execaSync } from 'execa';
import { moduleFiles, readModule } from './kernel-modules.js';
import type { Entry, Manifest } from './manifest.js';
import { newcArchive } from './newc.js';
import { portProgram } from './port.js';

export interface DiskRequest {
  readonly manifest: Manifest;
  readonly kernel: string;
  readonly boot: string;
  readonly image: string;
  /** The kernel's folder of modules; empty: none. */
  readonly modules: string;
  /** Path of init.sh. */
  readonly init: string;
}

const mebibyte = 1024 * 1024;
const sectorBytes = 512;
/** Where the partition begins. */
const partitionSector = 2048;
const busybox = '/bin/busybox';
const ours = '/.standin';
/** Where Nanos writes a program's exit code. */
const debugPort = 0x501;

/** Writes the disk in the place of `image`. Throws what a tool says. */
export function makeDisk(request: DiskRequest): void {
  const { kernel, boot, image } = request;
  const work = mkdtempSync(join(tmpdir(), 'standin-ops-'));
  try {
    const archive = join(work, 'initrd.gz');
    writeFileSync(archive, gzipSync(initramfs(request), { level: 1 }));
    const settings = join(work, 'syslinux.cfg');
    const append = 'initrd=initrd.gz console=ttyS0 quiet loglevel=1 panic=-1 random.trust_cpu=on';
    writeFileSync(settings, `DEFAULT guest\nPROMPT 0\nLABEL guest\nLINUX kernel\nAPPEND ${append}\n`);
    const fat = join(work, 'fat.img');
    const contentBytes = statSync(kernel).size + statSync(archive).size;
    const kib = Math.ceil((contentBytes * 1.05) / 1024) + 4096;
    run('mkfs.vfat', ['-F', '16', '-h', String(partitionSector), '-C', fat, String(kib)]);
    run('mcopy', ['-i', fat, kernel, '::kernel']);
    run('mcopy', ['-i', fat, archive, '::initrd.gz']);
    run('mcopy', ['-i', fat, settings, '::syslinux.cfg']);
    run('syslinux', ['--install', fat]);
    writeDisk(boot, fat, image);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): void {
  execaSync(program, args, { stdin: 'ignore', timeout: 60_000 });
}

/** The boot image's code, one active partition of type FAT16 (LBA), then the file system. */
function writeDisk(boot: string, fat: string, image: string): void {
  const content = readFileSync(fat);
  const start = Buffer.alloc(partitionSector * sectorBytes);
  readFileSync(boot).copy(start, 0, 0, 440);
  start.set([0x80, 0xfe, 0xff, 0xff, 0x0e, 0xfe, 0xff, 0xff], 446);
  start.writeUInt32LE(partitionSector, 454);
  start.writeUInt32LE(content.length / sectorBytes, 458);
  start.set([0x55, 0xaa], 510);
  writeFileSync(image, Buffer.concat([start, content]));
  truncateSync(image, Math.ceil((start.length + content.length) / mebibyte) * mebibyte);
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function initramfs({ manifest, modules, init }: DiskRequest): Buffer {
  const entries = new Map<string, Entry>(manifest.entries);
  for (const folder of ['/proc', '/sys', '/dev', '/tmp', ours, `${ours}/modules`]) {
    if (!entries.has(folder)) entries.set(folder, null);
  }
  const files = moduleFiles(modules);
  const names = files.map((file) => basename(file, '.xz'));
  for (const [index, file] of files.entries()) {
    entries.set(`${ours}/modules/${names[index] ?? ''}`, { content: readModule(file) });
  }
  entries.set('/init', { file: init });
  entries.set(`${ours}/busybox`, { file: busybox });
  entries.set(`${ours}/port`, { content: portProgram(debugPort) });
  entries.set(`${ours}/settings`, { content: settingsOf(manifest, names) });
  entries.set(`${ours}/run`, { content: runScript(manifest) });
  return newcArchive(entries);
}

function settingsOf(manifest: Manifest, modules: readonly string[]): string {
  const { network } = manifest;
  const values = {
    MODULES: modules.join(' '),
    ADDRESS: network?.address ?? '',
    NETMASK: network?.netmask ?? '',
    GATEWAY: network?.gateway ?? '',
    DEBUG_EXIT: manifest.debugExit ? '1' : '',
    PROBLEM: problemOf(manifest),
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join('');
}

/** In the words of Nanos; empty: the program can be started. */
function problemOf({ entries, program, missingLoader }: Manifest): string {
  if (!entries.has(program)) return `unable to open program file ${program}`;
  return missingLoader === null ? '' : `couldn't find program interpreter ${missingLoader}`;
}

/** The arguments and the environment, both exactly; the program may be called by another name than its file's. */
function runScript({ program, argv, env, cwd }: Manifest): string {
  const variables = Object.entries(env).map(([name, value]) => quote(`${name}=${value}`));
  const inner = quote('file=$1; name=$2; shift 2; exec -a "$name" "$file" "$@"');
  const words = [program, ...(argv.length > 0 ? argv : [program])].map(quote).join(' ');
  const shell = `${ours}/busybox`;
  return `cd ${quote(cwd)} && exec ${shell} env -i ${variables.join(' ')} ${shell} sh -c ${inner} sh ${words}\n`;
}
