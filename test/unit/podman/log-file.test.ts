import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogLine, LogOptions } from '../../../src/core/ports/driver.js';
import { readLogFile } from '../../../src/runtimes/podman/log-file.js';
import { eventually } from '../../support/eventually.js';
import { realClock } from '../../support/real-clock.js';

const time = '2024-05-01T12:00:00.000000001Z';
const atMs = Date.parse(time);
const entry = (text: string, tag = 'F', stream = 'stdout'): string => `${time} ${stream} ${tag} ${text}\n`;

describe('a log that is read in its file', () => {
  let folder = '';
  let isUp = true;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-log-'));
    isUp = true;
  });
  afterEach(() => rm(folder, { recursive: true }));

  const follow = async (wanted: LogOptions = {}): Promise<{ lines: LogLine[]; over: Promise<void> }> => {
    const options = { path: join(folder, 'ctr.log'), clock: realClock, isRunning: async () => isUp };
    const read = await readLogFile(options, { follow: true, ...wanted }, AbortSignal.timeout(20_000));
    const lines: LogLine[] = [];
    const over = (async () => {
      for await (const line of read ?? []) lines.push(line);
    })();
    return { lines, over };
  };

  it('is read to its end though the program ends meanwhile, and joins what goes on', async () => {
    const path = join(folder, 'ctr.log');
    await writeFile(path, entry('one') + entry('oh', 'F', 'stderr') + entry('lo', 'P').slice(0, 40));
    const { lines, over } = await follow();
    await eventually(() => lines.length === 2);
    await appendFile(path, entry('lo', 'P').slice(40) + entry('ng') + entry('last', 'P'));
    isUp = false;
    await over;
    expect(lines).toEqual([
      { atMs, stream: 'stdout', text: 'one' },
      { atMs, stream: 'stderr', text: 'oh' },
      { atMs, stream: 'stdout', text: 'long' },
      { atMs, stream: 'stdout', text: 'last' },
    ]);
  });

  it('goes on in the file that takes its place', async () => {
    const path = join(folder, 'ctr.log');
    await writeFile(path, entry('old'));
    const { lines, over } = await follow();
    await eventually(() => lines.length === 1);
    await writeFile(`${path}.tmp`, entry('new'));
    await appendFile(path, entry('late'));
    await rename(`${path}.tmp`, path);
    await eventually(() => lines.length === 3);
    isUp = false;
    await over;
    expect(lines.map(({ text }) => text)).toEqual(['old', 'late', 'new']);
  });

  it('begins with the last lines, or with none, or with those since', async () => {
    await writeFile(join(folder, 'ctr.log'), [1, 2, 3].map((number) => entry(`line ${number}`)).join(''));
    isUp = false;
    const textsOf = async (wanted: LogOptions): Promise<readonly string[]> => {
      const { lines, over } = await follow(wanted);
      await over;
      return lines.map(({ text }) => text);
    };
    expect(await textsOf({ tail: 2 })).toEqual(['line 2', 'line 3']);
    expect(await textsOf({ tail: 0 })).toEqual([]);
    expect(await textsOf({ sinceMs: atMs })).toHaveLength(3);
    expect(await textsOf({ sinceMs: atMs + 1 })).toEqual([]);
  });

  it('is not there where there is no file', async () => {
    const options = { path: join(folder, 'none'), clock: realClock, isRunning: async () => true };
    expect(await readLogFile(options, {}, AbortSignal.timeout(1_000))).toBeUndefined();
  });
});
