import { expect, it } from 'vitest';
import type { LogLine, LogOptions } from '../../../src/core/ports/driver.js';
import { eventually } from '../../support/eventually.js';
import { expectRefusal, patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

/** What programs print, whole and in order. */
export function logCases(bench: Bench, can: Can): void {
  const read = async (id: string, options: LogOptions = {}, signal = patience()): Promise<readonly LogLine[]> => {
    const lines: LogLine[] = [];
    for await (const line of bench.driver.logs(id, options, signal)) lines.push(line);
    return lines;
  };
  const texts = (lines: readonly LogLine[]): readonly string[] => lines.map(({ text }) => text);

  /** Reads until `check` passes: a runtime may write the last lines a moment after the program ended. */
  const untilRead = (id: string, options: LogOptions, check: (lines: readonly LogLine[]) => void): Promise<void> =>
    eventually(
      async () => {
        check(await read(id, options));
      },
      { timeoutMs: 60_000, everyMs: 50, describe: 'the log is as wanted' },
    );

  it('reads whole lines with time and stream, and a last one without its end', async () => {
    const id = await bench.run({
      program: { does: 'print', lines: ['one', '', 'ü ☃'], errorLines: ['oh'], unfinished: 'end', then: 'exit' },
    });
    await bench.untilState(id, 'exited');
    await untilRead(id, {}, (lines) => {
      const of = (stream: LogLine['stream']): readonly string[] =>
        texts(lines.filter((line) => line.stream === stream));
      expect(of(can.streams ? 'stdout' : 'console').filter((text) => text !== 'oh')).toEqual(['one', '', 'ü ☃', 'end']);
      expect(of(can.streams ? 'stderr' : 'console')).toContain('oh');
      expect(lines.every(({ atMs }) => atMs === null || atMs > 0)).toBe(true);
    });
  });

  it('reads many lines in order, or the last of them', async () => {
    const count = 3_000;
    const id = await bench.run({ program: { does: 'count', lines: count } });
    await bench.untilState(id, 'exited');
    const all = Array.from({ length: count }, (_, index) => `line ${index + 1}`);
    await untilRead(id, {}, (lines) => {
      expect(texts(lines)).toEqual(all);
    });
    expect(texts(await read(id, { tail: 5 }))).toEqual(all.slice(-5));
    expect(texts(await read(id, { tail: 0 }))).toEqual([]);
    expect(texts(await read(id, { tail: count * 2 }))).toHaveLength(count);
  });

  it('keeps the log through a restart, and leaves out what is too old', async () => {
    const id = await bench.run({ program: { does: 'print', lines: ['hello'], then: 'exit' } });
    await untilRead(id, {}, (lines) => {
      expect(texts(lines)).toEqual(['hello']);
    });
    const { finishedAtMs } = await bench.untilState(id, 'exited');
    await bench.driver.start(id, patience());
    await untilRead(id, {}, (lines) => {
      expect(texts(lines)).toEqual(['hello', 'hello']);
    });
    // While it runs, when a line was written may not be known yet.
    await bench.untilState(id, 'exited');
    const [, second] = await read(id);
    expect(texts(await read(id, { sinceMs: second?.atMs ?? 0 }))).toContain('hello');
    expect(texts(await read(id, { sinceMs: (second?.atMs ?? 0) + 3_600_000 }))).toEqual([]);
    expect(second?.atMs).toBeGreaterThanOrEqual((finishedAtMs ?? Infinity) - 1_000);
  });

  it('follows from the start until the program ends', async () => {
    const id = await bench.run({ program: { does: 'tick' } });
    const lines: string[] = [];
    const following = (async () => {
      for await (const line of bench.driver.logs(id, { follow: true }, patience())) lines.push(line.text);
    })();
    await eventually(() => lines.length >= 3, { timeoutMs: 15_000, describe: 'three ticks' });
    await bench.driver.stop(id, 10_000, patience());
    await following;
    expect(lines).toEqual(lines.map((_, index) => `tick ${index + 1}`));
  });

  it('follows from the end, until its signal fires', async () => {
    const id = await bench.run({ program: { does: 'tick' } });
    await untilRead(id, {}, (lines) => {
      expect(lines.length).toBeGreaterThan(0);
    });
    const cancel = new AbortController();
    const lines: string[] = [];
    const following = (async () => {
      for await (const line of bench.driver.logs(id, { follow: true, tail: 0 }, cancel.signal)) lines.push(line.text);
    })();
    await eventually(() => lines.length >= 2, { timeoutMs: 15_000, describe: 'two more ticks' });
    cancel.abort();
    await following;
    expect(lines[0]).not.toBe('tick 1');
    expect((await bench.inspect(id)).state).toBe('running');
  });

  it('reads nothing of what never ran', async () => {
    expect(await read(await bench.create())).toEqual([]);
  });

  it('says that there is no such workload', async () => {
    await expectRefusal(read('f'.repeat(64)), 'E_WORKLOAD_MISSING');
  });
}
