import { expect, it } from 'vitest';
import type { LogLine, LogOptions } from '../../../src/core/ports/driver.js';
import { eventually } from '../../support/eventually.js';
import { patience, within, type Bench } from '../bench.js';
import { readAll } from '../every-call.js';

const lineWidth = 100;
/** NUL, a lone byte that goes on, an unfinished character, an overlong one, and text around them. */
const oddBytes = Buffer.from([0x61, 0, 0x62, 0x80, 0x63, 0xe2, 0x98, 0x64, 0xc0, 0xaf, 0xff, 0x65, 0x0a]);

/** What programs are given and what they print, byte for byte. */
export function outputCases(bench: Bench): void {
  const read = (id: string, options: LogOptions = {}): Promise<readonly LogLine[]> =>
    readAll(bench.driver.logs(id, options, patience()));

  /** The log of a program that has ended; the last of it may be written a moment later. */
  const readWhole = async (
    id: string,
    isWhole: (lines: readonly LogLine[]) => boolean,
  ): Promise<readonly LogLine[]> => {
    return eventually(
      async () => {
        expect((await bench.inspect(id)).state).toBe('exited');
        const lines = await read(id);
        expect(isWhole(lines), `${lines.length} lines, the last: ${lines.at(-1)?.text.slice(0, 80) ?? ''}`).toBe(true);
        return lines;
      },
      { timeoutMs: 60_000, everyMs: 100, describe: 'the whole log' },
    );
  };

  it('hands arguments and variables to the program as they are', async () => {
    const odd = [
      '',
      ' ',
      'a b',
      '$HOME $(id) `id`',
      '%s %d 100%',
      'back\\slash\\n',
      `"double" 'single'`,
      '*',
      '-n',
      'ü☃🎈',
    ];
    const args = [...odd, 'two\nlines', '\ttab'];
    const values = {
      A1: 'a=b=c',
      QUOTES: `'"`,
      UNI: 'ü☃🎈',
      LINES: 'one\ntwo',
      NONE: '',
      _under9: '$HOME\\',
      PERCENT: '%s%%',
    };
    const id = await bench.run({
      program: { does: 'say', arguments: args, variables: Object.keys(values) },
      spec: { env: values },
    });
    const lines = await readWhole(id, (all) => all.at(-1)?.text === '<%s%%>');
    const wanted = [...args, ...Object.values(values)].map((text) => `<${text}>`).join('\n');
    expect(lines.map(({ text }) => text).join('\n')).toBe(wanted);
  });

  it('keeps odd bytes, a very long line and a last one without its end', async () => {
    const longLine = bench.fixture.floodMb * 100_000;
    const id = await bench.run({ program: { does: 'raw', base64: oddBytes.toString('base64'), longLine } });
    const lines = await readWhole(id, (all) => all.at(-1)?.text === 'end');
    expect(lines[0]?.text).toBe(oddBytes.toString('utf8').trimEnd());
    // A runtime may deliver a long line in parts; nothing is lost or doubled.
    const middle = lines.slice(1, -1).map(({ text }) => text);
    expect(middle.join('').length).toBe(longLine);
    expect(middle.every((text) => /^x+$/.test(text))).toBe(true);
    expect((await read(id, { tail: 1 })).map(({ text }) => text)).toEqual(['end']);
  });

  it('keeps a flood whole, for who follows it and for who comes later', async () => {
    const count = Math.floor((bench.fixture.floodMb * 1_048_576) / (lineWidth + 1));
    const textOf = (index: number): string => `line ${index + 1}`.padEnd(lineWidth, '.');
    const firstWrong = (lines: readonly { readonly text: string }[], from = 0): number =>
      lines.findIndex(({ text }, index) => text !== textOf(from + index));
    const id = await bench.run({ program: { does: 'count', lines: count, width: lineWidth } });
    const followed = await within(readAll(bench.driver.logs(id, { follow: true }, patience())), 'following', 100_000);
    expect(firstWrong(followed)).toBe(-1);
    const lines = await readWhole(id, (all) => all.length >= count);
    expect(lines).toHaveLength(count);
    expect(firstWrong(lines)).toBe(-1);
    expect(followed.length).toBe(count);

    const tail = await read(id, { tail: 1_000 });
    expect(tail).toHaveLength(1_000);
    expect(firstWrong(tail, count - 1_000)).toBe(-1);
    const sinceMs = lines[Math.floor(count / 2)]?.atMs ?? 0;
    const since = await read(id, { sinceMs });
    expect(since).toHaveLength(lines.filter(({ atMs }) => atMs === null || atMs >= sinceMs).length);
    expect(firstWrong(since, count - since.length)).toBe(-1);
  });

  it('lets go of readers that stop reading', async () => {
    const count = bench.fixture.floodMb * 2_000;
    const last = `line ${count}`.padEnd(50, '.');
    const id = await bench.run({ program: { does: 'count', lines: count, width: 50 } });
    await readWhole(id, (all) => all.at(-1)?.text === last);
    const open = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap').length;
    const before = open();
    for (let reader = 0; reader < 8; reader += 1) {
      const control = new AbortController();
      const lines = bench.driver.logs(id, { follow: true }, control.signal)[Symbol.asyncIterator]();
      expect((await lines.next()).value).toMatchObject({ text: `line 1`.padEnd(50, '.') });
      // One is cancelled, the next just turns away.
      if (reader % 2 === 0) control.abort();
      await within(Promise.resolve(lines.return?.()), 'the end of a reader');
    }
    await eventually(() => open() < before + 4, { describe: () => `${open()} open connections, ${before} before` });
    expect((await read(id, { tail: 1 })).map(({ text }) => text)).toEqual([last]);
  });
}
