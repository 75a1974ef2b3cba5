/**
 * A stand-in for `ops`, for tests on machines without it: the same command line, configuration, paths and refusals
 * (github.com/nanovms/ops cmd/cmd_build.go, cmd/flags_build_image.go, types/config.go, lepton/image.go), and a raw disk
 * that boots by BIOS into that one program, with its arguments, environment and address, as a Nanos disk does. Inside
 * is a Linux kernel (the one that the key Kernel names) instead of Nanos; see disk.ts.
 *
 * Variables of its own: STANDIN_MODULES, the kernel's folder of modules; STANDIN_INIT, the guest's first program;
 * STANDIN_BEHAVIOUR, how to misbehave; STANDIN_LOG, a file that gets a line of JSON for each build.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { readConfig, Unreadable, type Config } from './config.js';
import { makeDisk } from './disk.js';
import { collect } from './manifest.js';

const red = (text: string): string => `\u001b[31m${text}\u001b[0m\n`;
const boldRed = (text: string): string => `\u001b[1;31m${text}\u001b[0m\n`;
const say = (text: string): void => void process.stdout.write(text);
const variable = (name: string): string => process.env[name] ?? '';

/** As ops does: to stdout, in red. */
function fail(text: string): never {
  say(red(text));
  process.exit(1);
}

/** As cobra does for a wrong command line: words to stderr, and exit code 0. */
function misuse(text: string): never {
  process.stderr.write(`Error: ${text}\nUsage:\n  ops build [ELF file] [flags]\n`);
  process.exit(0);
}

