/** Podman hangs in the middle of an apply: what it holds is unknown, machines go on, and the apply ends well afterwards. */
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCensus, runsIn } from '../support/census.js';
import { eventually } from '../support/eventually.js';
import { halt } from '../support/halt.js';
import { installHangingPodman } from '../support/hanging-podman.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { row } from '../support/reading.js';
import { makeTestHome, type TestHome } from '../support/test-home.js';
import { ensureTestKernel, type TestKernel } from '../support/vm-kernel.js';

const patience = { timeoutMs: 90_000, everyMs: 100 };

let kernel: TestKernel;
let image: BuiltImage;
let folder: string;
const homes: TestHome[] = [];

beforeAll(async () => {
  kernel = await ensureTestKernel();
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-midway-'))]);
});

afterAll(async () => {
  for (const home of homes) await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

async function makeHome(settings: Readonly<Record<string, string>>): Promise<TestHome> {
  const home = await makeTestHome({
    ...kernel.env,
    ...{
      BERTH_RELIST_S: '1',
      BERTH_PODMAN_LIST_TIMEOUT_S: '2',
      BERTH_PODMAN_CALL_TIMEOUT_S: '3',
      BERTH_SETTLE_S: '0.2',
    },
    ...settings,
  });
  homes.push(home);
  return home;
}

const component = (name: string, more = ''): string =>
  `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n${more}`;

async function apply(home: TestHome, service: string, body: string, verb: 'apply' | 'deploy'): Promise<void> {
  const path = join(folder, `${home.prefix}${service}.toml`);
  await writeFile(path, `name = "${service}"\n${body}`);
  const result = await home.berth(verb, '-f', path, ...(verb === 'deploy' ? ['--timeout', '90s'] : []));
  expect(result.exitCode, result.stderr).toBe(0);
}

const steady = (): string => component('box') + component('vm', 'runtime = "microvm"\nmemory_mb = 96\n');

/** What Podman holds is not known, since when is said, and what it does not hold is as it was. */
const boxIsUnknown = (home: TestHome): Promise<void> =>
  eventually(async () => {
    const seen = await row(home, 'box');
    expect(seen).toMatchObject({ phase: 'unknown', observed: 'unknown', ready: false });
    expect(seen.message).toMatch(/last seen running; /);
    expect(seen.observedAgeMs).toBeGreaterThan(1_000);
    expect(await row(home, 'vm')).toMatchObject({ phase: 'running', ready: true });
  }, patience);

const allRun = (home: TestHome, ...names: readonly string[]): Promise<void> =>
  eventually(async () => {
    for (const name of names)
      expect(await row(home, name)).toMatchObject({ phase: 'running', ready: true, drift: [], restarts: 0 });
  }, patience);

async function servicePid(home: TestHome): Promise<number> {
  const text = await readFile(join(home.path, 'podman', 'podman-service.json'), 'utf8');
  return (JSON.parse(text) as { readonly pid: number }).pid;
}

// Each has a home of its own, and mostly waits: for deadlines that pass, one beside the other.
describe.concurrent('podman that hangs in the middle of an apply', () => {
  it('between create and start: its components are unknown, the machine goes on, and each runs once afterwards', async () => {
    const { stdout: real } = await execa('which', ['podman']);
    const hanging = await installHangingPodman(folder, real.trim());
    const home = await makeHome({ BERTH_PODMAN_REPLACE_SERVICE_S: '20' });
    const first = await home.startAgent();
    await apply(home, 'steady', steady(), 'deploy');
    const before = await runsIn(home);
    await first.stop();

    const path = process.env['PATH'] ?? '';
    await home.startAgent({ PATH: `${hanging.bin}:${path}` });
    await allRun(home, 'box', 'vm');
    await apply(home, 'late', component('late'), 'apply');
    await eventually(() => access(hanging.mark), patience);
    await hanging.remove();
    await boxIsUnknown(home);
    expect(await row(home, 'late')).toMatchObject({ ready: false });
    expect(await runsIn(home)).toEqual(before);

    await allRun(home, 'box', 'vm', 'late');
    const after = await runsIn(home);
    for (const [name, run] of before) expect(after.get(name), name).toBe(run);
    expect(after.size).toBe(3);
    await expectCensus(home);
  });

  it('a service that is stopped and goes on: the apply goes on, with the same service', async () => {
    const home = await makeHome({ BERTH_PODMAN_REPLACE_SERVICE_S: '600' });
    await home.startAgent();
    await apply(home, 'steady', steady(), 'deploy');
    const [before, pid] = [await runsIn(home), await servicePid(home)];
    await halt(pid);
    try {
      await apply(home, 'late', component('late'), 'apply');
      await boxIsUnknown(home);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await allRun(home, 'box', 'vm', 'late');
    expect(await servicePid(home)).toBe(pid);
    const after = await runsIn(home);
    for (const [name, run] of before) expect(after.get(name), name).toBe(run);
    await expectCensus(home);
  });
});
