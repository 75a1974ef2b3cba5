/** Unikernels of real images: extracted, built by a stand-in for ops, and booted by BIOS. */
import { createServer } from 'node:net';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { request as httpRequest } from 'undici';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createMachineHost } from '../../../src/runtimes/host/machine-host.js';
import { createImageSource } from '../../../src/runtimes/podman/index.js';
import type { UnikernelImage, UnikernelRequest } from '../../../src/runtimes/qemu/contracts.js';
import { createImageCache, openImageTree } from '../../../src/runtimes/qemu/images/index.js';
import {
  createDiskImages,
  createUnikernelBuilder,
  readConsole,
  readExitCode,
  type UnikernelBuilder,
} from '../../../src/runtimes/qemu/unikernel/index.js';
import { eventually } from '../../support/eventually.js';
import { installStandIn, type StandIn } from '../../support/ops/stand-in.js';
import { makePodmanHome, silentLog, type PodmanHome } from '../../support/podman-fixture.js';
import { ensureTestKernel } from '../../support/vm-kernel.js';
import { realChance, realClock } from '../../support/real-clock.js';

const deadlineMs = 60_000;
const patience = (): AbortSignal => AbortSignal.timeout(120_000);
const prefix = `localhost/berth-test-unikernel-${process.pid}`;

let folder: string;
let home: PodmanHome;
let standIn: StandIn;
let image: { readonly reference: string; readonly digest: string };
let machine: Machine | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bu-'));
  home = await makePodmanHome();
  await home.driver.open(patience());
  const { kernel, modules } = await ensureTestKernel();
  standIn = await installStandIn(join(folder, 'tools'), { kernel, modules });
  image = await buildImage();
});

afterEach(async () => {
  await machine?.kill();
  machine = undefined;
});

