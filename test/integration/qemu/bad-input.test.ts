/** What a machine cannot be made of: a clear error on the component, backoff, and the others unharmed. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { leftovers, machinesOf } from '../../support/machines.js';
import { installStandIn, type StandIn } from '../../support/ops/stand-in.js';
import { ensureTestImage, type BuiltImage } from '../../support/podman-image.js';
import { row, type StatusRow } from '../../support/reading.js';
import { makeTestHome, type TestHome } from '../../support/test-home.js';
import { ensureTestKernel, type TestKernel } from '../../support/vm-kernel.js';

const patience = { timeoutMs: 60_000, everyMs: 100 };
const deadlineMs = 60_000;
const otherImage = `localhost/berth-test-arm-${String(process.pid)}:1`;
const programImage = `localhost/berth-test-elf-${String(process.pid)}:1`;

let home: TestHome;
let image: BuiltImage;
let kernel: TestKernel;
let standIn: StandIn;
let folder: string;
let steadyPid: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bh-vmbad-'));
  kernel = await ensureTestKernel();
  [image, standIn] = [await ensureTestImage(), await installStandIn(join(folder, 'tools'), kernel)];
  await buildImages();
  home = await makeTestHome({
    ...kernel.env,
    BERTH_BACKOFF_FIRST_S: '0.2',
    BERTH_VM_OPS: standIn.ops,
    BERTH_VM_NANOS_KERNEL: standIn.nanosKernel,
    BERTH_VM_NANOS_BOOT: standIn.nanosBoot,
    BERTH_VM_BUILD_TIMEOUT_S: '15',
  });
  await home.startAgent();
  await apply('steady', 'microvm');
  await eventually(
    async () => expect(await row(home, 'steady')).toMatchObject({ phase: 'running', ready: true }),
    patience,
  );
  steadyPid = (await machinesOf(home.path))[0]?.pid ?? 0;
});

afterAll(async () => {
  await home.dispose();
  await execa('podman', ['rmi', '--force', otherImage, programImage], { reject: false, timeout: deadlineMs });
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

/** One for another processor, and one whose program is a real executable. */
async function buildImages(): Promise<void> {
  const context = join(folder, 'context');
  await mkdir(context);
  await execa('cp', ['/bin/busybox', join(context, 'busybox')]);
  await writeFile(
    join(context, 'Containerfile'),
    'FROM scratch\nCOPY busybox /busybox\nCMD ["/busybox", "sleep", "9999"]\n',
  );
  const build = (tag: string, ...flags: readonly string[]) =>
    execa('podman', ['build', '--quiet', '--layers=false', ...flags, '--tag', tag, context], { timeout: deadlineMs });
  await build(otherImage, '--platform', 'linux/arm64');
  await build(programImage);
}

async function apply(name: string, runtime: string, more = '', from = image.reference, to = home): Promise<void> {
  const path = join(folder, `${name}.toml`);
  const memory = more.includes('memory_mb') ? '' : 'memory_mb = 96\n';
  await writeFile(
    path,
    `name = "${name}"\n[[components]]\nname = "${name}"\nruntime = "${runtime}"\nimage = "${from}"\npull = "never"\nstop_timeout_s = 1\n${memory}${more}\n`,
  );
  const applied = await to.berth('apply', '-f', path);
  expect(applied.exitCode, applied.stderr).toBe(0);
}

/** Waits until the component says this, in a phase that is no success, and is tried again later. */
async function untilSaid(name: string, phase: string, words: readonly string[], of = home): Promise<StatusRow> {
  return eventually(
    async () => {
      const seen = await row(of, name);
      expect(seen).toMatchObject({ phase, ready: false });
      for (const word of words) expect(seen.message).toContain(word);
      return seen;
    },
    { ...patience, describe: `${name} is in ${phase} and says ${words.join(', ')}` },
  );
}

/** The machine that was there before runs on, untouched. */
async function steadyRuns(): Promise<void> {
  const machines = await machinesOf(home.path);
  expect(machines.map(({ pid }) => pid)).toContain(steadyPid);
  expect(await row(home, 'steady')).toMatchObject({ phase: 'running', ready: true });
}

async function gone(name: string): Promise<void> {
  expect((await home.berth('delete', name, '--yes', '--wait', '--timeout', '60s')).exitCode).toBe(0);
  expect((await leftovers(home.path)).length).toBe(1);
}

