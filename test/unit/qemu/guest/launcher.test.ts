import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launcher, type Launch } from '../../../../src/runtimes/qemu/guest/launcher.js';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-launcher-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const asRoot = process.arch === 'x64' && process.geteuid?.() === 0;
const busybox = '/usr/bin/busybox';
const plain: Launch = {
  chroot: null,
  workdir: '/',
  uid: 65_534,
  gid: 65_533,
  groups: [],
  paths: [busybox],
  argv: ['cat', '/proc/self/status'],
  env: [],
};

/** Runs the program on this machine. */
async function run(launch: Partial<Launch>): Promise<{ stdout: string; gate: string; exitCode: number | undefined }> {
  const path = join(folder, `launch-${String((count += 1))}`);
  await writeFile(path, launcher({ ...plain, ...launch }), { mode: 0o700 });
  const result = await execa(path, [], {
    reject: false,
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    stripFinalNewline: false,
  });
  return { stdout: result.stdout, gate: result.stdio[3], exitCode: result.exitCode };
}

describe.runIf(asRoot)('the launcher', () => {
  it('gives up its privileges, groups and ignored signals, and closes the gate', async () => {
    const { stdout, gate } = await run({ groups: [7, 4_000_000_000] });
    expect(stdout).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    expect(stdout).toMatch(/^Gid:\t65533\t65533\t65533\t65533$/m);
    expect(stdout).toMatch(/^Groups:\t7 4000000000 ?$/m);
    expect(stdout).toMatch(/^CapPrm:\t0+$/m);
    expect(stdout).toMatch(/^CapEff:\t0+$/m);
    expect(gate).toBe('');
  });

  it('passes any arguments and environment on as they are', async () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 30 })
      .filter((value) => !value.includes('\0') && !/\p{Cs}/u.test(value));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 4 }), text, async (words, value) => {
        const argv = ['cat', '--', '/proc/self/cmdline', '/proc/self/environ'];
        const env = [`NAME=${value}`, ...words.map((word, index) => `W${String(index)}=${word}`)];
        const { stdout } = await run({ argv, env });
        expect(stdout).toBe([...argv, ...env].map((word) => `${word}\0`).join(''));
        const echoed = await run({ argv: ['printf', String.raw`%s\0`, ...words] });
        expect(echoed.stdout).toBe(words.length === 0 ? '\0' : words.map((word) => `${word}\0`).join(''));
      }),
      { numRuns: 15 },
    );
  });

  it('starts in the working directory, and tries paths in order', async () => {
    const { stdout } = await run({
      argv: ['pwd'],
      workdir: '/usr/share',
      paths: ['/nowhere/x', '/etc/passwd/x', busybox],
    });
    expect(stdout).toBe('/usr/share\n');
  });

  it.each([
    ['x2\n', { paths: ['/nowhere/a', '/nowhere/b'] }],
    ['x=\n', { paths: ['/etc/passwd', '/nowhere/b'] }],
    ['w2\n', { workdir: '/nowhere' }],
    ['r2\n', { chroot: '/nowhere' }],
    ['x2\n', { chroot: '/proc', workdir: '/' }],
  ] satisfies [string, Partial<Launch>][])('tells %j through the gate', async (line, launch) => {
    const { stdout, gate, exitCode } = await run(launch);
    expect({ stdout, gate, exitCode }).toEqual({ stdout: '', gate: line, exitCode: 1 });
  });

  it('tells of a file that is no program', async () => {
    const path = join(folder, 'no-program');
    await writeFile(path, 'not ELF', { mode: 0o755 });
    expect(await run({ uid: 0, gid: 0, paths: [path] })).toMatchObject({ gate: 'x8\n' });
  });
});

describe('what no program can be given', () => {
  it('is refused', () => {
    expect(() => launcher({ ...plain, argv: ['a\0b'] })).toThrow(/NUL/);
    expect(() => launcher({ ...plain, env: ['A=a\0b'] })).toThrow(/NUL/);
  });
});