function opsHome(): string {
  const home = process.env['OPS_HOME'] ?? process.env['HOME'] ?? process.cwd();
  const folder = join(home, '.ops');
  for (const name of ['images', 'instances', 'manifests', 'networks', 'volumes']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  return folder;
}

function localVersion(folder: string): string {
  const path = join(folder, 'latest.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '0.0';
}

interface Options {
  readonly program: string;
  readonly config: string | undefined;
  readonly name: string | undefined;
  readonly netmask: string;
  readonly envs: readonly string[];
}

const shortFlags: Readonly<Record<string, string>> = { c: 'config', i: 'imagename', e: 'envs' };
const flags = new Set(['config', 'imagename', 'envs', 'netmask']);

interface Words {
  readonly positional: readonly string[];
  /** By the flag's long name, in order. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

function readWords(argv: readonly string[]): Words {
  const positional: string[] = [];
  const found = new Map<string, string[]>();
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-')) {
      positional.push(word);
      continue;
    }
    const [, short = '', long, inline] = /^-(?:([a-z])|-([a-z-]+))(?:=(.*))?$/s.exec(word) ?? [];
    const name = long ?? shortFlags[short] ?? '';
    if (!flags.has(name)) misuse(`unknown flag: ${word}`);
    if (inline === undefined) index += 1;
    const value = inline ?? argv[index];
    if (value === undefined) misuse(`flag needs an argument: ${word}`);
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return { positional, flags: found };
}

function parseArgv(argv: readonly string[]): Options {
  const words = readWords(argv);
  const [program] = words.positional;
  if (program === undefined) misuse('requires at least 1 arg(s), only received 0');
  if (words.positional.length > 1) misuse('invalid arguments or flags provided, use --help for usage information.');
  const last = (name: string): string | undefined => words.flags.get(name)?.at(-1);
  const netmask = last('netmask') ?? '255.255.255.0';
  return { program, config: last('config'), name: last('imagename'), netmask, envs: words.flags.get('envs') ?? [] };
}

function configOf(path: string | undefined): Config {
  try {
    return readConfig(path);
  } catch (error) {
    if (error instanceof Unreadable) fail(error.message);
    misuse(textOf(error));
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function note(argv: readonly string[], config: Config): void {
  if (variable('STANDIN_LOG') === '') return;
  const line = { argv, cwd: process.cwd(), env: process.env, config };
  appendFileSync(variable('STANDIN_LOG'), `${JSON.stringify(line)}\n`);
}

/** Never ends, nor does a child of it that holds its output. */
function hang(): void {
  void execa('sleep', ['3600'], { stdio: 'inherit', reject: false });
  say('downloading …\n');
}

function main(argv: readonly string[]): void {
  const folder = opsHome();
  const version = localVersion(folder);
  // The look-up of a newer release comes first, whatever the command.
  say('\u001b[1;33mversion lookup failed, using local.\n\u001b[0m');
  if (version === '0.0') {
    say(boldRed('No local build found.'));
    process.exit(1);
  }
  const [command = '', ...rest] = argv;
  if (command === 'version') {
    say(`Ops version: 0.0.0-standin\nNanos version: ${version}\n`);
    return;
  }
  if (command !== 'build') misuse(`unknown command "${command}" for "ops"`);
  const options = parseArgv(rest);
  const config = configOf(options.config);
  note(argv, config);
  if (!existsSync(options.program) && !existsSync(join(folder, options.program))) {
    fail(`error: ${options.program}: no such file or directory`);
  }
  if (variable('STANDIN_BEHAVIOUR') === 'hang') hang();
  else build(folder, version, options, blanked(config, options));
}

/** An address that cannot be read is dropped without a word, and the flag's mask wins over the file's. */
function blanked(config: Config, { netmask, envs }: Options): Config {
  const { network } = config;
  const orNone = (text: string): string => (isIPv4(text) ? text : '');
  const pairs = envs.map((one) => one.split('=')).map(([name = '', value = '']) => [name, value] as const);
  return {
    ...config,
    env: { ...config.env, ...Object.fromEntries(pairs) },
    network: {
      address: orNone(network.address),
      gateway: orNone(network.gateway),
      netmask: isIPv4(netmask) ? netmask : orNone(network.netmask),
    },
  };
}

function build(folder: string, version: string, options: Options, config: Config): void {
  const kernel = config.kernel === '' ? join(folder, version, 'kernel.img') : config.kernel;
  const boot = config.boot === '' ? join(folder, version, 'boot.img') : config.boot;
  if (!existsSync(kernel)) fail(`error: ${kernel}: stat ${kernel}: no such file or directory`);
  if (!existsSync(boot)) fail(`error: boot file '${boot}' not found`);
  if (!existsSync(join(folder, 'common.tar.gz'))) {
    say('Get "https://storage.googleapis.com/nanos/common/common.tar.gz": no route to host\n');
  }
  const name = basename(options.name ?? options.program).split('.')[0] ?? '';
  const image = join(folder, 'images', name);
  try {
    misbehave(image);
    const baseFolder = dirname(options.config ?? './x');
    const manifest = collect({ program: options.program, config, version, name, baseFolder });
    // What was there is gone from here on, whatever becomes of the new one.
    writeFileSync(image, '');
    const [modules, init] = [variable('STANDIN_MODULES'), variable('STANDIN_INIT')];
    makeDisk({ manifest, kernel, boot, image, modules, init });
  } catch (error) {
    fail(`failed creating image file: ${textOf(error)}`);
  }
  const told = variable('STANDIN_BEHAVIOUR') === 'elsewhere' ? '/etc/passwd' : image;
  say(`Bootable image file:${told}\n`);
}

/** The ways in which it can go wrong, each by its name. */
function misbehave(image: string): void {
  const made = (): never => {
    say(`Bootable image file:${image}\n`);
    process.exit(0);
  };
  switch (variable('STANDIN_BEHAVIOUR')) {
    case 'half':
      writeFileSync(image, Buffer.alloc(4096));
      throw new Error('cannot write root filesystem: input/output error');
    case 'red':
      writeFileSync(image, '');
      say(red('failed creating image file: something is amiss'));
      made();
      break;
    case 'silent':
      process.exit(0);
      break;
    case 'unbootable':
      writeFileSync(image, Buffer.alloc(1024 * 1024));
      made();
      break;
    case 'empty':
      writeFileSync(image, '');
      made();
      break;
    case 'full':
      writeFileSync(image, '');
      throw new Error(`write ${image}: no space left on device`);
    default:
  }
}

main(process.argv.slice(2));
