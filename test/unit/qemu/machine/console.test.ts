/** Console logs without a machine: lines, times, tail, since. */
import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogLine, LogOptions } from '../../../../src/core/ports/driver.js';
import { createMachineHost } from '../../../../src/runtimes/host/machine-host.js';
import { defaultQemuSettings } from '../../../../src/runtimes/qemu/contracts.js';
import { ConsoleKeeper, readConsoleLog } from '../../../../src/runtimes/qemu/machine/index.js';
import { ConsoleLineCutter, maxConsoleLineBytes } from '../../../../src/runtimes/qemu/machine/console-lines.js';
import { timeOf, withGrowth, type Growth } from '../../../../src/runtimes/qemu/machine/console-index.js';
import { eventually } from '../../../support/eventually.js';
import { realClock } from '../../../support/real-clock.js';

const deps = { host: createMachineHost(), clock: realClock, settings: defaultQemuSettings };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-console-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(options: LogOptions): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of readConsoleLog(deps, folder, options, new AbortController().signal)) lines.push(line);
  return lines;
}

const texts = async (options: LogOptions): Promise<string[]> => (await read(options)).map(({ text }) => text);

describe('readConsoleLog', () => {
  it('reads whole lines, the last one without its end, and as many of them as asked for', async () => {
    await writeFile(join(folder, 'console.log'), 'one\r\ntwo\r\nthree\r\nfour\r\nfi');
    expect(await texts({})).toEqual(['one', 'two', 'three', 'four', 'fi']);
    expect(await texts({ tail: 2 })).toEqual(['four', 'fi']);
    expect(await texts({ tail: 100 })).toEqual(['one', 'two', 'three', 'four', 'fi']);
    expect(await texts({ tail: 0 })).toEqual([]);
  });

  it('begins with the first whole line of what is kept', async () => {
    const lines = Array.from({ length: 2_000 }, (_, index) => `line ${String(index).padStart(6, '0')}`);
    const log = join(folder, 'console.log');
    await writeFile(log, `${lines.join('\n')}\n`);
    await deps.host.dropHead(log, 8_192);
    await writeFile(join(folder, 'console.index'), '{"headBytes":8192,"growths":[]}');
    const kept = lines.slice(Math.ceil(8_192 / 'line 000000\n'.length));
    expect(await texts({})).toEqual(kept);
    expect(await texts({ tail: 5_000 })).toEqual(kept);
    expect(await texts({ tail: 3 })).toEqual(kept.slice(-3));
    expect((await stat(log)).size).toBe(lines.length * 12);
  });

  it('ends at once where nothing runs, also when it follows, and where there is no log', async () => {
    expect(await texts({ follow: true })).toEqual([]);
    await writeFile(join(folder, 'console.log'), 'last words');
    expect(await texts({ follow: true })).toEqual(['last words']);
  });

  it('has times from the index, and leaves out what is known to be older', async () => {
    await writeFile(join(folder, 'console.log'), 'aa\nbb\ncc\ndd\n');
    await writeFile(join(folder, 'console.index'), '{"headBytes":0,"growths":[[3,1000],[9,2000]]}');
    expect(await read({})).toEqual(
      [['aa', 1000] as const, ['bb', 2000] as const, ['cc', 2000] as const, ['dd', null] as const].map(
        ([text, atMs]) => ({ text, atMs, stream: 'console' }),
      ),
    );
    expect(await texts({ sinceMs: 1001 })).toEqual(['bb', 'cc', 'dd']);
    expect(await texts({ sinceMs: 2001 })).toEqual(['dd']);
    expect(await texts({ sinceMs: 1001, tail: 3 })).toEqual(['bb', 'cc', 'dd']);
  });

  it('takes no times from an index of another log, nor from one that is broken', async () => {
    await writeFile(join(folder, 'console.log'), 'aa\n');
    for (const index of [
      '{"headBytes":0,"growths":[[99,1000]]}',
      '{"headBytes":9,"growths":[]}',
      '{',
      '[[1]]',
      'null',
    ]) {
      await writeFile(join(folder, 'console.index'), index);
      expect((await read({}))[0]?.atMs).toBeNull();
    }
  });

  it('says what went before it was read, and takes no hole for a line', async () => {
    const lines = Array.from({ length: 40_000 }, (_, index) => `line ${String(index).padStart(6, '0')}`);
    const log = join(folder, 'console.log');
    await writeFile(log, `${lines.join('\n')}\n`);
    const headBytes = 204_800;
    let reads = 0;
    // Somebody takes out the older half after the first part was read, and before the second one is.
    const readBytes: typeof deps.host.readBytes = async (path, offset, length) => {
      if (path === log && (reads += 1) === 2) {
        await writeFile(join(folder, 'console.index'), `{"headBytes":${headBytes},"growths":[]}`);
        await deps.host.dropHead(log, headBytes);
      }
      return deps.host.readBytes(path, offset, length);
    };
    const seen: string[] = [];
    const slow = { ...deps, host: { ...deps.host, readBytes } };
    const { signal } = new AbortController();
    for await (const { text } of readConsoleLog(slow, folder, { follow: true }, signal)) seen.push(text);
    const before = Math.floor(65_536 / 12);
    const kept = Math.ceil(headBytes / 12);
    expect(seen.slice(0, before)).toEqual(lines.slice(0, before));
    expect(seen.slice(before, before + 2)).toEqual([
      lines[before]?.slice(0, 65_536 % 12),
      `berth: ${kept * 12 - 65_536} bytes of this log went before they were read`,
    ]);
    expect(seen.slice(before + 2)).toEqual(lines.slice(kept));
  });

  it('finds the tail of a long log', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
    await writeFile(join(folder, 'console.log'), `${lines.join('\n')}\n`);
    expect(await texts({ tail: 15_000 })).toEqual(lines.slice(-15_000));
  });
});

