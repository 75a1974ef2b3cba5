/**
 * A throw-away home for tests with the real command line, agent and Podman: a short temporary folder, a
 * name prefix of its own, and a clean-up that removes exactly what bears them.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { berthMain, root } from '../../scripts/lib/paths.mjs';
import { eventually } from './eventually.js';
import { killMachines } from './machines.js';
import { processesNamed } from './processes.js';

export { root };

export interface CommandResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningAgent {
  readonly pid: number;
  /** SIGTERM, and waits for the end; answers the exit code. */
  stop(): Promise<number | undefined>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

export interface TestHome {
  readonly path: string;
  /** What the names of its workloads begin with. */
  readonly prefix: string;
  /** For processes that work in this home. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the command line; never throws for its exit code. */
  berth(...args: readonly string[]): Promise<CommandResult>;
  /** Starts an agent, with `more` in its environment, and waits until the status names it. */
  startAgent(more?: Readonly<Record<string, string>>): Promise<RunningAgent>;
  /** Ends its agents and removes containers, networks, volumes and the folder. */
  dispose(): Promise<void>;
}

/** Longest time of one command, in milliseconds. */
const commandMs = 120_000;

/** `settings` are environment variables, such as BERTH_RELIST_S. */
export async function makeTestHome(settings: Readonly<Record<string, string>> = {}): Promise<TestHome> {
  const path = await mkdtemp(join(tmpdir(), 'bh-'));
  const prefix = `t${randomBytes(3).toString('hex')}-`;
  const env = { BERTH_HOME: path, BERTH_NAME_PREFIX: prefix, BERTH_API_LISTEN: '127.0.0.1:0', ...settings };
  const agents = new Set<Child>();

  const berth = async (...args: readonly string[]): Promise<CommandResult> => {
    const { exitCode, stdout, stderr } = await execa(process.execPath, [berthMain, ...args], {
      env,
      cwd: root,
      reject: false,
      timeout: commandMs,
    });
    return { exitCode, stdout, stderr };
  };

  const startAgent = async (more: Readonly<Record<string, string>> = {}): Promise<RunningAgent> => {
    const log = join(path, `agent-${agents.size}.log`);
    const logFile = await open(log, 'a', 0o600);
    const child = execa(process.execPath, [berthMain, 'agent'], {
      env: { ...env, ...more },
      cwd: root,
      reject: false,
      stdin: 'ignore',
      // The file itself, not a pipe to this process: what happens to the one must not happen to the other.
      stdout: logFile.fd as 1,
      stderr: logFile.fd as 1,
      cleanup: true,
    });
    await logFile.close();
    const agent: Child = {
      kill: (signal) => void child.kill(signal),
      ended: child.then(({ exitCode }) => exitCode),
    };
    agents.add(agent);
    const words = async (): Promise<string> => readFile(log, 'utf8').catch(() => '');
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`the agent ended (${child.exitCode}): ${await words()}`);
        const { stdout } = await berth('status', '-o', 'json');
        return (JSON.parse(stdout) as { agent: { pid: number } | null }).agent?.pid === child.pid;
      },
      { timeoutMs: 60_000, describe: 'the agent serves' },
    );
    return {
      pid: child.pid ?? 0,
      stop: async () => end(agent, 'SIGTERM'),
      kill: async () => {
        await end(agent, 'SIGKILL');
      },
    };
  };

  const dispose = async (): Promise<void> => {
    for (const agent of agents) await end(agent, 'SIGTERM');
    await killMachines(path);
    await removeContainers(prefix);
    await removeNetworksAndVolumes(path);
    await rm(path, { recursive: true, force: true });
    // What no runtime knows any more would go on for ever.
    await eventually(async () => mustBeNone(await processesNamed([prefix])), {
      timeoutMs: 60_000,
      everyMs: 50,
      describe: 'nothing runs of a home that was disposed of',
    });
  };

  return { path, prefix, env, berth, startAgent, dispose };
}

function mustBeNone(processes: readonly string[]): void {
  if (processes.length > 0) throw new Error(processes.join('; '));
}

interface Child {
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Its exit code; undefined when a signal ended it. */
  readonly ended: Promise<number | undefined>;
}

/** Longest time in which an agent ends on a busy machine, in milliseconds. */
const endMs = 30_000;

async function end(child: Child, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | undefined> {
  child.kill(signal);
  const force = setTimeout(() => {
    child.kill('SIGKILL');
  }, endMs);
  const exitCode = await child.ended;
  clearTimeout(force);
  return exitCode;
}

/** Podman's command line with a deadline; never throws for its exit code. */
export async function podman(...args: readonly string[]): Promise<CommandResult> {
  const { exitCode, stdout, stderr } = await execa('podman', args, { reject: false, timeout: commandMs });
  return { exitCode, stdout, stderr };
}

async function removeContainers(prefix: string): Promise<void> {
  const { stdout } = await podman('ps', '-a', '--filter', `name=^${prefix}`, '--format', '{{.ID}}');
  const ids = stdout.split('\n').filter((id) => id !== '');
  if (ids.length === 0) return;
  // Podman 4.3 removes what is just being stopped without ending it.
  await podman('kill', ...ids);
  await podman('rm', '-f', '-t', '0', ...ids);
}

/** By the home's id, which their names hold. */
async function removeNetworksAndVolumes(home: string): Promise<void> {
  const query = await execa('sqlite3', ['-readonly', join(home, 'registry.db'), 'select home_id from meta'], {
    reject: false,
    timeout: 10_000,
  });
  const id = query.stdout.trim().replaceAll('-', '').slice(0, 8);
  if (query.exitCode !== 0 || id.length < 8) return;
  for (const kind of ['network', 'volume']) {
    const { stdout } = await podman(kind, 'ls', '--format', '{{.Name}}');
    for (const name of stdout.split('\n')) {
      if (name.startsWith(`berth-${id}.`)) await podman(kind, 'rm', '-f', name);
    }
  }
}

/** A TCP port of the loopback interface that nobody listens on now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
