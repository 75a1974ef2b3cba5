/** Starts QEMU so that it outlives the agent, at most once in a folder, whenever the agent dies. */
import { join } from 'node:path';
import { BerthError, isBerthError, messageOf } from '../../../core/errors.js';
import type { FolderProcess } from '../../host/machine-host.js';
import { pause } from '../../host/pause.js';
import { identityOf } from '../../host/process-identity.js';
import { machineFiles, type MachineSpec } from '../contracts.js';
import { lockedExitCode, machineArgv, type MachineTools } from './argv.js';
import { late, throwIfCancelled, within } from './deadline.js';
import type { MachineDeps } from './deps.js';
import { findMachine, killMachine } from './find.js';
import { prepareFolder } from './ownership.js';
import { needsLowPorts, type Privileges } from './privileges.js';
import { QmpClient } from './qmp.js';
import { refusalOf } from './refusals.js';
import { readRunRecord, writeRunRecord, type RunIdentity, type RunRecord } from './run-record.js';
import { findTools } from './tools.js';

export interface LaunchRequest {
  /** The VM's folder; all files of the spec are in it. */
  readonly folder: string;
  readonly spec: MachineSpec;
  /** The user that QEMU becomes; null: the agent's own. */
  readonly uid: number | null;
}

/** Between two looks for the QMP socket of a QEMU that is just starting. */
const lookEveryMs = 10;
const usualFirstFreePort = 1_024;

async function firstFreePort(deps: MachineDeps): Promise<number> {
  const text = await deps.host.readText('/proc/sys/net/ipv4/ip_unprivileged_port_start');
  const port = Number(text?.trim() ?? NaN);
  return Number.isInteger(port) ? port : usualFirstFreePort;
}

/** The group that may use /dev/kvm; root's own is never given away. */
async function kvmGroups({ host }: MachineDeps, spec: MachineSpec): Promise<readonly number[]> {
  const device = spec.accel === 'kvm' ? await host.fileState('/dev/kvm') : undefined;
  return device && device.gid !== 0 ? [device.gid] : [];
}

async function bootIdOf({ host }: MachineDeps): Promise<string> {
  const bootId = (await host.readText('/proc/sys/kernel/random/boot_id'))?.trim();
  if (bootId) return bootId;
  throw new BerthError('E_INTERNAL', '/proc/sys/kernel/random/boot_id cannot be read');
}

/** The disk's own words become ours; everything else passes. */
async function onDisk<T>(work: Promise<T>, name: string): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
      throw new BerthError('E_DISK_FULL', `no space is left to start ${name}`, { cause: error });
    }
    throw error;
  });
}

interface Launch {
  readonly deps: MachineDeps;
  readonly request: LaunchRequest;
  readonly record: RunRecord;
  readonly privileges: Privileges;
  readonly firstFreePort: number;
}

async function spawn(launch: Launch, tools: MachineTools): Promise<FolderProcess> {
  const { deps, request, privileges } = launch;
  const { folder, spec } = request;
  const argv = machineArgv(spec, tools, privileges);
  // Nothing of the agent's environment, where secrets may be; overlays of disks go into the folder.
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TMPDIR: '.' };
  try {
    return await deps.host.startInFolder(argv, { folder, logPath: join(folder, machineFiles.qemuLog), env });
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw error;
    throw new BerthError('E_RUNTIME_UNAVAILABLE', `QEMU cannot be executed: ${messageOf(error)}`, { cause: error });
  }
}

async function failed(launch: Launch, exitCode: number | null): Promise<BerthError> {
  const { deps, request } = launch;
  const { folder, spec } = request;
  const bytes = await deps.host.readBytes(join(folder, machineFiles.qemuLog), 0, 65_536);
  const words = bytes?.toString('utf8') ?? '';
  return refusalOf({
    ...{ name: spec.name, exitCode, words, firstFreePort: launch.firstFreePort },
    isRoot: deps.host.uid === 0,
  });
}

/** Asks until QEMU answers with the token of this run. */
async function waitForGreeting(launch: Launch, isOver: () => boolean, signal?: AbortSignal): Promise<void> {
  const { deps, request } = launch;
  const { folder, spec } = request;
  const beganMs = deps.clock.monotonic();
  while (!isOver()) {
    throwIfCancelled(signal);
    const leftMs = deps.settings.startDeadlineMs - (deps.clock.monotonic() - beganMs);
    if (leftMs <= 0) break;
    try {
      const options = { folder, socket: machineFiles.qmp, deadlineMs: leftMs, ...(signal ? { signal } : {}) };
      const qmp = await QmpClient.connect(deps, options);
      const asked = qmp.execute('query-uuid', {}, { deadlineMs: leftMs });
      const answer = JSON.stringify(
        await asked.finally(() => {
          qmp.close();
        }),
      );
      if (answer.includes(spec.uuid)) return;
      throw new BerthError('E_VM_START', `another machine answers in the folder of ${spec.name}: ${answer}`);
    } catch (error) {
      if (!isBerthError(error, 'E_DRIVER_UNREACHABLE')) throw error;
    }
    await pause(deps.clock, lookEveryMs, signal);
  }
  if (isOver()) return;
  const message = `${spec.name} did not start: QEMU gave no answer within ${deps.settings.startDeadlineMs} ms`;
  throw new BerthError('E_VM_START', message);
}

