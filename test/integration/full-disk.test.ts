/**
 * The disk that holds the home gets full while the agent works, and while a machine ends: what runs goes on, nothing is
 * claimed that nobody knows, the agent survives or says why not, and all is well once there is room.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berthMain } from '../../scripts/lib/paths.mjs';
import { expectCensus, runsIn } from '../support/census.js';
import { eventually } from '../support/eventually.js';
import { machinesOf } from '../support/machines.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { row } from '../support/reading.js';
import { makeTestHome, root, type RunningAgent, type TestHome } from '../support/test-home.js';
import { ensureTestKernel } from '../support/vm-kernel.js';

const patience = { timeoutMs: 90_000, everyMs: 100 };
/** Room for the images and machines of this file, in mebibytes. */
const diskMb = 128;

let home: TestHome;
let agent: RunningAgent;
let image: BuiltImage;
let folder: string;

beforeAll(async () => {
  const kernel = await ensureTestKernel();
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-full-'))]);
  home = await makeTestHome({
    ...kernel.env,
    ...{ BERTH_SETTLE_S: '0.2', BERTH_BACKOFF_FIRST_S: '0.2', BERTH_BACKOFF_LONGEST_S: '1', BERTH_RELIST_S: '1' },
  });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${String(diskMb)}m`, 'tmpfs', home.path]);
  agent = await home.startAgent();
  await apply('steady', component('box') + component('vm', `${microvm}command = ["sh", "-c", "${waits}"]\n`), 'deploy');
});

afterAll(async () => {
  await makeRoom();
  await home.dispose().catch(() => undefined);
  await execa('umount', ['--lazy', home.path], { reject: false });
  await rm(home.path, { recursive: true, force: true });
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

const microvm = 'runtime = "microvm"\nmemory_mb = 96\n';
/** Ends with code 3 when somebody types a line that says so. */
const waits = 'while read -r line; do [ $line = end ] && exit 3; done';

function component(name: string, more = ''): string {
  return `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n${more}`;
}

async function apply(service: string, body: string, verb: 'apply' | 'deploy'): Promise<void> {
  const path = join(folder, `${service}.toml`);
  await writeFile(path, `name = "${service}"\n${body}`);
  const result = await home.berth(verb, '-f', path);
  expect(result.exitCode, result.stderr).toBe(0);
}

const ballast = (): string => join(home.path, 'ballast');

/** Not one page is left, nor any of the write-ahead log that could be used again. */
async function fill(): Promise<void> {
  const truncate = [join(home.path, 'registry.db'), 'pragma busy_timeout = 5000; pragma wal_checkpoint(truncate);'];
  await eventually(async () => expect((await execa('sqlite3', truncate)).stdout).toMatch(/^0\|0\|0$/m), patience);
  for (const size of ['64k', '512'])
    await execa('dd', ['if=/dev/zero', `of=${ballast()}`, `bs=${size}`, 'oflag=append', 'conv=notrunc'], {
      reject: false,
      timeout: 60_000,
    });
}

async function makeRoom(): Promise<void> {
  await rm(ballast(), { force: true });
}

async function editIsRefused(): Promise<void> {
  const path = join(folder, 'steady-large.toml');
  const env = Array.from({ length: 20 }, (_, index) => `K${String(index)} = "${'x'.repeat(30_000)}"`).join(', ');
  await writeFile(path, `name = "other"\n${component('other', `env = { ${env} }\n`)}`);
  const refused = await home.berth('apply', '-f', path);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('E_DISK_FULL');
  expect(refused.stderr).toContain('next: ');
}

/** Types a line on the console of a VM until its QEMU is gone. */
async function typeEnd(machine: string): Promise<void> {
  await eventually(async () => {
    const of = (await machinesOf(home.path)).find(({ folder: path }) => path === machine);
    if (!of) return;
    const socket = connect(join(machine, 'm', 'console.sock'));
    await new Promise<void>((resolve) => {
      socket.once('error', () => resolve());
      socket.once('connect', () => socket.end('end\n', () => resolve()));
    });
    socket.destroy();
    throw new Error('it still runs');
  }, patience);
}

async function machineOf(component_: string): Promise<string> {
  const machine = (await machinesOf(home.path)).find(({ name }) => name.endsWith(`-${component_}`));
  if (!machine) throw new Error(`no machine of ${component_} runs`);
  return machine.folder;
}

const agentRuns = async (): Promise<void> => {
  expect((await readFile(`/proc/${String(agent.pid)}/stat`, 'utf8')).slice(0, 200)).toMatch(/\) [SRD] /);
};

describe('a disk without room', () => {
  it('when a machine ends: how it ended is known, it is not run again, and the others go on', async () => {
    await apply(
      'ends',
      component('once', `${microvm}restart = "never"\ncommand = ["sh", "-c", "${waits}"]\n`),
      'deploy',
    );
    const [before, once] = [await runsIn(home), await machineOf('once')];
    await fill();
    await editIsRefused();
    await typeEnd(once);
    await editIsRefused();
    await agentRuns();
    const meanwhile = await runsIn(home);
    expect([...meanwhile.keys()].sort()).toEqual(['steady-box', 'steady-vm'].map((name) => home.prefix + name));
    await makeRoom();
    await eventually(
      async () => expect(await row(home, 'once')).toMatchObject({ phase: 'completed', exitCode: 3, restarts: 0 }),
      patience,
    );
    for (const name of ['steady-box', 'steady-vm'])
      expect((await runsIn(home)).get(home.prefix + name)).toBe(before.get(home.prefix + name));
    await expectCensus(home);
    expect((await home.berth('db', 'check')).exitCode).toBe(0);
  });

  it('when what should run ends: it runs again, once, and nothing is forgotten', async () => {
    const [before, vm] = [await runsIn(home), await machineOf('vm')];
    await fill();
    await execa('podman', ['kill', `${home.prefix}steady-box`]);
    await typeEnd(vm);
    await editIsRefused();
    await agentRuns();
    await makeRoom();
    await eventually(async () => {
      for (const name of ['box', 'vm'])
        expect(await row(home, name)).toMatchObject({ phase: 'running', ready: true, drift: [] });
    }, patience);
    const after = await runsIn(home);
    for (const name of ['steady-box', 'steady-vm'])
      expect(after.get(home.prefix + name), name).not.toBe(before.get(home.prefix + name));
    await expectCensus(home);
  });

  it('when the agent is killed: another says what is missing or serves, and takes over once there is room', async () => {
    const before = await runsIn(home);
    await fill();
    await agent.kill();
    const next = execa(process.execPath, [berthMain, 'agent'], {
      ...{ env: home.env, cwd: root, reject: false, cleanup: true, timeout: 60_000, forceKillAfterDelay: 2_000 },
    });
    const served = eventually(async () => {
      const { stdout } = await home.berth('status', '-o', 'json');
      expect((JSON.parse(stdout) as { agent: { pid: number } | null }).agent?.pid).toBe(next.pid);
    }, patience).then(() => null);
    const ended = await Promise.race([next, served]);
    if (ended) expect(ended.stderr).toMatch(/E_DISK_FULL.*\n?.*next: /s);
    expect(await runsIn(home)).toEqual(before);
    next.kill('SIGKILL');
    await next;
    await served.catch(() => undefined);
    await makeRoom();
    agent = await home.startAgent();
    await eventually(async () => expect(await row(home, 'vm')).toMatchObject({ phase: 'running' }), patience);
    expect(await runsIn(home)).toEqual(before);
    await expectCensus(home);
    expect((await stat(home.path)).isDirectory()).toBe(true);
  });
});
