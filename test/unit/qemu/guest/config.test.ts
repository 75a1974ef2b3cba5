import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { userNetwork, type GuestConfig } from '../../../../src/runtimes/qemu/contracts.js';
import {
  configArchive,
  kernelCommandLine,
  programEnv,
  stopSignalOf,
} from '../../../../src/runtimes/qemu/guest/config.js';
import { initApplets, initScript } from '../../../../src/runtimes/qemu/guest/init.js';
import { leastMemoryMb } from '../../../../src/runtimes/qemu/guest/memory.js';
import { shellQuote } from '../../../../src/runtimes/qemu/guest/quote.js';
import { parseReport } from '../../../../src/runtimes/qemu/guest/report.js';

const config: GuestConfig = {
  hostname: 'web',
  argv: ["it's"],
  env: { A: '1' },
  workdir: "/o'clock",
  user: { uid: 7, gid: 8, groups: [9] },
  network: { ...userNetwork, prefixLength: 20 },
  root: 'initramfs',
  mounts: [
    { serial: 'a', target: '/a b', readOnly: false },
    { serial: 'b', target: '/a b/c', readOnly: true },
  ],
};
const textOf = async (changed: Partial<GuestConfig> = {}): Promise<string> =>
  gunzipSync(await configArchive({ ...config, ...changed })).toString('latin1');

const busybox = async (...args: string[]): Promise<string> =>
  (await execa('busybox', args, { timeout: 10_000, stripFinalNewline: false })).stdout;

describe('texts for the shell', () => {
  it('come out as they went in', async () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 40 })
      .filter((value) => !value.includes('\0') && !/\p{Cs}/u.test(value));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async (texts) => {
        const printed = await busybox('ash', '-c', `printf '%s\\0' ${texts.map(shellQuote).join(' ')}`);
        expect(printed).toBe(texts.map((one) => `${one}\0`).join(''));
      }),
      { numRuns: 25 },
    );
  });

  it('hold no NUL', () => {
    expect(() => shellQuote('a\0')).toThrow(/NUL/);
  });
});

describe("a VM's own archive", () => {
  it('is a script that a shell understands, with all it was told', async () => {
    const archive = await textOf();
    const start = archive.indexOf('hostname=');
    const script = archive.slice(start, archive.indexOf('\0', start));
    const shown = `ifconfig() { echo "ifconfig $*"; }; route() { echo "route $*"; }; volume() { printf '<%s>' "$@"; echo; }
      release() { printf '<%s>' "$@"; echo; }; load() { :; }
      configure_network; configure_root; configure_volumes; release_volumes; echo "$workdir $owner $stop_signal"`;
    expect((await busybox('ash', '-c', `${script}\n${shown}`)).split('\n')).toEqual([
      'ifconfig eth0 10.0.2.15 netmask 255.255.240.0 up',
      'route add default gw 10.0.2.2',
      '<a></a b><rw><the volume at /a b>',
      '<b></a b/c><ro><the volume at /a b/c>',
      '<b></a b/c>',
      '<a></a b>',
      "/o'clock 7:8 TERM",
      '',
    ]);
  });

  it('is readable by root only', async () => {
    expect(await textOf()).toMatch(/^070701.{8}00008180/);
  });

  it('is refused without a program', async () => {
    await expect(textOf({ argv: [] })).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
    await expect(textOf({ argv: [''] })).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
  });

  it('looks a name up in the PATH that the program will have', async () => {
    const archive = await textOf({ argv: ['tool'], env: { PATH: '/one::/two' } });
    for (const path of ['\0/one/tool\0', '\0./tool\0', '\0/two/tool\0']) expect(archive).toContain(path);
    expect(await textOf({ argv: ['sub/tool'], env: { PATH: '/one' } })).not.toContain('/one/');
  });
});

