/** One word of a definition moves a component between a container, a microVM and a unikernel, its data with it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { machinesOf } from '../../support/machines.js';
import { installStandIn } from '../../support/ops/stand-in.js';
import { freePort } from '../../support/podman-fixture.js';
import { ensureTestImage, type BuiltImage } from '../../support/podman-image.js';
import { containersOf, row, runOf } from '../../support/reading.js';
import { makeTestHome, type TestHome } from '../../support/test-home.js';
import { ensureTestKernel } from '../../support/vm-kernel.js';

const deadlineMs = 60_000;
const patience = { timeoutMs: 60_000, everyMs: 100 };

let home: TestHome;
let folder: string;
let page: string;
let scripts: BuiltImage;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bh-flip-'));
  const { kernel, modules, env } = await ensureTestKernel();
  const standIn = await installStandIn(join(folder, 'tools'), { kernel, modules });
  [page, scripts, port] = [await buildPage(), await ensureTestImage(), await freePort()];
  home = await makeTestHome({
    ...env,
    BERTH_SETTLE_S: '0.2',
    BERTH_BACKOFF_FIRST_S: '0.2',
    BERTH_VM_OPS: standIn.ops,
    BERTH_VM_NANOS_KERNEL: standIn.nanosKernel,
    BERTH_VM_NANOS_BOOT: standIn.nanosBoot,
  });
  await home.startAgent();
});

afterAll(async () => {
  await home.dispose();
  await execa('podman', ['rmi', '--force', page], { reject: false, timeout: deadlineMs });
  await scripts.remove();
  await rm(folder, { recursive: true, force: true });
});

/** A page and the one program that serves it, linked statically: all three runtimes can run it. */
async function buildPage(): Promise<string> {
  const context = join(folder, 'page');
  await mkdir(join(context, 'data'), { recursive: true });
  const program = join(context, 'serve');
  await execa('gcc', ['-O1', '-static', '-o', program, join(import.meta.dirname, 'unikernel.c')], {
    timeout: deadlineMs,
  });
  await writeFile(join(context, 'data', 'page'), 'the same page');
  const lines = ['FROM scratch', 'COPY serve /serve', 'COPY data /data', 'CMD ["/serve"]', ''];
  await writeFile(join(context, 'Containerfile'), lines.join('\n'));
  const reference = `localhost/berth-test-flip-${String(process.pid)}:1`;
  await execa('podman', ['build', '--quiet', '--force-rm', '--layers=false', '--tag', reference, context], {
    timeout: deadlineMs,
  });
  return reference;
}

async function deploy(service: string, component: string) {
  const path = join(folder, `${service}.toml`);
  await writeFile(path, `name = "${service}"\n[[components]]\n${component}`);
  return home.berth('deploy', '-f', path, '--timeout', '120s');
}

const settled = (component: string, runtime: string): Promise<void> =>
  eventually(
    async () => {
      const seen = await row(home, component);
      expect(seen).toMatchObject({ runtime, phase: 'running', ready: true, drift: [] });
      expect(seen.observedGeneration).toBe(seen.generation);
    },
    { ...patience, describe: `${component} runs as ${runtime}` },
  );

async function body(): Promise<string> {
  return eventually(
    async () => (await fetch(`http://127.0.0.1:${String(port)}/`, { signal: AbortSignal.timeout(3_000) })).text(),
    patience,
  );
}

/** How many workloads of any kind the home has. */
async function census(): Promise<{ containers: number; machines: number }> {
  return { containers: (await containersOf(home)).length, machines: (await machinesOf(home.path)).length };
}

describe('a component whose runtime is changed', () => {
  const definition = (runtime: string): string =>
    `name = "page"\nruntime = "${runtime}"\nimage = "${page}"\npull = "never"\nmemory_mb = 128\nenv = { SAYS = "hello" }\nfiles = ["/data/page"]\nstop_timeout_s = 3\nports = ["127.0.0.1:${String(port)}:8080"]\n`;

  it('serves the same page as container, microVM, unikernel and container, and history shows it', async () => {
    const bodies: string[] = [];
    for (const runtime of ['container', 'microvm', 'unikernel', 'container']) {
      const deployed = await deploy('flip', definition(runtime));
      expect(deployed.exitCode, `${runtime}: ${deployed.stdout}${deployed.stderr}`).toBe(0);
      await settled('page', runtime);
      bodies.push(await body());
      expect(await census(), runtime).toEqual(
        runtime === 'container' ? { containers: 1, machines: 0 } : { containers: 0, machines: 1 },
      );
    }
    expect(bodies[0]).toContain('page=the same page');
    expect(bodies[0]).toContain('says=hello');
    expect(new Set(bodies).size, bodies.join('\n')).toBe(1);
    const { stdout } = await home.berth('history', 'flip/page');
    for (const change of ['"container" → "microvm"', '"microvm" → "unikernel"', '"unikernel" → "container"'])
      expect(stdout).toContain(change);
  });

  it('runs on as it was when the new runtime cannot run its image', async () => {
    const script = (runtime: string): string =>
      `name = "script"\nruntime = "${runtime}"\nimage = "${scripts.reference}"\npull = "never"\nmemory_mb = 128\nstop_timeout_s = 1\n`;
    expect((await deploy('scripts', script('container'))).exitCode).toBe(0);
    await settled('script', 'container');
    const before = await runOf(`${home.prefix}scripts-script`);
    const refused = await deploy('scripts', script('unikernel').replace('pull', 'command = ["/bin/nothing"]\npull'));
    expect(refused.exitCode).not.toBe(0);
    await eventually(
      async () => expect((await home.berth('explain', 'scripts/script')).stdout).toContain('/bin/nothing'),
      patience,
    );
    expect(await runOf(`${home.prefix}scripts-script`)).toBe(before);
    expect((await home.berth('delete', 'scripts', '--yes', '--wait', '--timeout', '60s')).exitCode).toBe(0);
  });
});

describe('a named volume', () => {
  const definition = (runtime: string): string =>
    `name = "keeper"\nruntime = "${runtime}"\nimage = "${scripts.reference}"\npull = "never"\nmemory_mb = 128\nstop_timeout_s = 2\nvolumes = ["data:/data:size_mb=32"]\n` +
    `command = ["/bin/sh", "-c", "echo ${runtime} >> /data/log; chown 1000:1000 /data/log; echo $(cat /data/log) by $(ls -ln /data/log | cut -c1-40); trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]\n`;
  const heard = (text: string): Promise<void> =>
    eventually(async () => expect((await home.berth('logs', 'volume/keeper')).stdout).toContain(text), patience);

  it('goes along from a container to a microVM and back, owners and all', async () => {
    expect((await deploy('volume', definition('container'))).exitCode).toBe(0);
    await heard('container by');
    expect((await deploy('volume', definition('microvm'))).exitCode).toBe(0);
    await settled('keeper', 'microvm');
    await heard('container microvm by');
    expect((await home.berth('logs', 'volume/keeper')).stdout).toMatch(/-rw-r--r--\s+1 1000\s+1000/);
    expect((await deploy('volume', definition('container'))).exitCode).toBe(0);
    await settled('keeper', 'container');
    await heard('container microvm container by');
  });
});