afterAll(async () => {
  await execa('podman', ['rmi', '--force', image.reference], { reject: false, timeout: deadlineMs });
  await home.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** A static program, one with libraries behind links, a script, and data. */
async function buildImage(): Promise<typeof image> {
  const context = join(folder, 'context');
  const at = (path: string): string => join(context, 'rootfs', path);
  await mkdir(at('usr/bin'), { recursive: true });
  const compile = (to: string, flags: readonly string[]) =>
    execa('gcc', ['-O1', ...flags, '-o', to, join(import.meta.dirname, 'unikernel.c')], { timeout: deadlineMs });
  await compile(at('usr/bin/serve'), ['-static']);
  await compile(at('usr/bin/linked'), []);
  await mkdir(at('usr/lib/x86_64-linux-gnu'), { recursive: true });
  const libraries = ['ld-linux-x86-64.so.2', 'libc.so.6'];
  for (const name of libraries) await copyFile(`/lib/x86_64-linux-gnu/${name}`, at(`usr/lib/x86_64-linux-gnu/${name}`));
  await mkdir(at('data'));
  await writeFile(at('data/page'), 'page one');
  await writeFile(at('usr/bin/script'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const links = { bin: 'usr/bin', lib: 'usr/lib', lib64: '/usr/lib/x86_64-linux-gnu', 'usr/bin/called': 'serve' };
  for (const [path, target] of Object.entries(links)) await execa('ln', ['-s', target, at(path)]);
  const lines = ['FROM scratch', 'COPY rootfs /', 'WORKDIR /srv/work', 'CMD ["/bin/serve", "serve"]', ''];
  await writeFile(join(context, 'Containerfile'), lines.join('\n'));
  const reference = `${prefix}:1`;
  const argv = ['build', '--quiet', '--force-rm', '--layers=false', '--tag', reference, context];
  const { stdout } = await execa('podman', argv, { timeout: deadlineMs });
  return { reference, digest: `sha256:${stdout.trim().split('\n').at(-1) ?? ''}` };
}

const images = (): string => join(folder, 'images');

function cache() {
  const host = createMachineHost();
  return createImageCache({ host, folder: images(), clock: realClock, chance: realChance, log: silentLog });
}

function builder(): UnikernelBuilder {
  return createUnikernelBuilder({
    host: createMachineHost(),
    cache: cache(),
    source: createImageSource(home.driver),
    openTree: openImageTree,
    settings: { ...standIn, buildDeadlineMs: deadlineMs },
    clock: realClock,
    chance: realChance,
    log: silentLog,
  });
}

function requestFor(argv: readonly string[], more: Partial<UnikernelRequest> = {}): UnikernelRequest {
  return { imageDigest: image.digest, imageRef: image.reference, argv, env: {}, files: [], ...more };
}

interface Machine {
  readonly url: string;
  console(): Promise<string>;
  exitCode(): Promise<number | undefined>;
  /** Presses the power button. */
  powerDown(): Promise<void>;
  /** Waits until QEMU ends by itself. */
  ended(): Promise<void>;
  kill(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

async function boot(disk: UnikernelImage): Promise<Machine> {
  const run = await mkdtemp(join(folder, 'run-'));
  const port = await freePort();
  const path = join(disk.folder, disk.file);
  const qemu = execa(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
      ...['-machine', 'q35', '-accel', 'tcg', '-m', '128'],
      ...['-drive', `file=${path},format=raw,if=none,id=root,snapshot=on`, '-device', 'virtio-blk-pci,drive=root'],
      ...[
        '-netdev',
        `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:8080`,
        '-device',
        'virtio-net-pci,netdev=net',
      ],
      ...['-chardev', 'file,id=code,path=code', '-device', 'isa-debugcon,iobase=0x501,chardev=code'],
      ...['-serial', 'file:console.log', '-monitor', 'stdio'],
    ],
    { cwd: run, reject: false, stdin: 'pipe', timeout: 90_000, forceKillAfterDelay: 1_000 },
  );
  return {
    url: `http://127.0.0.1:${port}/`,
    console: () => readFile(join(run, 'console.log'), 'utf8'),
    exitCode: async () => readExitCode(await readFile(join(run, 'code'))),
    powerDown: async () => {
      qemu.stdin.write('system_powerdown\n');
    },
    ended: async () => {
      const { exitCode, stderr } = await qemu;
      expect([exitCode, stderr]).toEqual([0, '']);
    },
    kill: async () => {
      qemu.kill('SIGKILL');
      await qemu;
    },
  };
}

async function page(url: string): Promise<string> {
  const { statusCode, body } = await httpRequest(url, { headersTimeout: 1_000, bodyTimeout: 1_000 });
  const text = await body.text();
  expect(statusCode).toBe(200);
  return text;
}

it('a static program serves with its name, environment, files and directory, and obeys the power button', async () => {
  const request = requestFor(['/bin/called', 'serve'], { env: { SAYS: `a=b 'c' "d" $e` }, files: ['/data'] });
  const disk = await builder().ensure(request, patience());
  const before = await stat(join(disk.folder, disk.file), { bigint: true });
  machine = await boot(disk);
  const guest = machine;
  const text = await eventually(() => page(guest.url), { timeoutMs: 60_000, everyMs: 50 });
  expect(text).toBe(`name=/bin/called says=a=b 'c' "d" $e page=page one cwd=/srv/work`);
  expect(readConsole(await guest.console())).toEqual([{ kind: 'network', address: '10.0.2.15' }]);
  await guest.powerDown();
  await guest.ended();
  expect(await guest.exitCode()).toBe(7);
  const after = await stat(join(disk.folder, disk.file), { bigint: true });
  expect([after.mtimeNs, after.size]).toEqual([before.mtimeNs, before.size]);
  expect(Number(before.mode) & 0o777).toBe(0o444);
});

it('a dynamic program finds its loader and libraries, and its exit code is told', async () => {
  const disk = await builder().ensure(requestFor(['linked', 'exit', '3'], { env: { PATH: '/bin' } }), patience());
  machine = await boot(disk);
  await machine.ended();
  expect(await machine.console()).toContain('leaving');
  expect(await machine.exitCode()).toBe(3);
});

it('the same request is built once, another one again, and only the disk is kept', async () => {
  const builds = async (): Promise<number> => (await readFile(standIn.log, 'utf8')).trim().split('\n').length;
  const request = requestFor(['/bin/serve', 'exit', '0']);
  const one = await builder().ensure(request, patience());
  const count = await builds();
  const [again, too] = await Promise.all([
    builder().ensure(request, patience()),
    builder().ensure(request, patience()),
  ]);
  expect([again, too]).toEqual([one, one]);
  expect(await builds()).toBe(count);
  const other = await builder().ensure({ ...request, argv: ['/bin/serve', 'exit', '1'] }, patience());
  expect(other.folder).not.toBe(one.folder);
  expect(await builds()).toBe(count + 1);
  expect(await readdir(one.folder)).not.toContain('work');
  expect(one.fileBytes).toBe((await stat(join(one.folder, one.file))).size);
});

it('a script is refused in words that help, and nothing stays behind', async () => {
  const before = await readdir(images());
  await expect(builder().ensure(requestFor(['/bin/script']), patience())).rejects.toMatchObject({
    code: 'E_VM_IMAGE',
    message: '/bin/script is a script for /bin/sh; Nanos runs one ELF program',
  });
  expect(await readdir(images())).toEqual(before);
});

it('a ready disk is copied once, and stays what it was whatever becomes of the file', async () => {
  const built = await builder().ensure(requestFor(['/bin/serve', 'exit', '5']), patience());
  const path = join(folder, 'mine.img');
  await copyFile(join(built.folder, built.file), path);
  const disks = createDiskImages(cache());
  const reference = `file:${path}`;
  const { digest } = await disks.read(reference);
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  const disk = await disks.ensure({ digest, reference }, patience());
  await truncate(path, 1024);
  await expect(disks.read(reference)).resolves.not.toMatchObject({ digest });
  expect(await disks.ensure({ digest, reference }, patience())).toEqual(disk);
  machine = await boot(disk);
  await machine.ended();
  expect(await machine.exitCode()).toBe(5);
});

it('what is no ready disk is said', async () => {
  const disks = createDiskImages(cache());
  const odd = join(folder, 'odd.img');
  await writeFile(odd, Buffer.concat([Buffer.from('QFI\u00fb', 'latin1'), Buffer.alloc(4096)]));
  await expect(disks.read(`file:${odd}`)).rejects.toMatchObject({
    code: 'E_VM_IMAGE',
    suggestion: `convert it first: qemu-img convert -O raw ${odd} disk.img`,
  });
  await expect(disks.read(`file:${folder}`)).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
  await expect(disks.read('file:disk.img')).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
  await expect(disks.read(`file:${folder}/../x`)).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
  await expect(disks.read(`file:${folder}/none.img`)).rejects.toMatchObject({ code: 'E_IMAGE_MISSING' });
});
