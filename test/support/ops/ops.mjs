#!/usr/bin/env node
/**
 * A stand-in for `ops`, for tests on machines without it: the same command line, configuration, paths and refusals
 * (github.com/nanovms/ops cmd/cmd_build.go, cmd/flags_build_image.go, types/config.go, lepton/image.go), and a raw disk
 * that boots by BIOS into that one program, with its arguments, environment and address, as a Nanos disk does. Inside
 * is a Linux kernel (the one that the key Kernel names) instead of Nanos; see disk.mjs.
 *
 * Variables of its own: STANDIN_MODULES, the kernel's folder of modules; STANDIN_BEHAVIOUR, how to misbehave;
 * STANDIN_LOG, a file that gets a line of JSON for each call.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { isIPv4 } from 'node:net';
import { readConfig } from './config.mjs';
import { makeDisk } from './disk.mjs';
import { collect } from './manifest.mjs';

const red = (text) => `\u001b[31m${text}\u001b[0m\n`;
const boldRed = (text) => `\u001b[1;31m${text}\u001b[0m`;

/** As ops does: to stdout, in red. */
function fail(text) {
  process.stdout.write(red(text));
  process.exit(1);
}

/** As cobra does for a wrong command line: words to stderr, and exit code 0. */
function misuse(text) {
  process.stderr.write(`Error: ${text}\nUsage:\n  ops build [ELF file] [flags]\n`);
  process.exit(0);
}

function opsHome() {
  const home = process.env.OPS_HOME || process.env.HOME || process.cwd();
  const folder = join(home, '.ops');
  for (const name of ['images', 'instances', 'manifests', 'networks', 'volumes']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  return folder;
}

function localVersion(folder) {
  const path = join(folder, 'latest.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '0.0';
}

const flagNames = { c: 'config', i: 'imagename', e: 'envs', a: 'args', t: 'target-cloud' };
const flags = new Set(['config', 'imagename', 'envs', 'args', 'netmask', 'ip-address', 'gateway', 'target-cloud']);

function parseArgv(argv) {
  const found = { positional: [], netmask: '255.255.255.0', envs: [], args: [] };
  for (let index = 0; index < argv.length; index += 1) {
    const [, short, long, inline] = /^(?:-([a-z])|--([a-z-]+))(?:=(.*))?$/s.exec(argv[index]) ?? [];
    if (!short && !long) {
      if (argv[index].startsWith('-')) misuse(`unknown flag: ${argv[index]}`);
      found.positional.push(argv[index]);
      continue;
    }
    const name = long ?? flagNames[short];
    if (!flags.has(name)) misuse(`unknown flag: ${argv[index]}`);
    const value = inline ?? argv[(index += 1)];
    if (value === undefined) misuse(`flag needs an argument: ${argv[index - 1]}`);
    if (name === 'envs' || name === 'args') found[name].push(value);
    else found[name] = value;
  }
  return found;
}

function note(argv, config) {
  if (!process.env.STANDIN_LOG) return;
  const line = { argv, cwd: process.cwd(), env: process.env, config };
  appendFileSync(process.env.STANDIN_LOG, `${JSON.stringify(line)}\n`);
}

/** Never ends, nor does a child of it that holds its output. */
function hang() {
  spawn('sleep', ['3600'], { stdio: 'inherit' });
  process.stdout.write('downloading …\n');
  setInterval(() => undefined, 60_000);
}

function build(argv) {
  const folder = opsHome();
  const version = localVersion(folder);
  // The look-up of a newer release comes first, whatever the command.
  process.stdout.write('\u001b[1;33mversion lookup failed, using local.\n\u001b[0m');
  if (version === '0.0') {
    process.stdout.write(`${boldRed('No local build found.')}\n`);
    process.exit(1);
  }
  const [command, ...rest] = argv;
  if (command === 'version') {
    process.stdout.write(`Ops version: 0.0.0-standin\nNanos version: ${version}\n`);
    return;
  }
  if (command !== 'build') misuse(`unknown command "${command ?? ''}" for "ops"`);
  const options = parseArgv(rest);
  const [program] = options.positional;
  if (program === undefined) misuse('requires at least 1 arg(s), only received 0');
  if (options.positional.length > 1) misuse('invalid arguments or flags provided, use --help for usage information.');
  let config;
  try {
    config = readConfig(options.config);
  } catch (error) {
    if (error.isSchema) misuse(error.message);
    fail(error.message);
  }
  note(argv, config);
  if (!existsSync(program) && !existsSync(join(folder, program))) fail(`error: ${program}: no such file or directory`);
  if (process.env.STANDIN_BEHAVIOUR === 'hang') {
    hang();
    return;
  }
  makeImage({ folder, version, options, program, config });
}

function makeImage({ folder, version, options, program, config }) {
  for (const key of ['IPAddress', 'Gateway', 'NetMask']) {
    if (config.RunConfig[key] && !isIPv4(config.RunConfig[key])) config.RunConfig[key] = '';
  }
  if (isIPv4(options.netmask)) config.RunConfig.NetMask = options.netmask;
  for (const one of options.envs) config.Env[one.split('=')[0]] = one.split('=')[1];
  const kernel = config.Kernel || join(folder, version, 'kernel.img');
  const boot = config.Boot || join(folder, version, 'boot.img');
  if (!existsSync(kernel)) fail(`error: ${kernel}: stat ${kernel}: no such file or directory\n`);
  if (!existsSync(boot)) fail(`error: boot file '${boot}' not found\n`);
  if (!existsSync(join(folder, 'common.tar.gz'))) {
    process.stdout.write('Get "https://storage.googleapis.com/nanos/common/common.tar.gz": no route to host\n');
  }
  const name = basename(options.imagename ?? program).split('.')[0];
  const image = join(folder, 'images', name);
  // What was there is gone from here on, whatever becomes of the new one.
  const prepare = () => writeFileSync(image, '');
  const behaviour = process.env.STANDIN_BEHAVIOUR ?? '';
  try {
    misbehave(behaviour, image, prepare);
    const manifest = collect({ program, config, version, name, baseFolder: dirname(options.config ?? './x') });
    prepare();
    makeDisk({ manifest, kernel, boot, image, modules: process.env.STANDIN_MODULES ?? '' });
  } catch (error) {
    fail(`failed creating image file: ${error.message}`);
  }
  if (behaviour === 'elsewhere') process.stdout.write('Bootable image file:/etc/passwd\n');
  else process.stdout.write(`Bootable image file:${image}\n`);
}

/** The ways in which it can go wrong, each by its name. */
function misbehave(behaviour, image, prepare) {
  const made = () => {
    process.stdout.write(`Bootable image file:${image}\n`);
    process.exit(0);
  };
  switch (behaviour) {
    case 'half':
      prepare();
      writeFileSync(image, Buffer.alloc(4096));
      throw new Error('cannot write root filesystem: input/output error');
    case 'red':
      prepare();
      process.stdout.write(red('failed creating image file: something is amiss'));
      return made();
    case 'silent':
      process.exit(0);
      return undefined;
    case 'unbootable':
      writeFileSync(image, Buffer.alloc(1024 * 1024));
      return made();
    case 'empty':
      prepare();
      return made();
    case 'full':
      prepare();
      throw new Error(`write ${image}: no space left on device`);
    default:
      return undefined;
  }
}

build(process.argv.slice(2));
