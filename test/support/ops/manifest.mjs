/** What goes into a disk: as `BuildManifest` of ops puts it together (lepton/image.go, fs/manifest.go). */
import { lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, normalize, posix, relative, resolve } from 'node:path';

/**
 * Answers `entries` (guest path → { file } on the host, { link } or { text }; null is a folder), `program`, `argv`,
 * `env`, `cwd`, `network` and `debugExit`.
 */
export function collect({ program, config, version, name, baseFolder }) {
  const entries = new Map();
  const workFolder = process.cwd();
  const guestProgram = join('/', program.replace(/^\.\//, ''));
  addFile(entries, guestProgram, program);
  const nameServers = config.NameServers.map((one) => `nameserver  ${one}\n`).join('');
  entries.set('/etc/resolv.conf', { text: nameServers });
  entries.set('/etc/passwd', { text: 'root:x:0:0:root:/root:/bin/nobash' });
  for (const file of config.Files) addFile(entries, join('/', file), `${workFolder}/${file}`);
  for (const [from, to] of Object.entries(config.MapDirs)) addMapped(entries, from, to, baseFolder, config.Args);
  for (const folder of config.Dirs) addFolder(entries, folder);
  const passed = config.ManifestPassthrough;
  refuseOddValues(passed);
  const run = config.RunConfig;
  return {
    entries,
    program: passed.program ?? guestProgram,
    argv: passed.arguments ?? [program, ...config.Args],
    env: {
      ...{ USER: 'root', PWD: '/', OPS_VERSION: '', NANOS_VERSION: version, NANOS_ARCH: 'amd64', IMAGE_NAME: name },
      ...config.Env,
    },
    cwd: passed.cwd ?? '/',
    // An address that cannot be read means DHCP, which this stand-in has not.
    network: run.IPAddress ? { address: run.IPAddress, netmask: run.NetMask, gateway: run.Gateway } : null,
    debugExit: passed.debug_exit !== undefined,
    interpreter: missingInterpreter(entries, program),
  };
}

function addFile(entries, guestPath, hostPath) {
  try {
    statSync(hostPath);
  } catch {
    throw new Error(`file "${hostPath}" is missing: no such file or directory`);
  }
  if (entries.has(guestPath) && entries.get(guestPath).file !== hostPath) {
    process.stdout.write(`warning: overwriting existing file "${guestPath}" hostpath old: x new: "${hostPath}"\n`);
  }
  entries.set(guestPath, { file: hostPath });
}

function* walk(folder) {
  yield folder;
  if (!lstatSync(folder).isDirectory()) return;
  for (const name of readdirSync(folder).sort()) yield* walk(join(folder, name));
}

function addFolder(entries, folder) {
  for (const path of walk(folder)) addEntry(entries, join('/', path), path);
}

function addEntry(entries, guestPath, path) {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) {
    try {
      statSync(path);
    } catch (error) {
      process.stdout.write(`warning: ${error.message}\n`);
      return;
    }
    entries.set(guestPath, { link: readlinkSync(path) });
  } else if (stats.isDirectory()) entries.set(guestPath, null);
  else addFile(entries, guestPath, path);
}

function addMapped(entries, from, to, baseFolder, args) {
  if (args.includes(basename(to))) throw new Error(`can't have directory with same name as binary ${basename(to)}`);
  const pattern = basename(from);
  const folder = isAbsolute(from) ? posix.dirname(from) : join(baseFolder, posix.dirname(from));
  const fits = new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );
  for (const path of walk(resolve(folder))) {
    if (!fits.test(basename(path))) continue;
    addEntry(entries, normalize(join('/', to, relative(resolve(folder), path))), path);
  }
}

function refuseOddValues(values) {
  for (const value of Object.values(values)) {
    if (typeof value === 'object' && value !== null) refuseOddValues(value);
    else if (typeof value !== 'string') throw new Error('unknown type of value 0x0');
  }
}

/** The dynamic loader that the program names and the disk lacks; null: all is well. */
function missingInterpreter(entries, program) {
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

function reaches(entries, path, links = 0) {
  if (entries.get(path)?.file) return true;
  for (let cut = path.length; cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
    const link = entries.get(path.slice(0, cut))?.link;
    if (link === undefined || links > 40) continue;
    return reaches(entries, join(posix.dirname(path.slice(0, cut)), link) + path.slice(cut), links + 1);
  }
  return false;
}
