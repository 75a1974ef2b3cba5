/**
 * The numbers of an agent, its podman service and its machine belong to other processes by now: nobody takes those for
 * their own, and nobody harms them.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCensus, runsIn } from '../support/census.js';
import { eventually } from '../support/eventually.js';
import { takePid, type Innocent } from '../support/innocent.js';
import { machinesOf } from '../support/machines.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { row, runOf, status } from '../support/reading.js';
import { makeTestHome, podman, type RunningAgent, type TestHome } from '../support/test-home.js';
import { ensureTestKernel } from '../support/vm-kernel.js';

const patience = { timeoutMs: 90_000, everyMs: 100 };

let home: TestHome;
let image: BuiltImage;
let folder: string;
let agent: RunningAgent | undefined;
const innocents: Innocent[] = [];

beforeAll(async () => {
  const kernel = await ensureTestKernel();
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-pid-'))]);
  home = await makeTestHome({ BERTH_SETTLE_S: '0.2', BERTH_BACKOFF_FIRST_S: '0.2', ...kernel.env });
});

afterAll(async () => {
  for (const innocent of innocents) await innocent.end();
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

async function take(pid: number, ...words: readonly string[]): Promise<void> {
  innocents.push(await takePid(pid, words));
}

function nobodyIsHurt(): void {
  expect(innocents.map((innocent) => innocent.isUntouched())).toEqual(innocents.map(() => true));
}

async function machineFacts(): Promise<{ readonly pid: number; readonly uuid: string }> {
  const [machine] = await machinesOf(home.path);
  const text = await readFile(join(machine?.folder ?? '', 'm', 'run.json'), 'utf8');
  return JSON.parse(text) as { readonly pid: number; readonly uuid: string };
}

async function gone(pid: number): Promise<void> {
  await eventually(async () => expect(await readFile(`/proc/${String(pid)}/stat`).catch(() => null)).toBeNull(), {
    timeoutMs: 20_000,
    describe: `process ${String(pid)} is reaped`,
  });
}

const bothRun = (): Promise<void> =>
  eventually(async () => {
    for (const component of ['vm', 'box'])
      expect(await row(home, component)).toMatchObject({ phase: 'running', ready: true, drift: [] });
  }, patience);

describe('process ids that came round', () => {
  it('an agent, a podman service and a machine are made anew, and whoever has their numbers is left alone', async () => {
    const head = `image = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n`;
    const path = join(folder, 'pids.toml');
    await writeFile(
      path,
      `name = "pids"\n[[components]]\nname = "vm"\nruntime = "microvm"\nmemory_mb = 96\n${head}[[components]]\nname = "box"\n${head}`,
    );
    const first = await home.startAgent();
    expect((await home.berth('deploy', '-f', path, '--timeout', '90s')).exitCode).toBe(0);
    const before = await runsIn(home);
    const machine = await machineFacts();
    const recordPath = join(home.path, 'podman', 'podman-service.json');
    const service = JSON.parse(await readFile(recordPath, 'utf8')) as { readonly pid: number; readonly socket: string };

    await first.kill();
    for (const { pid } of [service, machine]) {
      process.kill(pid, 'SIGKILL');
      await gone(pid);
    }
    // Each bears what else is looked at: only the time of its start tells it from the one before.
    await take(machine.pid, 'qemu-system-x86_64', '-uuid', machine.uuid);
    await take(service.pid, 'podman', 'system', 'service', `unix://${service.socket}`);
    await take(first.pid, 'berth', 'agent');
    const { stdout } = await home.berth('status', '-o', 'json');
    expect((JSON.parse(stdout) as { readonly agent: unknown }).agent).toBeNull();

    const second = await home.startAgent();
    await bothRun();
    const [own] = await machinesOf(home.path);
    expect(own?.pid).not.toBe(machine.pid);
    const after = await runsIn(home);
    expect(after.get(`${home.prefix}pids-box`)).toBe(before.get(`${home.prefix}pids-box`));
    expect(after.get(`${home.prefix}pids-vm`)).not.toBe(before.get(`${home.prefix}pids-vm`));
    nobodyIsHurt();
    await expectCensus(home);

    // Neither do those who end what they take for theirs.
    expect((await home.berth('stop', 'pids', '--wait', '--timeout', '60s')).exitCode).toBe(0);
    expect(await second.stop()).toBe(0);
    nobodyIsHurt();
    agent = await home.startAgent();
    expect((await home.berth('delete', 'pids', '--yes', '--wait', '--timeout', '60s')).exitCode).toBe(0);
    expect(await status(home)).toEqual([]);
    nobodyIsHurt();
    await expectCensus(home);
  });

  it('a container whose process and conmon are gone, and their numbers taken, is started again', async () => {
    agent ??= await home.startAgent();
    const path = join(folder, 'boxed.toml');
    await writeFile(
      path,
      `name = "boxed"\n[[components]]\nname = "box"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n`,
    );
    expect((await home.berth('deploy', '-f', path, '--timeout', '90s')).exitCode).toBe(0);
    const name = `${home.prefix}boxed-box`;
    const format = '{{.State.Pid}} {{.State.ConmonPid}}';
    const { stdout } = await podman('inspect', '--format', format, name);
    const [pid = 0, conmon = 0] = stdout.split(' ').map(Number);
    const before = await runOf(name);
    for (const victim of [conmon, pid]) process.kill(victim, 'SIGKILL');
    await gone(conmon);
    await gone(pid);
    await take(pid, 'sh');
    await take(conmon, 'conmon', '-n', 'somebody');
    await eventually(async () => {
      expect(await runOf(name)).not.toBe(before);
      expect(await row(home, 'box')).toMatchObject({ phase: 'running', ready: true, drift: [] });
    }, patience);
    nobodyIsHurt();
    await expectCensus(home);
  });

  it('a machine whose number is taken while an agent watches is started again', async () => {
    agent ??= await home.startAgent();
    const path = join(folder, 'watched.toml');
    await writeFile(
      path,
      `name = "watched"\n[[components]]\nname = "vm"\nruntime = "microvm"\nmemory_mb = 96\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n`,
    );
    expect((await home.berth('deploy', '-f', path, '--timeout', '90s')).exitCode).toBe(0);
    const machine = await machineFacts();
    process.kill(machine.pid, 'SIGKILL');
    await gone(machine.pid);
    await take(machine.pid, 'qemu-system-x86_64', '-uuid', machine.uuid);
    await eventually(async () => {
      expect(await row(home, 'vm')).toMatchObject({ phase: 'running', ready: true, drift: [] });
      expect((await machineFacts()).pid).not.toBe(machine.pid);
    }, patience);
    nobodyIsHurt();
    await expectCensus(home);
  });
});
