/** What real containers use: a busy one and an idle one over the command line and the API, and what lasts of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UsageReport } from '../../src/api/views.js';
import { eventually } from '../support/eventually.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { makeTestHome, podman, type RunningAgent, type TestHome } from '../support/test-home.js';

let image: BuiltImage;
let folder: string;
let home: TestHome;
let agent: RunningAgent;
let file: string;

const heldMb = 24;
const patience = { timeoutMs: 30_000, everyMs: 200 };

beforeAll(async () => {
  [home, image, folder] = await Promise.all([
    makeTestHome({ BERTH_USAGE_SAMPLE_S: '1', BERTH_SETTLE_S: '0.2' }),
    ensureTestImage(),
    mkdtemp(join(tmpdir(), 'bh-usage-')),
  ]);
  agent = await home.startAgent();
  // What lies in its /dev/shm is memory of the container.
  const hold = `/bin/busybox dd if=/dev/zero of=/dev/shm/held bs=1M count=${String(heldMb)}`;
  const component = (name: string, script: string): string =>
    `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 0\nmemory_mb = 64\ncommand = ["/bin/sh", "-c", "${script}"]\n`;
  file = join(folder, 'shop.toml');
  const busy = component('busy', `${hold}; while :; do :; done`);
  await writeFile(file, `name = "shop"\n${busy}${component('idle', 'exec sleep 100000')}`);
  const deployed = await home.berth('deploy', '-f', file, '--timeout', '60s');
  expect(deployed.exitCode, deployed.stderr).toBe(0);
});

afterAll(async () => {
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

async function usageOf(component: string): Promise<UsageReport> {
  const { stdout, stderr } = await home.berth('usage', `shop/${component}`, '-o', 'json');
  const [report] = JSON.parse(stdout) as readonly UsageReport[];
  if (report === undefined) throw new Error(stderr);
  return report;
}

/** What the agent answers on its socket. */
function overSocket(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(home.path, 'berth.sock'), path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        resolve(text);
      });
    });
    asked.on('error', reject).end();
  });
}

const rows = async (): Promise<string> => {
  const query = 'select count(*) from usage';
  return (await execa('sqlite3', ['-cmd', '.timeout 5000', join(home.path, 'registry.db'), query])).stdout;
};

describe('usage', () => {
  it('tells who is busy and who is idle, as it is', async () => {
    await eventually(async () => {
      const [busy, idle] = [await usageOf('busy'), await usageOf('idle')];
      for (const { memoryLimitMb, now, points } of [busy, idle]) {
        expect(memoryLimitMb).toBe(64);
        expect(now?.memoryMb).toBeGreaterThan(0);
        expect(points.length).toBeGreaterThan(0);
      }
      expect(busy.now?.memoryMb).toBeGreaterThan(heldMb);
      expect(busy.now?.memoryMb).toBeLessThan(64);
      expect(idle.now?.memoryMb).toBeLessThan(heldMb);
      // The machine has others to run as well.
      expect(busy.now?.cpuPercent).toBeGreaterThan(20);
      expect(busy.now?.cpuPercent).toBeLessThan(cpus().length * 100 * 1.3);
      expect(idle.now?.cpuPercent).toBeLessThan(10);
      expect(busy.points.at(-1)?.cpuPercent).toBeGreaterThan(idle.points.at(-1)?.cpuPercent ?? Infinity);
    }, patience);
  });

  it('is the same over HTTP, and among the metrics', async () => {
    const path = '/v1/components/shop/busy/usage';
    const report = JSON.parse(await overSocket(path)) as UsageReport;
    expect(report).toMatchObject({ service: 'shop', component: 'busy', stepS: 300, memoryLimitMb: 64 });
    expect(report.points.at(-1)?.memoryPeakMb).toBeGreaterThan(heldMb);
    const metrics = await overSocket('/metrics');
    const bytes = /berth_component_memory_bytes\{service="shop",component="busy"\} (\d+)/.exec(metrics)?.[1];
    expect(Number(bytes)).toBeGreaterThan(heldMb * 1_048_576);
    const seconds = /berth_component_cpu_seconds\{service="shop",component="busy"\} ([\d.]+)/.exec(metrics)?.[1];
    expect(Number(seconds)).toBeGreaterThan(0);
  });

  it('goes on through a restart of the workload: no figure is beyond what the machine can do', async () => {
    const before = await usageOf('busy');
    await podman('restart', '--time', '0', `${home.prefix}shop-busy`);
    await eventually(async () => {
      const { now } = await usageOf('busy');
      expect(now?.cpuPercent).toBeGreaterThan(20);
      expect(Date.parse(now?.at ?? '')).toBeGreaterThan(Date.parse(before.now?.at ?? ''));
    }, patience);
    for (const { cpuPercent } of (await usageOf('busy')).points) {
      expect(cpuPercent).toBeLessThan(cpus().length * 100 * 1.3);
    }
  });

  it('is told by the file when no agent serves, and is still there for the next agent', async () => {
    expect(await agent.stop()).toBe(0);
    const alone = await usageOf('busy');
    expect(alone.now).toBeNull();
    expect(alone.points.at(-1)?.memoryPeakMb).toBeGreaterThan(heldMb);
    const table = await home.berth('usage', 'shop');
    expect(table.stdout).toMatch(/shop\/busy +- +64 MiB +\d+\.\d MiB +-/);
    expect(table.stderr).toContain('no agent');
    agent = await home.startAgent({ BERTH_USAGE_SAMPLE_S: '0' });
    expect(await usageOf('busy')).toEqual(alone);
  });

  it('goes with the component', async () => {
    expect(Number(await rows())).toBeGreaterThanOrEqual(2);
    const deleted = await home.berth('delete', 'shop', '--yes', '--wait', '--timeout', '60s');
    expect(deleted.exitCode, deleted.stderr).toBe(0);
    expect(await rows()).toBe('0');
  });
});
