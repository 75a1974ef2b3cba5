/** What runs inside a microVM, by QEMU's own words: no driver of ours around it. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { execa, type Subprocess } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../src/runtimes/host/host.js';
import {
  defaultQemuSettings,
  userNetwork,
  type GuestBase,
  type GuestConfig,
} from '../../../src/runtimes/qemu/contracts.js';
import {
  configArchive,
  cpioArchive,
  createGuestKit,
  kernelCommandLine,
  parseReport,
  type CpioEntry,
} from '../../../src/runtimes/qemu/guest/index.js';
import { eventually } from '../../support/eventually.js';
import { silentLog } from '../../support/podman-fixture.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { ensureTestKernel } from '../../support/vm-kernel.js';

const bootMs = 60_000;
const applets = ['sh', 'httpd', 'od', 'tr', 'id', 'cat', 'sleep', 'touch', 'ls', 'ps', 'mount'];
let folder: string;
let base: GuestBase;
let busybox: Buffer;
const running = new Set<Subprocess>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-guest-'));
  const kernel = await ensureTestKernel();
  const kit = createGuestKit({
    host: createNodeHost(),
    folder: join(folder, 'kernel'),
    settings: { ...defaultQemuSettings, kernel: kernel.kernel, kernelModules: kernel.modules },
    clock: realClock,
    chance: realChance,
    log: silentLog,
  });
  base = await kit.base(AbortSignal.timeout(bootMs));
  busybox = await readFile((await createNodeHost().findProgram('busybox')) ?? '');
});
afterEach(() => {
  for (const machine of running) machine.kill('SIGKILL');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Machine {
  readonly ended: Promise<unknown>;
  readonly folder: string;
  console(): Promise<string>;
  report(): Promise<ReturnType<typeof parseReport>>;
  get(): Promise<number>;
  press(): Promise<void>;
}

interface Disk {
  readonly file: string;
  readonly serial: string;
  readonly readOnly: boolean;
}

const plain: GuestConfig = {
  hostname: 'hello',
  argv: [],
  env: {},
  workdir: '/',
  user: { uid: 0, gid: 0, groups: [] },
  network: userNetwork,
  root: 'initramfs',
  mounts: [],
};

/** Files of a root file system: busybox and a page. */
function rootEntries(): CpioEntry[] {
  return [
    { kind: 'directory', path: '/bin', mode: 0o755 },
    { kind: 'file', path: '/bin/busybox', mode: 0o755, content: busybox },
    ...applets.map((name): CpioEntry => ({
      kind: 'symlink',
      path: `/bin/${name}`,
      mode: 0o777,
      linkTarget: 'busybox',
    })),
    { kind: 'directory', path: '/www', mode: 0o755 },
    { kind: 'file', path: '/www/index.html', mode: 0o644, content: Buffer.from('hello\n') },
    { kind: 'file', path: '/www/private', mode: 0o600, content: Buffer.from('#!/bin/sh\n') },
  ];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function boot(
  config: Partial<GuestConfig>,
  disks: readonly Disk[] = [],
  { memoryMb = 96, port: reportPort = 'berth.report' } = {},
): Promise<Machine> {
  const place = await mkdtemp(join(folder, 'vm-'));
  const whole = { ...plain, ...config };
  const root = whole.root === 'initramfs' ? [await promisify(gzip)(await cpioArchive(rootEntries()))] : [];
  const parts = [await readFile(base.archive), ...root, await configArchive(whole)];
  await writeFile(join(place, 'initrd'), Buffer.concat(parts));
  const port = await freePort();
  const machine = execa(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-accel', 'tcg', '-machine', 'q35'],
      ...['-m', String(memoryMb), '-kernel', base.kernel.image, '-initrd', 'initrd'],
      ...['-append', kernelCommandLine('tcg')],
      ...['-chardev', 'file,id=con,path=console', '-serial', 'chardev:con'],
      ...['-device', 'virtio-serial-pci', '-chardev', 'file,id=report,path=report'],
      ...['-device', `virtserialport,chardev=report,name=${reportPort}`],
      ...['-netdev', `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:8080`],
      ...['-device', 'virtio-net-pci,netdev=net', '-qmp', 'unix:qmp,server=on,wait=off'],
      ...disks.flatMap(({ file, serial, readOnly }) => [
        ...['-drive', `file=${file},id=${serial},if=none,format=raw,readonly=${readOnly ? 'on' : 'off'}`],
        ...['-device', `virtio-blk-pci,drive=${serial},serial=${serial}`],
      ]),
    ],
    { cwd: place, reject: false, timeout: bootMs },
  );
  running.add(machine);
  const ended = machine.then(() => running.delete(machine));
  const read = (name: string): Promise<string> => readFile(join(place, name), 'utf8').catch(() => '');
  return {
    ended,
    folder: place,
    console: () => read('console'),
    report: async () => parseReport(await read('report')),
    get: async () => (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) })).status,
    press: () => powerdown(join(place, 'qmp')),
  };
}

