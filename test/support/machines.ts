/** QEMU machines of a throw-away home: whose they are, by the token on their command line. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SeenMachine {
  readonly pid: number;
  /** The workload's name when its QEMU was started. */
  readonly name: string;
  /** The VM's folder is QEMU's working directory. */
  readonly folder: string;
}

/** Each QEMU on this machine whose working directory lies in `home`, by what /proc says. */
export async function machinesOf(home: string): Promise<readonly SeenMachine[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const seen = await Promise.all(pids.map((pid) => machineOf(pid, home)));
  return seen.filter((machine) => machine !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function machineOf(pid: number, home: string): Promise<SeenMachine | undefined> {
  const argv = (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '')).split('\0');
  if (!argv.some((word) => word.includes('qemu-system'))) return undefined;
  const uuid = argv[argv.indexOf('-uuid') + 1];
  const name = /^guest=([^,]+)/.exec(argv[argv.indexOf('-name') + 1] ?? '')?.[1];
  if (uuid === undefined || name === undefined) return undefined;
  const folder = await folderOf(home, uuid);
  return folder === undefined ? undefined : { pid, name, folder };
}

/** The VM whose run has this token. */
async function folderOf(home: string, uuid: string): Promise<string | undefined> {
  const root = join(home, 'vm', 'run');
  for (const id of await readdir(root).catch(() => [])) {
    for (const file of await readdir(join(root, id), { recursive: true }).catch(() => [])) {
      if (!file.endsWith('run.json')) continue;
      if ((await readFile(join(root, id, file), 'utf8').catch(() => '')).includes(uuid)) return join(root, id);
    }
  }
  return undefined;
}

/** Kills what still runs in a home, for the end of a test. */
export async function killMachines(home: string): Promise<void> {
  for (const { pid } of await machinesOf(home)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** What a VM leaves on disk: names of everything below `vm/run` and half-made folders elsewhere, sorted. */
export async function leftovers(home: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const part of ['run', 'images', 'volumes', 'kernel']) {
    for (const name of await readdir(join(home, 'vm', part)).catch(() => [])) {
      if (part === 'run' || name.startsWith('.')) found.push(`${part}/${name}`);
    }
  }
  return found.sort();
}
