import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { machinesOf } from '../support/machines.js';
import { ensureTestKernel } from '../support/vm-kernel.js';
import { freePort, makeTestHome, podman, root, type CommandResult, type TestHome } from '../support/test-home.js';

/** The commands of every console block, in order. */
async function commandsOf(path: string): Promise<readonly string[]> {
  const text = await readFile(join(root, path), 'utf8');
  return [...text.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .split('\n')
      .filter((line) => line.startsWith('$ '))
      .map((line) => line.slice(2)),
  );
}

/** What the tour promises after a command, as a state of the world. Later matches win. */
interface TourPromise {
  readonly after: RegExp;
  readonly holds: (said: CommandResult) => Promise<void>;
}

describe('the tour of README.md', () => {
  let home: TestHome;
  let port = 0;
  let machinePort = 0;
  let folder = '';
  let definition = '';
  const web = (): string => `${home.prefix}hello-web`;
  const started = new Set<string>();

  beforeAll(async () => {
    home = await makeTestHome((await ensureTestKernel()).env);
    port = await freePort();
    machinePort = await freePort();
    folder = await mkdtemp(join(tmpdir(), 'bh-readme-'));
    definition = join(folder, 'hello.toml');
    const text = await readFile(join(root, 'examples/hello/hello.toml'), 'utf8');
    await writeFile(
      definition,
      text.replace(/8088|8081/g, (known) => String(known === '8088' ? port : machinePort)),
    );
    await home.startAgent();
    expect(await home.berth('deploy', '-f', definition, '--timeout', '60s')).toMatchObject({ exitCode: 0 });
    started.add(await startOf(web()));
  });

  afterAll(async () => {
    await home.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** The same command in the throw-away home: other names, another port. */
  const here = (command: string): string =>
    command
      .replaceAll('examples/hello/hello.toml', definition)
      .replaceAll(/8088|8081/g, (known) => String(known === '8088' ? port : machinePort))
      .replace(/^(podman \w+) hello-/, `$1 ${home.prefix}hello-`);

  const promises: readonly TourPromise[] = [
    {
      after: /apply .*-m "as in/,
      holds: async () => expect(await pageOf(port)).toContain('Hello from Berth'),
    },
    {
      after: /^podman kill/,
      holds: async () => {
        const now = await startOf(web());
        expect(started).not.toContain(now);
        started.add(now);
      },
    },
    { after: /memory_mb = 96/, holds: async () => expect(await memoryLimitMb(web())).toBe(96) },
    { after: /--force/, holds: async () => expect(await memoryLimitMb(web())).toBe(64) },
    {
      after: /^podman stop/,
      holds: async () => {
        const { stdout } = await home.berth('status', 'hello', '-o', 'json');
        expect(stdout).toMatch(/"field": ?"state"/);
      },
    },
    { after: /drift hello/, holds: async ({ stdout }) => expect(stdout).toMatch(/web.*state/s) },
    { after: /explain hello\/web/, holds: async ({ stdout }) => expect(stdout).toMatch(/drift/i) },
    { after: /reconcile = 'auto'/, holds: async () => expect(await startOf(web())).toMatch(/^running/) },
    {
      after: /runtime = 'container'/,
      holds: async () => {
        expect(await machinesOf(home.path)).toEqual([]);
        expect(await startOf(`${home.prefix}hello-page`)).toMatch(/^running/);
        expect(await pageOf(machinePort)).toContain('Hello from Berth');
      },
    },
    {
      after: /runtime = 'microvm'/,
      holds: async () => {
        expect(await machinesOf(home.path)).toHaveLength(1);
        const answer = await fetch(`http://127.0.0.1:${machinePort}/`, { signal: AbortSignal.timeout(5_000) });
        expect(await answer.text()).toContain('Hello from Berth');
      },
    },
    {
      after: /history hello\/page/,
      holds: async ({ stdout }) => expect(stdout).toMatch(/runtime.*"microvm".*"container"/),
    },
    {
      after: /delete hello/,
      holds: async () => {
        expect((await podman('container', 'exists', web())).exitCode).toBe(1);
        expect((await home.berth('status', 'hello')).exitCode).toBe(4);
      },
    },
  ];

  it('does what it says, command by command', async () => {
    const commands = await commandsOf('README.md');
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      const said = await execa('bash', ['-euo', 'pipefail', '-c', here(command)], {
        cwd: root,
        env: { ...home.env, EDITOR: 'true' },
        reject: false,
        timeout: 90_000,
      });
      const result = { exitCode: said.exitCode, stdout: said.stdout, stderr: said.stderr };
      expect({ command, ...result }).toMatchObject({ command, exitCode: 0 });
      for (const { holds } of promises.filter(({ after }) => after.test(command))) {
        await eventually(async () => holds(result), { timeoutMs: 20_000, describe: `what follows: ${command}` });
      }
    }
    for (const promise of promises) expect(commands.some((command) => promise.after.test(command))).toBe(true);
  });
});

/** State and start time of a container. */
async function startOf(name: string): Promise<string> {
  const { stdout } = await podman('inspect', '--format', '{{.State.Status}} {{.State.StartedAt}}', name);
  if (!stdout.startsWith('running')) throw new Error(`${name} does not run: ${stdout}`);
  return stdout;
}

/** The limit in force, from the kernel: Podman shows the one that the container was made with. */
async function pageOf(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) })).text();
}

async function memoryLimitMb(name: string): Promise<number> {
  const { stdout: pid } = await podman('inspect', '--format', '{{.State.Pid}}', name);
  const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).split('\n');
  const first = lines.map((line) => /^\d+:memory:(.*)$/.exec(line)?.[1]).find((path) => path !== undefined);
  const unified = lines.map((line) => /^0::(.*)$/.exec(line)?.[1]).find((path) => path !== undefined);
  const path =
    first === undefined ? `/sys/fs/cgroup${unified}/memory.max` : `/sys/fs/cgroup/memory${first}/memory.limit_in_bytes`;
  return Number(await readFile(path, 'utf8')) / 1024 / 1024;
}
