/**
 * A raw disk that boots by BIOS: syslinux on a FAT file system behind the boot image given (a master boot record), a
 * Linux kernel, and an initramfs of the guest's root, busybox and init.sh. Needs no mounting and no rights.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { portProgram } from './port.mjs';

const mebibyte = 1024 * 1024;
const sectorBytes = 512;
/** Where the partition begins, and a geometry that a BIOS understands. */
const partitionSector = 2048;
const wantedModules = ['virtio_pci', 'virtio_blk', 'virtio_net', 'button', 'evdev'];
const busybox = '/bin/busybox';
const ours = '/.standin';

export function makeDisk({ manifest, kernel, boot, image, modules }) {
  const work = mkdtempSync(join(tmpdir(), 'standin-ops-'));
  try {
    const archive = join(work, 'initrd.gz');
    writeFileSync(archive, gzipSync(initramfs(manifest, modules), { level: 1 }));
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
    writeDisk({ boot, fat, image });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(program, args) {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 60_000 });
}

/** The boot image's code, one active partition of type FAT16 (LBA), then the file system. */
function writeDisk({ boot, fat, image }) {
  const content = readFileSync(fat);
  const sector = Buffer.alloc(sectorBytes);
  readFileSync(boot).copy(sector, 0, 0, 440);
  sector[446] = 0x80;
  sector.set([0xfe, 0xff, 0xff], 447);
  sector[450] = 0x0e;
  sector.set([0xfe, 0xff, 0xff], 451);
  sector.writeUInt32LE(partitionSector, 454);
  sector.writeUInt32LE(content.length / sectorBytes, 458);
  sector.set([0x55, 0xaa], 510);
  const file = openSync(image, 'w');
  try {
    writeSync(file, sector, 0, sector.length, 0);
    writeSync(file, content, 0, content.length, partitionSector * sectorBytes);
  } finally {
    closeSync(file);
  }
  truncateSync(image, Math.ceil((partitionSector * sectorBytes + content.length) / mebibyte) * mebibyte);
}

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function initramfs(manifest, modules) {
  const entries = new Map([...manifest.entries]);
  for (const folder of ['/proc', '/sys', '/dev', '/tmp', ours, `${ours}/modules`]) {
    if (!entries.has(folder)) entries.set(folder, null);
  }
  entries.set(`${ours}/busybox`, { file: busybox });
  entries.set('/init', { file: join(import.meta.dirname, 'init.sh') });
  const files = moduleFiles(modules);
  for (const file of files) entries.set(`${ours}/modules/${basename(file)}`, { file });
  entries.set(`${ours}/settings`, { text: settingsOf(manifest, files) });
  entries.set(`${ours}/port`, { text: portProgram(0x501) });
  entries.set(`${ours}/run`, { text: runScript(manifest) });
  return cpio(withFolders(entries));
}

function settingsOf({ program, network, debugExit, interpreter, entries }, modules) {
  const isThere = entries.has(program);
  const values = {
    MODULES: modules.map((file) => basename(file, '.xz')).join(' '),
    ADDRESS: network?.address ?? '',
    NETMASK: network?.netmask ?? '',
    GATEWAY: network?.gateway ?? '',
    DEBUG_EXIT: debugExit ? '1' : '',
    PROBLEM: !isThere
      ? `unable to open program file ${program}`
      : interpreter
        ? `couldn't find program interpreter ${interpreter}`
        : '',
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join('');
}

/** The arguments and the environment, both exactly; the program may be called by another name than its file's. */
function runScript({ program, argv, env, cwd }) {
  const variables = Object.entries(env).map(([name, value]) => quote(`${name}=${value}`));
  const inner = quote('file=$1; name=$2; shift 2; exec -a "$name" "$file" "$@"');
  const words = [program, ...(argv.length > 0 ? argv : [program])].map(quote).join(' ');
  const shell = `${ours}/busybox`;
  return `cd ${quote(cwd)} && exec ${shell} env -i ${variables.join(' ')} ${shell} sh -c ${inner} sh ${words}\n`;
}

/** The modules and what they depend on, in the order in which they load; what is built in has no file. */
function moduleFiles(folder) {
  if (folder === '') return [];
  const byName = new Map();
  for (const path of readdirSync(folder, { recursive: true })) {
    const name = /([^/]+)\.ko(\.xz)?$/.exec(path)?.[1];
    if (name) byName.set(name.replaceAll('-', '_'), join(folder, path));
  }
  const order = [];
  const visit = (name) => {
    const file = byName.get(name);
    if (file === undefined || order.includes(file)) return;
    for (const one of dependencies(file)) visit(one);
    order.push(file);
  };
  for (const name of wantedModules) visit(name);
  return order;
}

/** The module's own words: `depends=a,b` in its section .modinfo. */
function dependencies(file) {
  const depends = /\0depends=([^\0]*)\0/.exec(readModule(file).toString('latin1'))?.[1] ?? '';
  return depends.split(',').flatMap((name) => (name === '' ? [] : [name.replaceAll('-', '_')]));
}

function readModule(file) {
  return file.endsWith('.xz') ? execFileSync('xz', ['-dc', file], { maxBuffer: 64 * mebibyte }) : readFileSync(file);
}

/** Parents before children; a folder that nobody named is made. Nothing lies below a link. */
function withFolders(entries) {
  const all = new Map();
  const addFolder = (path) => {
    if (path === '/' || path === '.') return;
    addFolder(dirname(path));
    if (!all.has(path)) all.set(path, entries.get(path) ?? null);
  };
  for (const path of [...entries.keys()].sort()) {
    addFolder(dirname(path));
    all.set(path, entries.get(path));
  }
  return all;
}

/** The newc format. Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst. */
function cpio(entries) {
  const parts = [];
  let inode = 0;
  const padded = (buffer) => Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4)]);
  const add = (name, mode, content) => {
    inode += 1;
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    parts.push(padded(Buffer.from(head)), padded(content));
  };
  for (const [path, entry] of entries) {
    const name = path.slice(1);
    if (entry === null) add(name, 0o040755, Buffer.alloc(0));
    else if (entry.link !== undefined) add(name, 0o120777, Buffer.from(entry.link));
    else if (entry.text !== undefined) add(name, 0o100755, Buffer.from(entry.text));
    else
      add(
        name.replace(/\.ko\.xz$/, '.ko'),
        0o100755,
        path.startsWith(ours) ? readModule(entry.file) : readFileSync(entry.file),
      );
  }
  add('TRAILER!!!', 0, Buffer.alloc(0));
  return Buffer.concat(parts);
}