/** How a QEMU ended that was killed; E_DRIVER_TIMEOUT when it is still there: the disk that it waits for may be gone. */
async function endOf({ clock, settings }: MachineDeps, child: FolderProcess): Promise<number | null> {
  const exitCode = await within(clock, child.exited, settings.callDeadlineMs);
  if (exitCode !== late) return exitCode;
  throw new BerthError('E_DRIVER_TIMEOUT', `QEMU (process ${child.pid}) is still there after SIGKILL`);
}

async function complete(launch: Launch, child: FolderProcess, signal?: AbortSignal): Promise<RunIdentity> {
  const { deps, request, record } = launch;
  const over: { exitCode: number | null; is: boolean } = { exitCode: null, is: false };
  void child.exited.then((exitCode) => {
    over.exitCode = exitCode;
    over.is = true;
  });
  const identity = await identityOf(deps.host, child.pid);
  if (!identity) {
    // Where /proc cannot be read it may run all the same. While its end is not known its number is its own: our child.
    if (!over.is) deps.host.kill(child.pid, 'SIGKILL');
    throw await failed(launch, await endOf(deps, child));
  }
  const run: RunIdentity = { ...identity, uuid: record.uuid, startedAtMs: record.startedAtMs };
  try {
    await onDisk(writeRunRecord(deps.host, request.folder, { ...record, ...run }), request.spec.name);
    await waitForGreeting(launch, () => over.is, signal);
    if (over.is) throw await failed(launch, over.exitCode);
    return run;
  } catch (error) {
    if (over.is || !(await killMachine(deps.host, run))) throw over.is ? await failed(launch, over.exitCode) : error;
    await endOf(deps, child);
    throw error;
  }
}

/** A process that is no more to be seen may still be giving back what it held; in seconds. */
const lockWaitS = 2;

/** Before the sockets of an earlier run are cleared away: whoever holds the lock needs them. */
async function mustBeFree({ deps, request }: Launch, { flock }: MachineTools): Promise<void> {
  const lock = join(request.folder, machineFiles.lock);
  const argv = [flock, `--timeout=${lockWaitS}`, `--conflict-exit-code=${lockedExitCode}`, lock, 'true'];
  const { exitCode } = await deps.host.run(argv, { timeoutMs: lockWaitS * 1_000 + deps.settings.callDeadlineMs });
  if (exitCode !== lockedExitCode) return;
  throw new BerthError('E_VM_START', `${request.spec.name} runs already: another QEMU holds its folder`);
}

/**
 * Starts the machine and returns once QEMU answers; the guest may still be booting. When it fails, no QEMU is left.
 * E_VM_START (it runs already, or QEMU refused: its words), E_PORT_TAKEN, E_DISK_FULL, E_RUNTIME_UNAVAILABLE.
 * E_DRIVER_TIMEOUT: it was cancelled, or QEMU survives SIGKILL and may be left.
 */
export async function launchMachine(
  deps: MachineDeps,
  request: LaunchRequest,
  signal?: AbortSignal,
): Promise<RunIdentity> {
  const { folder, spec, uid } = request;
  const found = await findMachine(deps, folder);
  if (found.state === 'running') {
    const message = `${spec.name} runs already, as process ${found.run.pid}`;
    throw new BerthError('E_VM_START', message, { details: { pid: found.run.pid } });
  }
  const [tools, port, groups, bootId] = await Promise.all([
    findTools(deps.host, deps.settings.qemu),
    firstFreePort(deps),
    kvmGroups(deps, spec),
    bootIdOf(deps),
  ]);
  const privileges = { uid, groups, lowPorts: needsLowPorts(spec, port) };
  const record = { uuid: spec.uuid, bootId, pid: null, startTicks: null, startedAtMs: deps.clock.now() };
  const launch: Launch = { deps, request, record, privileges, firstFreePort: port };
  const before = await readRunRecord(deps.host, folder);
  throwIfCancelled(signal);
  await mustBeFree(launch, tools);
  await onDisk(prepareFolder(deps.host, folder, spec, uid), spec.name);
  await onDisk(writeRunRecord(deps.host, folder, record), spec.name);
  const child = await onDisk(spawn(launch, tools), spec.name);
  return complete(launch, child, signal).catch(async (error: unknown) => {
    // One that survives SIGKILL stays known. What was known of an earlier run must not be lost to a start that came to nothing.
    const found = await findMachine(deps, folder).catch(() => undefined);
    if (found?.state !== 'running') await writeRunRecord(deps.host, folder, before ?? record).catch(() => undefined);
    throw error;
  });
}
