/** Runs `ops`, which is not ours: in a folder and a session of its own, with a deadline, believed only when checked. */
import { lstat, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BerthError, messageOf } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { MachineHost } from '../../host/machine-host.js';
import type { OpsConfig } from './config.js';
import { makeOpsHome, type OpsTool } from './ops-home.js';
import { readOpsOutput, readOpsVersion, type OpsOutput } from './ops-output.js';

export interface OpsRunner {
  readonly host: MachineHost;
  readonly clock: Clock;
}

export interface OpsBuild {
  readonly tool: OpsTool;
  /** A fresh, empty folder for all that ops keeps and writes. */
  readonly folder: string;
  /** The staged root file system of the guest; ops runs there. */
  readonly root: string;
  /** The program's absolute path in the guest. */
  readonly program: string;
  readonly config: OpsConfig;
  /** Fresh, without dots: ops cuts a name at its first one. */
  readonly name: string;
  readonly deadlineMs: number;
}

const outputBytes = 64 * 1024;
const sectorBytes = 512;

/**
 * Builds one disk and answers its path, below `folder`. E_OPS carries ops' own last words; E_DISK_FULL;
 * E_RUNTIME_UNAVAILABLE when ops cannot be started; E_DRIVER_TIMEOUT when the signal fired.
 */
export async function runOpsBuild(runner: OpsRunner, build: OpsBuild, signal: AbortSignal): Promise<string> {
  const configPath = join(build.folder, 'config.json');
  const home = join(build.folder, 'home');
  await mkdir(home, { mode: 0o700 });
  const env = await makeOpsHome(home, build.tool);
  await writeFile(configPath, JSON.stringify(build.config), { mode: 0o600 });
  const argv = [
    build.tool.ops,
    'build',
    `.${build.program}`,
    ...['-c', configPath],
    ...['-i', build.name],
    ...['--netmask', build.config.RunConfig.NetMask],
  ];
  const ended = await runContained(runner, { argv, env, folder: build.root, ...logOf(build) }, signal);
  const said = readOpsOutput(ended.output);
  refuseFailure(ended, said, build.deadlineMs);
  const expected = join(home, '.ops', 'images', build.name);
  if (said.image !== expected) {
    throw new BerthError('E_OPS', `ops says that the disk is ${said.image ?? 'nowhere'}, not ${expected}`);
  }
  await checkDisk(expected);
  return expected;
}

const logOf = (build: OpsBuild): Pick<Contained, 'logPath' | 'deadlineMs'> => ({
  logPath: join(build.folder, 'ops.log'),
  deadlineMs: build.deadlineMs,
});

function refuseFailure(ended: Ended, said: OpsOutput, deadlineMs: number): void {
  const words = said.errors.length > 0 ? said.errors.slice(-3).join('; ') : said.lastWords;
  const details = { exitCode: ended.exitCode };
  if (ended.timedOut) {
    const after = words === '' ? 'it had said nothing' : `its last words: ${words}`;
    throw new BerthError('E_OPS', `ops did not end within ${deadlineMs} ms and was killed; ${after}`, { details });
  }
  if (/no space left on device|disk quota exceeded/i.test(ended.output)) {
    throw new BerthError('E_DISK_FULL', `no space is left to build the unikernel: ${words}`, { details });
  }
  if (ended.exitCode !== 0 || said.errors.length > 0 || said.image === null) {
    const how = ended.exitCode === null ? 'was killed' : `ended with code ${ended.exitCode}`;
    throw new BerthError('E_OPS', `ops ${how}: ${words === '' ? 'it said nothing' : words}`, { details });
  }
}

/** E_OPS unless it is a regular file that a BIOS would boot. */
async function checkDisk(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isFile()) throw new BerthError('E_OPS', `ops says that it made ${path}, but there is no such file`);
  if (!(await hasBootSignature(path))) {
    throw new BerthError('E_OPS', `what ops made cannot boot: ${path} (${stats.size} bytes) has no boot signature`);
  }
}

/** True when the first sector ends as a boot sector does (0x55 0xAA) and more follows. */
export async function hasBootSignature(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(sectorBytes + 1), 0, sectorBytes + 1, 0);
    return bytesRead === sectorBytes + 1 && buffer[510] === 0x55 && buffer[511] === 0xaa;
  } finally {
    await file.close();
  }
}

/** The versions that `ops version` tells, asked in a home of its own below `folder`. E_OPS, E_RUNTIME_UNAVAILABLE. */
export async function askOpsVersion(
  runner: OpsRunner,
  tool: OpsTool,
  folder: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<{ readonly ops: string; readonly nanos: string }> {
  const env = await makeOpsHome(folder, tool);
  const logPath = join(folder, 'ops.log');
  const ended = await runContained(runner, { argv: [tool.ops, 'version'], env, folder, logPath, deadlineMs }, signal);
  const version = readOpsVersion(ended.output);
  if (ended.exitCode !== 0 || version.ops === '') {
    refuseFailure(ended, { ...readOpsOutput(ended.output), image: null }, deadlineMs);
  }
  return version;
}

interface Contained {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Working directory. */
  readonly folder: string;
  readonly logPath: string;
  readonly deadlineMs: number;
}

interface Ended {
  /** null: by a signal. */
  readonly exitCode: number | null;
  /** The end of what it wrote. */
  readonly output: string;
  readonly timedOut: boolean;
}

/**
 * Runs a command in a session of its own. At its deadline, or when the signal fires, the whole process group is
 * killed; it dies with this process, too, so that a restarted agent finds no builder that still writes.
 */
async function runContained({ host, clock }: OpsRunner, run: Contained, signal: AbortSignal): Promise<Ended> {
  if (signal.aborted) throw cancelled();
  const setpriv = await host.findProgram('setpriv');
  const bound = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const { folder, env, logPath } = run;
  const child = await host
    .startInFolder([...bound, ...run.argv], { folder, env, logPath })
    .catch((error: unknown): never => {
      throw notStarted(run.argv, messageOf(error), error);
    });
  const killGroup = (): void => void host.kill(-child.pid, 'SIGKILL');
  let timedOut = false;
  const stopTimer = clock.after(run.deadlineMs, () => {
    timedOut = true;
    killGroup();
  });
  signal.addEventListener('abort', killGroup, { once: true });
  // It may have fired while the command was started.
  if (isAborted(signal)) killGroup();
  const exitCode = await child.exited;
  stopTimer();
  signal.removeEventListener('abort', killGroup);
  if (isAborted(signal)) throw cancelled();
  const output = await endOf(host, logPath);
  // setpriv's own words and codes (man 1 setpriv): the command could not be executed, or there is none.
  if (setpriv !== undefined && (exitCode === 126 || exitCode === 127) && output.startsWith('setpriv: ')) {
    throw notStarted(run.argv, output.trim());
  }
  return { exitCode, output, timedOut };
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted;

function cancelled(): BerthError {
  return new BerthError('E_DRIVER_TIMEOUT', 'the build of the unikernel was cancelled');
}

function notStarted([program = '']: readonly string[], why: string, cause?: unknown): BerthError {
  return new BerthError('E_RUNTIME_UNAVAILABLE', `${program} cannot be started: ${why}`, {
    suggestion: `make ${dirname(program)} hold a working ops, or name it in the settings`,
    ...(cause === undefined ? {} : { cause }),
  });
}

async function endOf(host: MachineHost, path: string): Promise<string> {
  const bytes = (await host.fileState(path))?.bytes ?? 0;
  const part = await host.readBytes(path, Math.max(0, bytes - outputBytes), outputBytes);
  return part?.toString('utf8') ?? '';
}