describe('ConsoleLineCutter', () => {
  it('puts lines together from chunks cut anywhere, characters too', () => {
    const bytes = Buffer.from('größe\r\n€ und 🚢\n\nende');
    const cutter = new ConsoleLineCutter();
    const cut = [...bytes].flatMap((byte, index) => cutter.push(Buffer.from([byte]), index));
    const all = [...cut, ...cutter.flush()];
    expect(all.map(({ text }) => text)).toEqual(['größe', '€ und 🚢', '', 'ende']);
    expect(all.at(-1)?.endOffset).toBe(bytes.length);
    expect(all[0]?.endOffset).toBe(Buffer.byteLength('größe\r\n'));
  });

  it('cuts a line that is too long between characters', () => {
    const text = `x${'€'.repeat(maxConsoleLineBytes)}`;
    const cutter = new ConsoleLineCutter();
    const parts = [...cutter.push(Buffer.from(text), 0), ...cutter.flush()].map((line) => line.text);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.join('')).toBe(text);
  });
});

describe('the index', () => {
  it('stays bounded, and gets coarser but not wrong', () => {
    let growths: readonly Growth[] = [];
    for (let index = 1; index <= 20_000; index += 1) growths = withGrowth(growths, { bytes: index, atMs: index });
    expect(growths.length).toBeLessThanOrEqual(4_096);
    expect(timeOf(growths, 20_000)).toBe(20_000);
    for (let offset = 1; offset <= 20_000; offset += 97) expect(timeOf(growths, offset)! >= offset).toBe(true);
    expect(timeOf(growths, 20_001)).toBeNull();
  });
});

describe('the keeper of a console', () => {
  it('has noted the last words when it is done, however slow the disk was with those before', async () => {
    const log = join(folder, 'console.log');
    await writeFile(log, 'first\n');
    const waiting: (() => void)[] = [];
    let slow = true;
    let written = 0;
    const host: typeof deps.host = {
      ...deps.host,
      replaceText: async (...args) => {
        if (slow) await new Promise<void>((resolve) => void waiting.push(resolve));
        await deps.host.replaceText(...args);
        written += 1;
      },
    };
    const keeper = new ConsoleKeeper({ ...deps, host }, { folder, limitMb: 1 });
    keeper.start();
    await eventually(() => waiting.length === 1);
    await appendFile(log, 'last\n');
    slow = false;
    const finishing = keeper.finish();
    // Whoever does not wait for the first has written by the time that the disk answers a dozen times.
    for (let reads = 0; reads < 12 && written === 0; reads += 1) await read({});
    waiting[0]!();
    await finishing;
    await eventually(() => written === 2);
    const times = (await read({})).map(({ text, atMs }) => [text, atMs !== null]);
    expect(times).toEqual([
      ['first', true],
      ['last', true],
    ]);
  });
});
