/** What goes into a disk: as `BuildManifest` of ops puts it together (lepton/image.go, fs/manifest.go). */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { Config } from './config.js';

/** A file of the host, a link, a text; null is a folder. */
export type Entry =
  { readonly file: string } | { readonly link: string } | { readonly content: string | Buffer } | null;

export interface Manifest {
  /** By path in the guest. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly program: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly network: Config['network'] | null;
  readonly debugExit: boolean;
  /** The dynamic loader that the program names and the disk lacks; null: all is well. */
  readonly missingLoader: string | null;
}

interface Request {
  readonly program: string;
  readonly config: Config;
  readonly version: string;
  readonly name: string;
  /** The folder of the configuration file. */
  readonly baseFolder: string;
}

/** Throws an Error in the words of ops. */
export function collect({ program, config, version, name, baseFolder }: Request): Manifest {
  const entries = new Map<string, Entry>();
  const guestProgram = join('/', program.replace(/^\.\//, ''));
  addFile(entries, guestProgram, program);
  entries.set('/etc/resolv.conf', { content: config.nameServers.map((one) => `nameserver  ${one}\n`).join('') });
  entries.set('/etc/passwd', { content: 'root:x:0:0:root:/root:/bin/nobash' });
  for (const file of config.files) addFile(entries, join('/', file), `${process.cwd()}/${file}`);
  for (const [from, to] of Object.entries(config.mapDirs)) addMapped(entries, { from, to, baseFolder, config });
  for (const folder of config.dirs) {
    for (const path of walk(folder)) addEntry(entries, join('/', path), path);
  }
  const passed = config.manifest;
  refuseOddValues(passed);
  const argv = passed['arguments'];
  return {
    entries,
    program: textOr(passed['program'], guestProgram),
    argv: Array.isArray(argv) ? argv.map(String) : [program, ...config.args],
    env: {
      ...{ USER: 'root', PWD: '/', OPS_VERSION: '', NANOS_VERSION: version, NANOS_ARCH: 'amd64', IMAGE_NAME: name },
      ...config.env,
    },
    cwd: textOr(passed['cwd'], '/'),
    // Without an address Nanos asks DHCP, which this stand-in does not.
    network: config.network.address === '' ? null : config.network,
    debugExit: passed['debug_exit'] !== undefined,
    missingLoader: missingLoader(entries, program),
  };
}

const textOr = (value: unknown, fallback: string): string => (typeof value === 'string' ? value : fallback);

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function addFile(entries: Map<string, Entry>, guestPath: string, hostPath: string): void {
  if (!isThere(hostPath)) throw new Error(`file "${hostPath}" is missing: no such file or directory`);
  if (entries.has(guestPath)) process.stdout.write(`warning: overwriting existing file "${guestPath}"\n`);
  entries.set(guestPath, { file: hostPath });
}

function* walk(folder: string): Generator<string> {
  yield folder;
  if (!lstatSync(folder).isDirectory()) return;
  for (const name of readdirSync(folder).sort()) yield* walk(join(folder, name));
}

function addEntry(entries: Map<string, Entry>, guestPath: string, path: string): void {
  const stats = lstatSync(path);
  if (stats.isDirectory()) entries.set(guestPath, null);
  else if (!stats.isSymbolicLink()) addFile(entries, guestPath, path);
  else if (isThere(path)) entries.set(guestPath, { link: readlinkSync(path) });
  else process.stdout.write(`warning: stat ${path}: no such file or directory\n`);
}

interface Mapped {
  readonly from: string;
  readonly to: string;
  readonly baseFolder: string;
  readonly config: Config;
}

function addMapped(entries: Map<string, Entry>, { from, to, baseFolder, config }: Mapped): void {
  if (config.args.includes(basename(to))) {
    throw new Error(`can't have directory with same name as binary ${basename(to)}`);
  }
  const folder = resolve(isAbsolute(from) ? dirname(from) : join(baseFolder, dirname(from)));
  const [before = '', ...after] = basename(from).split('*');
  const fits = (name: string): boolean =>
    after.length === 0 ? name === before : name.startsWith(before) && name.endsWith(after.at(-1) ?? '');
  for (const path of walk(folder)) {
    if (fits(basename(path))) addEntry(entries, join('/', to, relative(folder, path)), path);
  }
}

function refuseOddValues(values: object): void {
  for (const value of Object.values(values) as unknown[]) {
    if (typeof value === 'object' && value !== null) refuseOddValues(value);
    else if (typeof value !== 'string') throw new Error('unknown type of value 0x0');
  }
}

function missingLoader(entries: ReadonlyMap<string, Entry>, program: string): string | null {
  const bytes = readFileSync(program);
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) {
    throw new Error(`only ELF binaries are supported. Is this a Linux binary? run "file ${program}" on it`);
  }
  const [table, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(56)];
  for (let at = table; at < table + count * 56; at += 56) {
    if (bytes.readUInt32LE(at) !== 3) continue;
    const [offset, length] = [Number(bytes.readBigUInt64LE(at + 8)), Number(bytes.readBigUInt64LE(at + 32))];
    const path = bytes.toString('utf8', offset, offset + length - 1);
    return reaches(entries, path) ? null : path;
  }
  return null;
}

/** Whether a path leads to a file of the disk, links followed. */
function reaches(entries: ReadonlyMap<string, Entry>, path: string, links = 0): boolean {
  const entry = entries.get(path);
  if (entry && 'file' in entry) return true;
  for (let cut = path.length; cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
    const above = entries.get(path.slice(0, cut));
    if (!above || !('link' in above) || links > 40) continue;
    return reaches(entries, resolve(dirname(path.slice(0, cut)), above.link) + path.slice(cut), links + 1);
  }
  return false;
}
