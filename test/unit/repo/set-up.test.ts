import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingPackages, wantedPackages } from '../../../scripts/lib/packages.mjs';
import { checkNode, listFiles } from '../../../scripts/lib/setup.mjs';
import { failuresOf, tallyOf } from '../../../scripts/lib/suite.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('missing packages', () => {
  it('are those that dpkg does not call installed', () => {
    const output = 'podman ii \nrunc:amd64 ii \niptables rc \nsqlite3 un \n';
    expect(missingPackages(['podman', 'runc', 'iptables', 'sqlite3', 'netavark'], output)).toEqual([
      'iptables',
      'sqlite3',
      'netavark',
    ]);
  });

  it('include what rootless podman needs only without root', () => {
    expect(wantedPackages(true, 'start')).not.toContain('uidmap');
    expect(wantedPackages(false, 'start')).toEqual(
      expect.arrayContaining(['podman', 'busybox-static', 'uidmap', 'slirp4netns']),
    );
  });
});

describe('the packages', () => {
  it('of virtual machines are there for everybody, those of the stand-in for ops only for tests', () => {
    const start = wantedPackages(true, 'start');
    const test = wantedPackages(true, 'test');
    expect(start).toEqual(expect.arrayContaining(['qemu-system-x86', 'squashfs-tools', 'e2fsprogs', 'busybox-static']));
    expect(test.filter((name) => !start.includes(name))).toEqual([
      'syslinux',
      'syslinux-common',
      'mtools',
      'dosfstools',
      'chromium',
    ]);
    expect(start.filter((name) => !test.includes(name))).toEqual([]);
  });

  it('that are measured against are there for benchmarks only', () => {
    const start = wantedPackages(true, 'start');
    const bench = wantedPackages(true, 'bench');
    expect(bench.filter((name) => !start.includes(name))).toEqual(['podman-compose', 'catatonit', 'etcd-server']);
    expect(start.filter((name) => !bench.includes(name))).toEqual([]);
  });

  it('are all named in docs/testing.md', async () => {
    const text = await readFile(join(root, 'docs/testing.md'), 'utf8');
    const names = [...wantedPackages(false, 'test'), ...wantedPackages(false, 'bench')];
    for (const name of names) expect(text).toContain(`\`${name}\``);
  });
});

describe('installing packages', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-set-up-'));
    await chmod(folder, 0o755);
    await cp(join(root, 'scripts/lib'), join(folder, 'lib'), { recursive: true });
    await mkdir(join(folder, 'bin'));
    await program('dpkg-query', 'echo "podman ii "');
    const code =
      "import { ensurePackages } from './lib/packages.mjs'; await ensurePackages((line) => console.log(line));";
    await writeFile(join(folder, 'install.mjs'), code);
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const program = async (name: string, script: string): Promise<void> => {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  /** With nothing in PATH but the programs of the test. As nobody, where the test is root. */
  const install = async (asNobody: boolean) =>
    execa(process.execPath, [join(folder, 'install.mjs')], {
      env: { PATH: join(folder, 'bin') },
      extendEnv: false,
      reject: false,
      timeout: 60_000,
      ...(asNobody && process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    });

  it('without root and sudo names the exact command, and fails', async () => {
    const { exitCode, stderr } = await install(true);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/apt-get update && apt-get install -y --no-install-recommends .*runc.*sqlite3/);
  });

  it('uses sudo where it asks no password, and starts no services', async () => {
    const log = join(folder, 'log');
    await writeFile(log, '', { mode: 0o666 });
    await chmod(log, 0o666);
    await program('sudo', `printf '%s\\n' "$*" >> ${log}`);
    const { exitCode, stdout } = await install(true);
    const calls = await readFile(log, 'utf8');
    expect(exitCode).toBe(0);
    expect(calls).toMatch(/-n env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 .*apt-get .*update/);
    expect(calls).toMatch(/apt-get .*install -y --no-install-recommends runc/);
    expect(stdout).toMatch(/installing runc.*\(apt\)/);
  });

  it('says what apt said when it fails', async () => {
    await program('sudo', 'shift; case "$*" in *install*) echo "E: Unable to locate package runc"; exit 100;; esac');
    const { exitCode, stderr } = await install(true);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('E: Unable to locate package runc');
  });

  it('on another system says which packages are needed', async () => {
    await rm(join(folder, 'bin', 'dpkg-query'));
    const { exitCode, stderr } = await install(true);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/no Debian.*podman/);
  });
});

describe('the version of Node', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0'])('%s will do', (version) => {
    expect(() => checkNode(version)).not.toThrow();
  });

  it.each(['18.20.0', '20.18.9'])('%s is too old', (version) => {
    expect(() => checkNode(version)).toThrow(/Node 20\.19/);
  });
});

describe('listFiles', () => {
  it('finds files in folders of folders, sorted, and none where there is no folder', () => {
    const found = listFiles(join(root, 'examples/hello'));
    expect(found).toContain(join(root, 'examples/hello/rootfs/www/index.html'));
    expect(found).toEqual([...found].sort());
    expect(listFiles(join(root, 'no-such-folder'))).toEqual([]);
  });
});

describe('the count of a test run', () => {
  it('is what vitest reports', () => {
    const report = { numPassedTests: 7, numFailedTests: 2, numPendingTests: 1, numFailedTestSuites: 3 };
    expect(tallyOf(report, false)).toEqual({ passed: 7, failed: 2, skipped: 1 });
  });

  it.each([
    ['a crash without a report', undefined, false],
    ['a file that does not load', { numPassedTests: 0, numFailedTests: 0, numFailedTestSuites: 1 }, false],
    ['an unhandled error', { numPassedTests: 7, numFailedTests: 0, numFailedTestSuites: 0 }, false],
    ['a run of nothing', { numPassedTests: 0, numFailedTests: 0, numFailedTestSuites: 0 }, true],
  ])('calls %s one failure', (_, report, endedWell) => {
    expect(tallyOf(report, endedWell).failed).toBe(1);
  });

  it('names what failed, and the first line of why', () => {
    const assertionResults = [
      { status: 'failed', fullName: 'a b', failureMessages: ['Error: one\n    at there'] },
      { status: 'passed', fullName: 'c' },
    ];
    const testResults = [
      { name: 'x.test.ts', assertionResults },
      { name: 'y.test.ts', message: 'cannot be loaded' },
      { name: 'z.test.ts', message: '' },
    ];
    expect(failuresOf({ testResults })).toEqual(['a b: Error: one', 'y.test.ts: cannot be loaded']);
    expect(failuresOf(undefined)).toEqual([]);
  });
});