describe('an image that cannot be a machine', () => {
  const script = 'command = ["/script"]';
  it.each([
    ['no program of that name', 'unikernel', 'command = ["/nothing"]', ['/nothing'], () => image.reference],
    ['another processor', 'microvm', '', ['arm64', 'amd64'], () => otherImage],
    ['a program that the image lacks', 'microvm', 'command = ["/nothing"]', ['/nothing'], () => image.reference],
  ] as const)('%s is said on the component', async (_what, runtime, more, words, from) => {
    await apply('bad', runtime, more, from());
    await untilSaid('bad', 'backoff', words);
    await steadyRuns();
    await gone('bad');
  });

  it('a script is no unikernel, and the message says what is', async () => {
    const scripted = await ensureTestImage({ lines: ['COPY --chmod=755 rootfs/bin/busybox /tool', 'ENV X=1'] });
    try {
      const path = join(folder, 'scripted');
      await mkdir(path);
      await writeFile(join(path, 'script'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
      await writeFile(join(path, 'Containerfile'), `FROM ${scripted.reference}\nCOPY script /script\n`);
      const tag = `${programImage}-script`;
      await execa('podman', ['build', '--quiet', '--layers=false', '--tag', tag, path], { timeout: deadlineMs });
      await apply('bad', 'unikernel', script, tag);
      await untilSaid('bad', 'backoff', ['script', 'microvm']);
      await steadyRuns();
      await gone('bad');
      await execa('podman', ['rmi', '--force', tag], { reject: false, timeout: deadlineMs });
    } finally {
      await scripted.remove();
    }
  });
});

describe('a machine that cannot live', () => {
  it('a program that exits at once backs off with its code', async () => {
    await apply('bad', 'microvm', 'command = ["/bin/sh", "-c", "exit 5"]');
    await eventually(
      async () => expect(await row(home, 'bad')).toMatchObject({ phase: 'backoff', exitCode: 5 }),
      patience,
    );
    await steadyRuns();
    await gone('bad');
  });

  it('too little memory is refused with what is needed', async () => {
    await apply('bad', 'microvm', 'memory_mb = 24');
    const seen = await untilSaid('bad', 'backoff', ['24 MiB', 'needs']);
    const needed = Number(/needs (\d+) MiB/.exec(seen.message)?.[1]);
    expect(needed).toBeGreaterThan(24);
    await apply('bad', 'microvm', `memory_mb = ${String(needed)}`);
    await eventually(
      async () => expect(await row(home, 'bad')).toMatchObject({ phase: 'running', ready: true }),
      patience,
    );
    await steadyRuns();
    await gone('bad');
  });

  it('a full disk is said, and it goes on when there is room', async () => {
    const other = await makeTestHome({ ...kernel.env, BERTH_BACKOFF_FIRST_S: '0.2', BERTH_BACKOFF_LONGEST_S: '0.5' });
    const disk = join(other.path, 'vm');
    await mkdir(disk);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk]);
    try {
      await other.startAgent();
      const ballast = join(disk, 'ballast');
      await execa('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { reject: false });
      await apply('full', 'microvm', '', image.reference, other);
      await untilSaid('full', 'backoff', ['space'], other);
      expect(await leftovers(other.path)).toEqual([]);
      await rm(ballast);
      await eventually(async () => expect(await row(other, 'full')).toMatchObject({ phase: 'running' }), patience);
    } finally {
      await other.dispose().catch(() => undefined);
      await execa('umount', [disk], { reject: false });
      await rm(other.path, { recursive: true, force: true });
    }
    await steadyRuns();
  });
});

describe('a node that lacks something', () => {
  it('without a kernel says so, leaves the rest alone, and goes on by itself when there is one', async () => {
    const other = await makeTestHome({ BERTH_VM_ACCEL: 'tcg' });
    try {
      await other.startAgent();
      await apply('late', 'microvm', '', image.reference, other);
      await untilSaid('late', 'blocked', ['kernel', 'berth vm setup'], other);
      const source = dirname(kernel.kernel);
      await mkdir(join(other.path, 'vm', 'kernel'), { recursive: true });
      await cp(source, join(other.path, 'vm', 'kernel', basename(source)), { recursive: true });
      await eventually(async () => expect(await row(other, 'late')).toMatchObject({ phase: 'running' }), patience);
    } finally {
      await other.dispose();
    }
  });

  it.each([
    ['fails', 'red'],
    ['hangs', 'hang'],
  ] as const)('ops %s: a clear error, and the next good one builds it', async (_how, behaviour) => {
    await standIn.behave(behaviour);
    await apply('bad', 'unikernel', 'memory_mb = 128', programImage);
    await untilSaid('bad', 'backoff', ['ops']);
    await steadyRuns();
    await standIn.behave('good');
    await eventually(async () => expect(await row(home, 'bad')).toMatchObject({ phase: 'running' }), patience);
    await gone('bad');
  });
});
