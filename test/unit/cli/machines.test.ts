/** What the command line has for virtual machines, over drivers that say what a test wants them to. */
import { describe, expect, test } from 'vitest';
import type { Input } from '../../../src/cli/deps.js';
import { formatBytes } from '../../../src/cli/durations.js';
import { BerthError } from '../../../src/core/errors.js';
import type { Garbage, ObservedWorkload } from '../../../src/core/observation.js';
import type { ConsoleSession, Driver } from '../../../src/core/ports/driver.js';
import type { Runtime } from '../../../src/core/spec.js';
import { Bench, fakeDriver, patiently } from './support.js';

const driverOf = (name: string, runtimes: readonly Runtime[], calls: Partial<Driver> = {}): Driver =>
  fakeDriver({ name, runtimes, ...calls });

/** A machine at the other end of a serial line. */
class FakeConsole implements ConsoleSession {
  readonly typed: string[] = [];
  closed = false;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #wake = (): void => undefined;

  readonly output = this.#read();

  print(text: string): void {
    this.#chunks.push(Buffer.from(text));
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  write(data: Uint8Array): void {
    const text = Buffer.from(data).toString();
    this.typed.push(text);
    this.print(`echo ${text}`);
  }

  written(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    this.end();
    return Promise.resolve();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* this.#chunks.splice(0);
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Keys that are pressed one after the other; a terminal goes on after them, a pipe ends. */
function typing(isTty: boolean, ...keys: readonly string[]): Input & { raw: string[] } {
  const raw: string[] = [];
  return {
    isTty,
    raw,
    async *read(signal) {
      for (const key of keys) yield Buffer.from(key);
      if (isTty && !signal.aborted) {
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    makeRaw: () => {
      raw.push('raw');
      return () => void raw.push('restored');
    },
  };
}

const gone = new BerthError('E_WORKLOAD_MISSING', 'it is gone');

async function benchWith(...drivers: readonly Driver[]): Promise<Bench> {
  const bench = new Bench();
  await bench.withShop();
  bench.drivers = drivers;
  await bench.running('shop/web', { nativeId: 'vm-1' });
  return bench;
}

describe('console', () => {
  test('shows the machine, types into it, and leaves at Ctrl-]', async () => {
    const line = new FakeConsole();
    const bench = await benchWith(driverOf('d', ['container'], { attach: () => Promise.resolve(line) }));
    const stdin = typing(true, 'ls\r', 'pwd\x1dnever');
    bench.stdin = stdin;
    const { exit, err } = await bench.run('console', 'shop/web');
    expect(exit).toBe(0);
    expect(err).toBe('console of shop/web; Ctrl-] leaves it\n');
    expect(line).toMatchObject({ typed: ['ls\r', 'pwd'], closed: true });
    expect(stdin.raw[0]).toBe('raw');
    expect(stdin.raw.at(-1)).toBe('restored');
  });

  test('without a terminal, what is piped in is typed and the answer is waited for', async () => {
    const line = new FakeConsole();
    const bench = await benchWith(driverOf('d', ['container'], { attach: () => Promise.resolve(line) }));
    const stdin = typing(false, 'a\x1db\n');
    bench.stdin = stdin;
    const { exit, out } = await bench.run('console', 'shop/web');
    expect([exit, out]).toEqual([0, 'echo a\x1db\n']);
    expect(line.closed).toBe(true);
    expect(stdin.raw).toEqual([]);
  });

  test('with --no-stdin it shows until the machine ends, and says so', async () => {
    const line = new FakeConsole();
    const bench = await benchWith(driverOf('d', ['container'], { attach: () => Promise.resolve(line) }));
    bench.stdin = typing(true, 'never');
    const running = bench.start('console', 'shop/web', '--no-stdin');
    await expect.poll(() => running.err(), patiently).toContain('Ctrl-C leaves it');
    line.print('booted\r\n');
    await expect.poll(() => running.out(), patiently).toBe('booted\r\n');
    line.end();
    const { exit, err } = await running.done;
    expect(exit).toBe(0);
    expect(err).toContain('the console of shop/web has ended');
    expect(line.typed).toEqual([]);
  });

  test('Ctrl-C ends it where nothing is typed', async () => {
    const line = new FakeConsole();
    const bench = await benchWith(driverOf('d', ['container'], { attach: () => Promise.resolve(line) }));
    const running = bench.start('console', 'shop/web', '--no-stdin');
    await expect.poll(() => running.err(), patiently).toContain('Ctrl-C');
    running.interrupt();
    expect((await running.done).err).not.toContain('has ended');
    expect(line.closed).toBe(true);
  });

  test('a container has none, a service is not enough, and what is not there has none', async () => {
    const none = new BerthError('E_NOT_SUPPORTED', 'a container has no console', { suggestion: 'see berth logs' });
    const bench = await benchWith(driverOf('d', ['container'], { attach: () => Promise.reject(none) }));
    const refused = await bench.run('console', 'shop/web');
    expect(refused).toMatchObject({ exit: 2, err: expect.stringContaining('next: see berth logs') as string });
    expect((await bench.run('console', 'shop')).exit).toBe(2);
    const missing = await bench.run('console', 'shop/db');
    expect(missing).toMatchObject({ exit: 1, err: expect.stringContaining('E_WORKLOAD_MISSING') as string });
    expect((await bench.run('console', 'shop/wbe')).exit).toBe(4);
  });
});

describe('exec', () => {
  test('prints what the program printed and ends with its code', async () => {
    const asked: (readonly string[])[] = [];
    const exec: Driver['exec'] = (_id, argv) => {
      asked.push(argv);
      return Promise.resolve({ exitCode: 7, stdout: 'out', stderr: 'err' });
    };
    const bench = await benchWith(driverOf('d', ['container'], { exec }));
    expect(await bench.run('exec', 'shop/web', '--', 'ls', '-la', '--output=x')).toEqual({
      exit: 7,
      out: 'out',
      err: 'err',
    });
    expect(asked).toEqual([['ls', '-la', '--output=x']]);
    expect(JSON.parse((await bench.run('exec', 'shop/web', '-o', 'json', '--', 'ls')).out)).toEqual({
      exitCode: 7,
      stdout: 'out',
      stderr: 'err',
    });
    expect((await bench.run('exec', 'shop/web')).exit).toBe(2);
  });

  test('says what of the output was left out', async () => {
    const cut = { stdout: 9 * 1_048_576, stderr: 0 };
    const exec = () => Promise.resolve({ exitCode: 0, stdout: 'out', stderr: '', cut });
    const bench = await benchWith(driverOf('d', ['container'], { exec }));
    expect(await bench.run('exec', 'shop/web', '--', 'yes')).toEqual({
      exit: 0,
      out: 'out',
      err: 'only the first MiB of its stdout is shown: 9 MiB were left out\n',
    });
    expect(JSON.parse((await bench.run('exec', 'shop/web', '-o', 'json', '--', 'yes')).out)).toMatchObject({ cut });
  });

  test('says in the words of the driver where that cannot be', async () => {
    const exec = (): Promise<never> =>
      Promise.reject(new BerthError('E_NOT_SUPPORTED', 'there is nobody in a microvm to run a program'));
    const { exit, err } = await (
      await benchWith(driverOf('d', ['container'], { exec }))
    ).run(...['exec', 'shop/web', '--', 'ls']);
    expect(exit).toBe(2);
    expect(err).toContain('error E_NOT_SUPPORTED: there is nobody in a microvm');
  });
});

describe('gc', () => {
  const nowMs = Date.now();
  const garbage = (id: string, bytes: number, ageMs: number): Garbage => ({
    driver: 'qemu',
    what: `image ${id}`,
    id,
    bytes,
    usedAtMs: nowMs - ageMs,
  });

  function drivers(removed: string[]): readonly Driver[] {
    return [
      driverOf('podman', ['container']),
      driverOf('qemu', ['microvm'], {
        listGarbage: () => Promise.resolve([garbage('new', 1_048_576, 60_000), garbage('old', 2_097_152, 7_200_000)]),
        removeGarbage: ({ id }) => {
          if (id === 'new') return Promise.reject(new BerthError('E_DRIVER_FAILED', 'it is used again'));
          removed.push(id);
          return Promise.resolve();
        },
      }),
    ];
  }

  test('a dry run lists, and removes nothing', async () => {
    const removed: string[] = [];
    const bench = await benchWith(...drivers(removed));
    const { exit, out } = await bench.run('gc', '--dry-run');
    expect(exit).toBe(0);
    expect(out).toMatch(/qemu +image old +2 MiB +2h ago +would be removed\n/);
    expect(out.indexOf('image old')).toBeLessThan(out.indexOf('image new'));
    expect(out).toContain('2 things, 3 MiB would be freed by: berth gc\n');
    expect(removed).toEqual([]);
  });

  test('removes what it can, and names what it cannot', async () => {
    const removed: string[] = [];
    const bench = await benchWith(...drivers(removed));
    const { exit, out } = await bench.run('gc');
    expect(exit).toBe(1);
    expect(out).toContain('kept: it is used again');
    expect(out).toContain('1 thing, 2 MiB freed\n');
    expect(removed).toEqual(['old']);
    const report = JSON.parse((await bench.run('gc', '--dry-run', '-o', 'json')).out) as unknown;
    expect(report).toMatchObject({ dryRun: true, totalBytes: 3_145_728, items: [{ id: 'old' }, { id: 'new' }] });
  });

  test('a driver that cannot be opened is named, and the others are asked', async () => {
    const open = (): Promise<never> => Promise.reject(new BerthError('E_DRIVER_UNREACHABLE', 'no QEMU here'));
    const bench = await benchWith(driverOf('podman', ['container']), driverOf('qemu', ['microvm'], { open }));
    const { exit, out, err } = await bench.run('gc');
    expect([exit, out]).toEqual([1, 'nothing is kept that is not used\n']);
    expect(err).toBe('qemu could not say what it keeps: no QEMU here\n');
  });
});

describe('several drivers', () => {
  const workload = { nativeId: 'vm-1' } as ObservedWorkload;
  const knows =
    (id: string): Driver['inspect'] =>
    (asked) =>
      Promise.resolve(asked === id ? workload : undefined);
  const prints = (text: string): Driver['logs'] =>
    async function* (id) {
      if (id !== 'vm-1') throw gone;
      await Promise.resolve();
      yield { atMs: null, stream: 'console', text };
    };

  test('logs come from the driver of the runtime, or from the one that still has the workload', async () => {
    const bench = await benchWith(
      driverOf('podman', ['container'], { inspect: knows('c-1'), logs: prints('of podman') }),
      driverOf('qemu', ['microvm', 'unikernel'], { inspect: knows('vm-1'), logs: prints('of qemu') }),
    );
    expect((await bench.run('logs', 'shop/web')).out).toBe('of qemu\n');
    bench.drivers = [
      driverOf('podman', ['container'], { inspect: knows('vm-1'), logs: prints('of podman') }),
      driverOf('qemu', ['microvm', 'unikernel'], { inspect: knows('vm-1'), logs: prints('of qemu') }),
    ];
    expect((await bench.run('logs', 'shop/web')).out).toBe('of podman\n');
  });

  test('one that cannot be opened costs only what is its own', async () => {
    const open = (): Promise<never> => Promise.reject(new BerthError('E_DRIVER_UNREACHABLE', 'no podman here'));
    const bench = await benchWith(
      driverOf('podman', ['container'], { open }),
      driverOf('qemu', ['microvm'], { inspect: knows('vm-1'), logs: prints('of qemu') }),
    );
    expect((await bench.run('logs', 'shop/web')).out).toBe('of qemu\n');
    bench.drivers = [driverOf('podman', ['container'], { open }), driverOf('qemu', ['microvm'])];
    expect(await bench.run('logs', 'shop/web')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('no podman here') as string,
    });
  });

  test('the doctor shows each, and why one cannot be opened', async () => {
    const open = (): Promise<never> =>
      Promise.reject(new BerthError('E_DRIVER_UNREACHABLE', 'no podman here', { suggestion: 'install podman' }));
    const ok = (name: string) => ({ name, ok: true, detail: `${name} works`, remedy: null });
    const bench = await benchWith(
      driverOf('podman', ['container'], { open, capabilities: () => Promise.resolve([ok('oci-runtime')]) }),
      driverOf('qemu', ['microvm'], {
        capabilities: () =>
          Promise.resolve([ok('qemu'), { name: 'kvm', ok: false, detail: 'hangs', remedy: 'use TCG' }]),
      }),
    );
    const { exit, out } = await bench.run('doctor');
    expect(exit).toBe(1);
    expect(out).toMatch(/podman +podman +error +no podman here\n/);
    expect(out).toMatch(/podman +oci-runtime +ok/);
    expect(out).toMatch(/qemu +kvm +warning +hangs\n/);
    expect(out).toContain('podman podman: install podman');
    expect(out).toContain('qemu kvm: use TCG');
  });
});

test('vm setup says what it does and where the kernel is', async () => {
  const bench = new Bench();
  const homes: (string | null)[] = [];
  bench.vmSetUp = (home, say) => {
    homes.push(home);
    say('downloading linux-image-cloud-amd64');
    return Promise.resolve({ version: '6.1.0-18', path: '/srv/vm/kernel/vmlinuz' });
  };
  expect(await bench.run('vm', 'setup', '--home', '/srv')).toEqual({
    exit: 0,
    out: 'microVMs boot Linux 6.1.0-18: /srv/vm/kernel/vmlinuz\n',
    err: 'downloading linux-image-cloud-amd64\n',
  });
  expect(JSON.parse((await bench.run('vm', 'setup', '-o', 'json')).out)).toEqual({
    version: '6.1.0-18',
    path: '/srv/vm/kernel/vmlinuz',
  });
  expect(homes).toEqual(['/srv', null]);
});

test('a plan says what another runtime means', async () => {
  const bench = new Bench();
  const path = await bench.withShop();
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(path, 'utf8');
  await bench.file('shop.toml', text.replace('name = "web"', 'name = "web"\nruntime = "microvm"'));
  const { out } = await bench.run('plan', '-f', path);
  expect(out).toContain('~ shop/web: update (another runtime)');
  expect(out).toContain('runtime: "container" → "microvm" [replace]');
  expect(out).toContain('the new one is built first, then the old one stops');
});

test('sizes are readable', () => {
  expect([0, 1_023, 1_024, 1_572_864, 20_971_520, 3 * 1_024 ** 4].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1 KiB',
    '1.5 MiB',
    '20 MiB',
    '3 TiB',
  ]);
});
