/** Every process of this machine that belongs to a home, what it is, and what it holds: ports and locks. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

export type ProcessKind = 'agent' | 'command' | 'service' | 'conmon' | 'qemu' | 'shared' | 'stray';

export interface SeenProcess {
  readonly pid: number;
  readonly kind: ProcessKind;
  /** Native id of the container or the VM; empty for the others. */
  readonly of: string;
  readonly argv: readonly string[];
  /** Listening sockets, as `tcp 127.0.0.1:8080`. */
  readonly ports: readonly string[];
}

/** What /proc tells of one process; a zombie runs no more. */
interface Facts {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: readonly string[];
}

export async function pidsOfAll(): Promise<readonly number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

export async function processesOf(home: string, prefix: string): Promise<readonly SeenProcess[]> {
  const all = await Promise.all((await pidsOfAll()).map(factsOf));
  const listening = await listeners();
  const seen: SeenProcess[] = [];
  for (const facts of all) {
    const kind = facts && kindOf(facts, home, prefix);
    if (!facts || !kind) continue;
    seen.push({ ...kind, pid: facts.pid, argv: facts.argv, ports: await portsOf(facts.pid, listening) });
  }
  return seen;
}

async function factsOf(pid: number): Promise<Facts | undefined> {
  const read = (name: string): Promise<string> => readFile(`/proc/${String(pid)}/${name}`, 'utf8').catch(() => '');
  const [line, env, status] = await Promise.all([read('cmdline'), read('environ'), read('stat')]);
  if (line === '' || /\) [ZX] /.test(status)) return undefined;
  const cwd = await readlink(`/proc/${String(pid)}/cwd`).catch(() => '');
  return { pid, argv: line.split('\0'), env: env.split('\0'), cwd };
}

type Kind = Pick<SeenProcess, 'kind' | 'of'>;

function kindOf(facts: Facts, home: string, prefix: string): Kind | undefined {
  const { argv, cwd, env } = facts;
  if (basename(argv[0] ?? '') === 'conmon') {
    return after(argv, '-n').startsWith(prefix) ? { kind: 'conmon', of: after(argv, '-c') } : undefined;
  }
  if (cwd.startsWith(`${home}/`)) return kindInFolder(facts);
  const isPodman = basename(argv[0] ?? '') === 'podman';
  if (isPodman && argv.some((word) => word.startsWith(`unix://${home}/`))) return { kind: 'service', of: '' };
  return env.includes(`BERTH_HOME=${home}`) ? kindByEnvironment(argv) : undefined;
}

/** Between flock and QEMU a machine is still being started. */
function kindInFolder({ argv, cwd }: Facts): Kind {
  const of = /\/vm\/run\/([^/ ]+)/.exec(cwd)?.[1] ?? '';
  const isMachine = of !== '' && /^(?:qemu-.*|flock|setpriv)$/.test(basename(argv[0] ?? ''));
  return { kind: isMachine ? 'qemu' : 'stray', of };
}

function kindByEnvironment(argv: readonly string[]): Kind {
  // Whoever looks up names in all of Podman's networks was started by the first that needed it.
  if (basename(argv[0] ?? '') === 'aardvark-dns') return { kind: 'shared', of: '' };
  if (!argv.some((word) => word.endsWith('/main.js'))) return { kind: 'stray', of: '' };
  return { kind: argv.includes('agent') ? 'agent' : 'command', of: '' };
}

const after = (argv: readonly string[], flag: string): string => argv[argv.indexOf(flag) + 1] ?? '';

/** Listening TCP and bound UDP sockets of this network namespace by inode. */
async function listeners(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const protocol of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const listens = protocol.startsWith('tcp') ? '0A' : '07';
    for (const line of (await readFile(`/proc/net/${protocol}`, 'utf8').catch(() => '')).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [local = '', state, inode] = [fields[1], fields[3], fields[9]];
      if (state === listens && inode) found.set(inode, `${protocol.slice(0, 3)} ${addressOf(local)}`);
    }
  }
  return found;
}

/** `0100007F:1F90` is 127.0.0.1:8080: words of four bytes in the machine's order (man 5 proc). */
function addressOf(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse());
  const isV4 = bytes.length === 4;
  const written = isV4 ? bytes.map((byte) => String(parseInt(byte, 16))).join('.') : bytes.join('').toLowerCase();
  const wild = !isV4 && /^0+$/.test(written) ? '0.0.0.0' : written;
  return `${wild}:${String(parseInt(port, 16))}`;
}

async function portsOf(pid: number, listening: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const folder = `/proc/${String(pid)}/fd`;
  const ports = new Set<string>();
  for (const fd of await readdir(folder).catch(() => [])) {
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(join(folder, fd)).catch(() => ''))?.[1];
    const port = inode === undefined ? undefined : listening.get(inode);
    if (port !== undefined) ports.add(port);
  }
  return [...ports].sort();
}

/** Who holds a lock on a file: process ids, by /proc/locks. */
export async function lockHoldersOf(path: string): Promise<readonly number[]> {
  const inode = await stat(path).then(
    (found) => String(found.ino),
    () => undefined,
  );
  const lines = (await readFile('/proc/locks', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return lines.filter((fields) => fields[1] !== '->' && fields[5]?.split(':')[2] === inode).map((f) => Number(f[4]));
}