describe('the environment of a program', () => {
  it('is what was asked for over what Podman gives', () => {
    expect(programEnv({ ...config, user: { ...config.user, home: '/srv' } })).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: 'web',
      HOME: '/srv',
      A: '1',
    });
    expect(programEnv({ ...config, env: { HOME: '/x', PATH: '/y', HOSTNAME: 'z' } })).toEqual({
      HOME: '/x',
      PATH: '/y',
      HOSTNAME: 'z',
    });
  });
});

describe('stop signals', () => {
  it.each([
    [null, 'TERM'],
    ['SIGQUIT', 'QUIT'],
    ['usr1', 'USR1'],
    ['9', '9'],
    ['SIGRTMIN+3', '37'],
    ['TERM; reboot', 'TERM'],
    ['', 'TERM'],
  ])('%j is %s', (signal, name) => {
    expect(stopSignalOf(signal)).toBe(name);
  });
});

describe('the init', () => {
  it('is a script that its shell understands', async () => {
    await expect(busybox('ash', '-n', '-c', initScript)).resolves.toBe('');
  });

  it('uses only applets that busybox has, and has a link for each that it uses', async () => {
    const known = (await busybox('--list')).split('\n');
    for (const applet of initApplets) expect(known).toContain(applet);
    // What the shell itself knows needs no link.
    const builtin = new Set((await busybox('ash', '-c', 'help')).split(/\s+/));
    const words = new Set(initScript.replaceAll(/#.*|"[^"]*"|'[^']*'/g, '').split(/[\s;()|&{}]+/));
    const used = known.filter((applet) => words.has(applet) && !builtin.has(applet));
    expect(used.filter((applet) => !initApplets.includes(applet) && applet !== 'ash')).toEqual([]);
  });
});

describe('the kernel command line', () => {
  it('starts our init, ends a panic, and bears a late timer only where it is emulated', () => {
    expect(kernelCommandLine('kvm')).toBe('console=ttyS0 quiet panic=-1 rdinit=/.berth/init cryptomgr.notests');
    expect(kernelCommandLine('tcg')).toBe(`${kernelCommandLine('kvm')} no_timer_check`);
  });
});

describe('reports', () => {
  it('are read line by line, half lines and garbage left out', () => {
    const lines = [
      '{"event":"started"}',
      'null',
      '[]',
      'garbage {',
      '{"event":"exited","code":"3"}',
      '{"event":"exited","code":256}',
      '{"event":"exited","code":3,"more":1}',
      '{"event":"failed","message":"no"}',
      '{"event":"failed"}',
      '{"event":"other"}',
      '{"event":"exited","code":4}',
    ];
    expect(parseReport(lines.join('\n'))).toEqual([
      { event: 'started' },
      { event: 'exited', code: 3 },
      { event: 'failed', message: 'no' },
    ]);
    expect(parseReport('')).toEqual([]);
  });

  it('never throw', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseReport(text))));
  });
});

describe('the least memory', () => {
  const mib = 1024 * 1024;
  const base = { archiveBytes: 1.4 * mib, unpackedBytes: 3.1 * mib };

  it.each([
    ['hello', 1.9, 1, 76],
    ['much that packs well', 41.9, 1, 140],
    ['much that does not', 31.9, 31, 150],
  ])('is what %s was measured to need, and little more', (_, unpackedMb, fileMb, measuredMb) => {
    const image = { root: 'initramfs' as const, unpackedBytes: unpackedMb * mib, fileBytes: fileMb * mib };
    const least = leastMemoryMb({ base, image });
    expect(least).toBeGreaterThanOrEqual(measuredMb);
    expect(least).toBeLessThanOrEqual(measuredMb + 8);
  });

  it('does not count what stays on a disk', () => {
    const image = { root: 'disk' as const, unpackedBytes: 4_000 * mib, fileBytes: 2_000 * mib };
    expect(leastMemoryMb({ base, image })).toBe(leastMemoryMb({ base, image: null }));
  });
});
