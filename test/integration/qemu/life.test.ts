/** MicroVMs from a definition to their last file: they answer, outlive the agent, end, are killed, and come back. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berthMain, root } from '../../../scripts/lib/paths.mjs';
import { ensureExampleImage, exampleImage } from '../../../scripts/lib/podman.mjs';
import type { UsageReport } from '../../../src/api/views.js';
import { eventually } from '../../support/eventually.js';
import { leftovers, machinesOf } from '../../support/machines.js';
import { freePort } from '../../support/podman-fixture.js';
import { followEvents, row } from '../../support/reading.js';
import { makeTestHome, type RunningAgent, type TestHome } from '../../support/test-home.js';
import { ensureTestKernel } from '../../support/vm-kernel.js';

let home: TestHome;
let agent: RunningAgent;
let folder: string;
let port: number;

const memoryMb = 96;
const patience = { timeoutMs: 60_000, everyMs: 100 };

beforeAll(async () => {
  const kernel = await ensureTestKernel();
  await ensureExampleImage(() => undefined);
  home = await makeTestHome({
    BERTH_RELIST_S: '3',
    BERTH_BACKOFF_FIRST_S: '0.2',
    BERTH_USAGE_SAMPLE_S: '1',
    ...kernel.env,
  });
  folder = await mkdtemp(join(tmpdir(), 'bh-vm-'));
  port = await freePort();
  agent = await home.startAgent();
});

afterAll(async () => {
  await home.dispose();
  await rm(folder, { recursive: true, force: true });
});

function component(name: string, more: string): string {
  return `[[components]]\nname = "${name}"\nruntime = "microvm"\nimage = "${exampleImage}"\npull = "never"\nmemory_mb = ${String(memoryMb)}\n${more}\n`;
}

async function deploy(service: string, components: readonly string[], ...flags: readonly string[]) {
  const path = join(folder, `${service}.toml`);
  await writeFile(path, `name = "${service}"\n${components.join('')}`);
  return home.berth('deploy', '-f', path, '--timeout', '90s', ...flags);
}

async function page(): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${String(port)}/`, { signal: AbortSignal.timeout(5_000) });
  return { status: response.status, text: await response.text() };
}

async function onlyMachine(): Promise<number> {
  const [machine, ...others] = await machinesOf(home.path);
  if (!machine || others.length > 0) throw new Error(`${String(others.length + 1)} machines`);
  return machine.pid;
}

describe('a microVM of the hello image', () => {
  it('answers over HTTP once its program is reported started', async () => {
    const web = component('web', `ports = ["127.0.0.1:${String(port)}:8080"]\nstop_timeout_s = 5`);
    const deployed = await deploy('shop', [web]);
    expect(deployed.exitCode, deployed.stdout + deployed.stderr).toBe(0);
    expect(await row(home, 'web')).toMatchObject({ phase: 'running', ready: true, drift: [] });
    const served = await eventually(page, patience);
    expect(served.status).toBe(200);
    expect(served.text).toContain('Hello from Berth');
  });

  it('outlives a SIGKILL of the agent, and is taken over as it is', async () => {
    const pid = await onlyMachine();
    await agent.kill();
    expect(await onlyMachine()).toBe(pid);
    expect((await page()).status).toBe(200);
    agent = await home.startAgent();
    await eventually(
      async () => expect(await row(home, 'web')).toMatchObject({ phase: 'running', ready: true }),
      patience,
    );
    expect(await onlyMachine()).toBe(pid);
  });

  it('is seen at once when its QEMU is killed, and comes back', async () => {
    const events = await followEvents(home);
    try {
      const pid = await onlyMachine();
      const killedMs = performance.now();
      process.kill(pid, 'SIGKILL');
      const drift = await events.take((event) => event.reason === 'DriftDetected', 'the drift');
      // The target is 250 ms; four times that is a fault and not a busy machine. The figure is in the benchmarks.
      expect(drift.arrivedMs - killedMs).toBeLessThan(1_000);
      expect(drift.message).toContain('observed exited');
      await events.take((event) => event.reason === 'DriftHealed', 'healed');
      await eventually(async () => expect((await page()).status).toBe(200), patience);
      expect(await onlyMachine()).not.toBe(pid);
    } finally {
      await events.stop();
    }
  });

  it('tells what its machine uses', async () => {
    await eventually(async () => {
      const { stdout } = await home.berth('usage', 'shop/web', '-o', 'json');
      const [report] = JSON.parse(stdout) as readonly UsageReport[];
      expect(report?.memoryLimitMb).toBe(memoryMb);
      // What QEMU itself takes counts as well.
      expect(report?.now?.memoryMb).toBeGreaterThan(memoryMb / 2);
      expect(report?.now?.cpuPercent).toBeGreaterThanOrEqual(0);
      expect(report?.points.at(-1)?.memoryPeakMb).toBeGreaterThanOrEqual(report?.now?.memoryMb ?? Infinity);
    }, patience);
  });

  it('tells its log, and says that nothing can be run inside', async () => {
    const logs = await home.berth('logs', 'shop/web', '--tail', '50');
    expect(logs.stdout).toContain('serving /www on port 8080');
    const refused = await home.berth('exec', 'shop/web', '--', 'ls');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('berth console');
  });

  it('ends by itself when it is asked to, and nothing is left when it is deleted', async () => {
    const stopped = await home.berth('stop', 'shop/web', '--wait', '--timeout', '60s');
    expect(stopped.exitCode, stopped.stderr).toBe(0);
    expect(await machinesOf(home.path)).toEqual([]);
    await eventually(
      async () => expect(await row(home, 'web')).toMatchObject({ phase: 'stopped', exitCode: 0 }),
      patience,
    );
    await home.berth('delete', 'shop', '--yes', '--wait', '--timeout', '60s');
    await eventually(async () => expect(await leftovers(home.path)).toEqual([]), patience);
  });
});

describe('how a program ends', () => {
  it('is told by its exit code: 0, 3 and a crash', async () => {
    const ends = { zero: 'exit 0', three: 'exit 3', crash: 'kill -SEGV $$' };
    const parts = Object.entries(ends).map(([name, script]) =>
      component(name, `restart = "never"\ncommand = ["sh", "-c", "${script}"]`),
    );
    await deploy('ends', parts);
    const codes = { zero: 0, three: 3, crash: 139 };
    for (const [name, exitCode] of Object.entries(codes)) {
      await eventually(async () => expect(await row(home, name)).toMatchObject({ phase: 'completed', exitCode }), {
        ...patience,
        describe: `${name} is completed`,
      });
    }
    await home.berth('delete', 'ends', '--yes', '--wait', '--timeout', '60s');
  });
});

describe('the console', () => {
  it('shows what the machine writes and takes what is typed', async () => {
    const echo = 'command = ["sh", "-c", "while read -r line; do echo \\"got $line\\"; done"]';
    expect((await deploy('talk', [component('echo', echo)])).exitCode).toBe(0);
    const terminal = execa(process.execPath, [berthMain, 'console', 'talk/echo'], {
      env: home.env,
      cwd: root,
      reject: false,
      timeout: 60_000,
    });
    let heard = '';
    terminal.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString('utf8')));
    await eventually(() => {
      terminal.stdin.write('hello there\n');
      return heard.includes('got hello there');
    }, patience);
    terminal.stdin.end();
    expect((await terminal).exitCode).toBe(0);
    expect((await home.berth('logs', 'talk/echo')).stdout).toContain('got hello there');
    expect((await home.berth('delete', 'talk', '--yes', '--wait', '--timeout', '60s')).exitCode).toBe(0);
  });
});

describe('what nothing uses any more', () => {
  it('is listed by gc --dry-run, and gone after gc', async () => {
    const listed = await home.berth('gc', '--dry-run', '-o', 'json');
    expect(listed.exitCode, listed.stderr).toBe(0);
    expect(listed.stdout).toContain(exampleImage);
    expect((await readdir(join(home.path, 'vm', 'images'))).length).toBeGreaterThan(0);
    expect((await home.berth('gc')).exitCode).toBe(0);
    expect(await readdir(join(home.path, 'vm', 'images'))).toEqual([]);
  });
});