async function powerdown(path: string): Promise<void> {
  const socket = connect(path);
  socket.write('{"execute":"qmp_capabilities"}{"execute":"system_powerdown","id":"press"}\n');
  await new Promise<void>((resolve, reject) => {
    let heard = '';
    socket.setTimeout(30_000, () => reject(new Error(`QMP does not answer: ${heard}`)));
    socket.on('error', reject);
    socket.once('close', () => reject(new Error(`QMP hung up: ${heard}`)));
    socket.on('data', (chunk) => {
      heard += String(chunk);
      if (heard.includes('"press"')) resolve();
    });
  });
  socket.destroy();
}

const started = { event: 'started' };
const exited = (code: number): object => ({ event: 'exited', code });
/** What a program printed between brackets after a word. */
const printed = (text: string, word: string): string | undefined =>
  new RegExp(`${word}\\[([^\\]]*)\\]`).exec(text)?.[1];
const hexOf = (text: string): string => Buffer.from(text).toString('hex');

describe('a microVM in 96 MB', () => {
  it('serves as the user asked for, with the very arguments and environment, and stops when its button is pressed', async () => {
    const script = `
      hex() { od -v -An -tx1 | tr -d ' \\n'; }
      echo "argv[$(cat /proc/$$/cmdline | hex)]" "env[$(cat /proc/$$/environ | hex)]" "id[$(id)]" "pwd[$(pwd)]"
      echo "hosts[$(cat /etc/hosts /etc/hostname /etc/resolv.conf | tr '\\n' ' ')]"
      echo "caps[$(cat /proc/self/status | tr '\\n' ' ')]"
      echo reopened > /dev/stdout
      ls /.berth 2>/dev/null && echo "berth[open]"
      trap 'echo bye; exit 0' TERM
      httpd -f -p 8080 -h /www & wait`;
    const odd = ["it's", '', 'a b', 'line\nbreak', '$HOME `id` "x" \\', 'größe 💧', '*', '-n'];
    const env = { ODD: 'a\'b\nc $x `y` \\ "', EMPTY: '', HOME: '/www' };
    const argv = ['sh', '-c', script, 'name', ...odd];
    const machine = await boot({
      argv,
      env,
      workdir: '/made/for the program',
      user: { uid: 1000, gid: 1001, groups: [27, 4_000_000_000] },
    });
    await eventually(async () => expect(await machine.get()).toBe(200), { timeoutMs: bootMs, everyMs: 50 });
    await eventually(async () => expect(await machine.report()).toEqual([started]), { timeoutMs: bootMs });
    const text = await machine.console();
    expect(printed(text, 'argv')).toBe(hexOf(argv.map((word) => `${word}\0`).join('')));
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const wanted = Object.entries({ PATH: path, HOSTNAME: 'hello', ...env }).map(([name, value]) => `${name}=${value}`);
    const found = Buffer.from(printed(text, 'env') ?? '', 'hex')
      .toString()
      .split('\0')
      .slice(0, -1);
    expect(found.toSorted()).toEqual(wanted.toSorted());
    expect(printed(text, 'id')).toBe('uid=1000 gid=1001 groups=27,4000000000');
    expect(printed(text, 'pwd')).toBe('/made/for the program');
    expect(printed(text, 'hosts')).toBe(
      '127.0.0.1 localhost ::1 localhost ip6-localhost 10.0.2.15 hello hello nameserver 10.0.2.3 ',
    );
    expect(printed(text, 'caps')).toMatch(/CapPrm:\s+0+ CapEff:\s+0+ /);
    expect(text).toContain('\nreopened\n');
    expect(text).not.toContain('berth[');
    expect(text).not.toContain('\r');

    await machine.press();
    await machine.ended;
    expect(await machine.report()).toEqual([started, exited(0)]);
    expect(await machine.console()).toMatch(/\nbye\n$/);
  });

  it('keeps what is written to a volume, on a disk as its root, and leaves the volume clean', async () => {
    const tree = join(folder, 'tree');
    await mkdir(join(tree, 'bin'), { recursive: true });
    await mkdir(join(tree, 'data dir'));
    await writeFile(join(tree, 'data dir', 'seed'), 'from the image');
    await writeFile(join(tree, 'bin', 'busybox'), busybox, { mode: 0o755 });
    for (const name of applets) await symlink('busybox', join(tree, 'bin', name));
    const squash = join(folder, 'root.squashfs');
    await execa('mksquashfs', [tree, squash, '-quiet', '-no-progress'], { timeout: bootMs });
    const volume = join(folder, 'volume');
    await execa('mke2fs', ['-q', '-t', 'ext4', volume, '8M'], { timeout: bootMs });

    const rootDisk = { file: squash, serial: 'root', readOnly: true };
    const mounts = [{ serial: 'vol-0', target: '/data dir', readOnly: false }];
    const script = `echo kept > '/data dir/file' && echo over > /bin/new && cat /bin/new && mount
      echo "seed[$(cat '/data dir/seed')]"
      sleep 1000 < '/data dir/file' & exit 3`;
    const first = await boot({ argv: ['/bin/sh', '-c', script], root: 'disk', mounts }, [
      rootDisk,
      { file: volume, serial: 'vol-0', readOnly: false },
    ]);
    await first.ended;
    expect(await first.console()).toContain('seed[from the image]');
    expect(await first.report()).toEqual([started, exited(3)]);
    const check = await execa('e2fsck', ['-fn', volume], { reject: false, timeout: bootMs });
    expect(check.stdout + check.stderr).not.toMatch(/recover|not cleanly/i);
    expect(check.exitCode).toBe(0);

    const readScript = `cat '/data dir/file'; touch '/data dir/other' || echo refused; kill -9 $$`;
    const second = await boot(
      {
        argv: ['sh', '-c', readScript],
        mounts: [{ ...mounts[0], serial: 'vol-0', target: '/data dir', readOnly: true }],
      },
      [{ file: volume, serial: 'vol-0', readOnly: true }],
    );
    await second.ended;
    expect(await second.console()).toMatch(/kept\n.*Read-only file system\nrefused\n$/);
    expect(await second.report()).toEqual([started, exited(128 + 9)]);
  });

  it('says why a program cannot be started', async () => {
    const missing = await boot({ argv: ['no "such" program'], network: null });
    await missing.ended;
    const message = 'no \\"such\\" program was not found in the image, or the interpreter that it needs was not';
    expect(await missing.report()).toEqual([
      { event: 'failed', message: JSON.parse(`"${message}"`) as string },
      exited(127),
    ]);
    const forbidden = await boot({ argv: ['/www/private'], user: { uid: 5, gid: 5, groups: [] } });
    await forbidden.ended;
    expect(await forbidden.report()).toEqual([
      { event: 'failed', message: '/www/private may not be executed by user 5' },
      exited(126),
    ]);
  });

  it('runs no program that nobody would be told of', async () => {
    const machine = await boot({ argv: ['sh', '-c', 'echo "program"'] }, [], { port: 'another' });
    await machine.ended;
    expect(await machine.report()).toEqual([]);
    const said = await machine.console();
    expect(said).toContain('berth: the port for reports is missing');
    expect(said).not.toContain('program\n');
  });

  it('says which volume is missing', async () => {
    const machine = await boot({ argv: ['sh'], mounts: [{ serial: 'gone', target: '/data', readOnly: false }] });
    await machine.ended;
    expect(await machine.report()).toEqual([
      { event: 'failed', message: 'the disk of the volume at /data is missing' },
      exited(125),
    ]);
  });
});
