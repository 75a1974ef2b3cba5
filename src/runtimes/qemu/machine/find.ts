/** Whether a folder's machine runs, by what the kernel says and not by what a file claims. */
import type { MachineHost } from '../../host/machine-host.js';
import { identityOf, isSameProcess } from '../../host/process-identity.js';
import { readRunRecord, runOf, writeRunRecord, type RunIdentity, type RunRecord } from './run-record.js';

export type FoundMachine =
  | { readonly state: 'running'; readonly run: RunIdentity }
  /** It ran, in this boot or an earlier one, and no longer does. */
  | { readonly state: 'ended'; readonly run: RunIdentity }
  /** It was to be started, and did not come up. */
  | { readonly state: 'never-started'; readonly uuid: string }
  /** Nothing was ever started here. */
  | { readonly state: 'none' };

function hasToken(commandLine: string | undefined, uuid: string): boolean {
  const argv = (commandLine ?? '').split('\0');
  return argv.some((word, index) => word === '-uuid' && argv[index + 1] === uuid);
}

const commandLineOf = (host: MachineHost, pid: number): Promise<string | undefined> =>
  host.readText(`/proc/${pid}/cmdline`);

/** True while that very QEMU runs: same boot, pid, start time, and the token on its command line. */
export async function isMachineAlive(host: MachineHost, run: RunIdentity): Promise<boolean> {
  if (!(await isSameProcess(host, run))) return false;
  const commandLine = await commandLineOf(host, run.pid);
  // A process that is just becoming the next program (flock, setpriv, QEMU) has none for an instant, and one that is
  // on its way out until it is gone: it is the same one still.
  return commandLine === '' || hasToken(commandLine, run.uuid);
}

/** Kills that very QEMU and no other; false when it is not there any more. */
export async function killMachine(host: MachineHost, run: RunIdentity): Promise<boolean> {
  return (await isMachineAlive(host, run)) && host.kill(run.pid, 'SIGKILL');
}

/** The process with the token of a run whose pid was never written down. */
async function searchByToken(host: MachineHost, record: RunRecord): Promise<RunIdentity | undefined> {
  for (const name of await host.listFolder('/proc')) {
    if (!/^\d+$/.test(name) || !hasToken(await commandLineOf(host, Number(name)), record.uuid)) continue;
    const identity = await identityOf(host, Number(name));
    if (identity) return { ...identity, uuid: record.uuid, startedAtMs: record.startedAtMs };
  }
  return undefined;
}

/**
 * Finds the machine of a folder, whoever started it and wherever that one died: between writing the intent and writing
 * the pid, the token leads to the process. Only looks: whoever starts it may be writing at this moment.
 */
export async function findMachine({ host }: { readonly host: MachineHost }, folder: string): Promise<FoundMachine> {
  const record = await readRunRecord(host, folder);
  if (!record) return { state: 'none' };
  const recorded = runOf(record);
  if (recorded) return { state: (await isMachineAlive(host, recorded)) ? 'running' : 'ended', run: recorded };
  const bootId = (await host.readText('/proc/sys/kernel/random/boot_id'))?.trim();
  const run = record.bootId === bootId ? await searchByToken(host, record) : undefined;
  return run ? { state: 'running', run } : { state: 'never-started', uuid: record.uuid };
}

/**
 * As `findMachine`; and writes down which process it is where nobody has, so that it is known for what it was once it has
 * ended. Not for use while it is being started.
 */
export async function adoptMachine(deps: { readonly host: MachineHost }, folder: string): Promise<FoundMachine> {
  const found = await findMachine(deps, folder);
  if (found.state !== 'running') return found;
  const record = await readRunRecord(deps.host, folder);
  if (record?.pid === null && record.uuid === found.run.uuid) await writeRunRecord(deps.host, folder, found.run);
  return found;
}
