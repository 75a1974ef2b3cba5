/** What one VM's init is told, and the kernel's command line. Pure. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { BerthError } from '../../../core/errors.js';
import { rootSerial, type GuestConfig, type GuestNetwork } from '../contracts.js';
import { cpioArchive } from './cpio.js';
import { launcher, type Launch } from './launcher.js';
import { shellQuote } from './quote.js';

/** What Podman gives to a program whose image says nothing. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const diskRoot = '/.berth/root';

/**
 * The gzipped cpio archive that makes a guest this VM: unpacked after the base and the image. It holds the
 * environment, secrets included. E_VM_IMAGE for texts that no program can be given.
 */
export async function configArchive(config: GuestConfig): Promise<Uint8Array> {
  const archive = await cpioArchive([
    { kind: 'file', path: '/.berth/config', mode: 0o600, content: Buffer.from(configText(config)) },
    { kind: 'file', path: '/.berth/launch', mode: 0o700, content: launcher(launchOf(config)) },
  ]);
  return promisify(gzip)(archive, { level: 1 });
}

/**
 * The kernel's command line of every microVM. Source: the kernel's Documentation/admin-guide/kernel-parameters.rst.
 */
export function kernelCommandLine(accel: 'kvm' | 'tcg'): string {
  return [
    'console=ttyS0',
    // The console log is the program's: only what the kernel calls an error is added to it.
    'quiet',
    // A panic ends the machine (QEMU runs with -no-reboot), so that the host learns of it.
    'panic=-1',
    'rdinit=/.berth/init',
    // The self-tests of the kernel's cryptography are a fifth of a boot under emulation.
    'cryptomgr.notests',
    // An emulated timer that is late on a busy host looks broken, and the kernel would panic.
    ...(accel === 'tcg' ? ['no_timer_check'] : []),
  ].join(' ');
}

/** What the program gets: what Podman adds, then the environment asked for. */
export function programEnv(config: GuestConfig): Readonly<Record<string, string>> {
  return { PATH: defaultPath, HOSTNAME: config.hostname, HOME: config.user.home ?? '/', ...config.env };
}

function launchOf(config: GuestConfig): Launch {
  const [program = ''] = config.argv;
  if (program === '') throw new BerthError('E_VM_IMAGE', 'the image names no program to run, and neither does command');
  const env = programEnv(config);
  const { uid, gid, groups } = config.user;
  return {
    chroot: config.root === 'disk' ? diskRoot : null,
    workdir: config.workdir,
    uid,
    gid,
    groups,
    paths: pathsOf(program, env['PATH'] ?? defaultPath),
    argv: config.argv,
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
  };
}

/** As execvp(3): a name with a slash is a path, another is looked up; an empty folder is the working directory. */
function pathsOf(program: string, path: string): readonly string[] {
  if (program.includes('/')) return [program];
  return path.split(':').map((folder) => `${folder === '' ? '.' : folder}/${program}`);
}

function configText(config: GuestConfig): string {
  const { user, network, hostname, mounts } = config;
  const variables = {
    hostname,
    hosts: hostsText(hostname, network),
    resolv: network ? network.nameServers.map((address) => `nameserver ${address}`).join('\n') : '',
    workdir: config.workdir,
    console: '/dev/ttyS0',
    program_words: wordsOf(config.argv[0] ?? ''),
    user_words: String(user.uid),
    owner: `${user.uid}:${user.gid}`,
    stop_signal: stopSignalOf(config.stopSignal ?? null),
  };
  const volumes = mounts.map(({ serial, target, readOnly }) => {
    const words = `the volume at ${wordsOf(target)}`;
    return ['volume', ...[serial, target, readOnly ? 'ro' : 'rw', words].map(shellQuote)].join(' ');
  });
  // The innermost first: one volume may be mounted inside another.
  const releases = mounts.map(({ serial, target }) => `release ${shellQuote(serial)} ${shellQuote(target)}`).reverse();
  return [
    ...Object.entries(variables).map(([name, value]) => `${name}=${shellQuote(value)}\n`),
    shellFunction('configure_network', network ? networkCommands(network) : []),
    shellFunction('configure_root', config.root === 'disk' ? ['load "$modules_disk"', `disk_root ${rootSerial}`] : []),
    shellFunction('configure_volumes', mounts.length > 0 ? ['load "$modules_disk"', ...volumes] : []),
    shellFunction('release_volumes', releases),
  ].join('');
}

function shellFunction(name: string, commands: readonly string[]): string {
  return `${name}() {\n${commands.length > 0 ? commands.join('\n') : ':'}\n}\n`;
}

function networkCommands({ address, prefixLength, gateway }: GuestNetwork): readonly string[] {
  const bits = 0xffffffff * 2 ** (32 - prefixLength);
  const netmask = [24, 16, 8, 0].map((shift) => Math.floor((bits % 2 ** 32) / 2 ** shift) % 256).join('.');
  return [
    `ifconfig eth0 ${shellQuote(address)} netmask ${netmask} up || echo "berth: there is no network" >/dev/console`,
    `route add default gw ${shellQuote(gateway)}`,
  ];
}

function hostsText(hostname: string, network: GuestNetwork | null): string {
  const own = `${network?.address ?? '127.0.1.1'} ${hostname}`;
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost', own].join('\n');
}

/** A text inside a JSON string that a shell prints. */
function wordsOf(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** First real-time signal of glibc, which images' SIGRTMIN+n count from. */
const firstRealTimeSignal = 34;

/** A signal in the words of `kill -s`; what is not understood becomes SIGTERM. */
export function stopSignalOf(signal: string | null): string {
  const name = (signal ?? 'TERM').toUpperCase().replace(/^SIG/, '');
  const realTime = /^RTMIN(?:\+(\d{1,2}))?$/.exec(name);
  if (realTime) return String(firstRealTimeSignal + Number(realTime[1] ?? 0));
  return /^(?:[A-Z]+[12]?|\d{1,2})$/.test(name) ? name : 'TERM';
}
