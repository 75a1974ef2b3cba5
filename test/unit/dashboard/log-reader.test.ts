import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../src/api/views.js';
import { clockMs } from '../../../src/dashboard/model/format.js';
import { entriesOf, followLog, LogPlace } from '../../../src/dashboard/model/log-reader.js';
import { eventually } from '../../support/eventually.js';

const line = (text: string, ms: number | null): LogEntry => ({
  service: 'shop',
  component: 'web',
  at: ms === null ? null : new Date(Date.UTC(2026, 0, 31, 12) + ms).toISOString(),
  stream: 'stdout',
  text,
});

/** One reading: what comes, in pieces, and what it fails with. */
interface Reading {
  readonly chunks: readonly (readonly LogEntry[])[];
  readonly error?: Error;
}

/** Follows a log whose readings are these, one after another, and tells what a page would show when they are over. */
async function follow(readings: readonly Reading[]) {
  const left = [...readings];
  const asked: Readonly<Record<string, string>>[] = [];
  const errors: unknown[] = [];
  let shown: string[] = [];
  let isOver = false;
  const end = followLog(new LogPlace(), {
    async *read(query) {
      const reading = left.shift();
      asked.push(query);
      for (const chunk of reading?.chunks ?? []) yield chunk;
      if (reading?.error !== undefined) throw reading.error;
    },
    after: (_delayMs, then) => {
      if (left.length > 0) queueMicrotask(then);
      else isOver = true;
      return () => undefined;
    },
    onLines: (lines, isAnew) => {
      shown = [...(isAnew ? [] : shown), ...lines.map(({ text }) => text)];
    },
    onError: (error) => errors.push(error),
  });
  await eventually(() => Promise.resolve(isOver));
  end();
  return { shown, asked, errors };
}

describe('a log that is followed', () => {
  it('shows every line of a millisecond, however they are cut', async () => {
    const { shown } = await follow([{ chunks: [[line('a', 5), line('b', 5)], [line('c', 5)], [line('d', 5)]] }]);
    expect(shown).toEqual(['a', 'b', 'c', 'd']);
  });

  it('shows a line that is late', async () => {
    const { shown } = await follow([{ chunks: [[line('out', 5)], [line('err', 4)], [line('more', 6)]] }]);
    expect(shown).toEqual(['out', 'err', 'more']);
  });

  it('goes on after the last line: none lost, none told twice', async () => {
    const { shown, asked } = await follow([
      { chunks: [[line('a', 4), line('b', 5)], [line('c', 5)]] },
      { chunks: [[line('b', 5)], [line('c', 5), line('d', 5)], [line('e', 6), line('late', 5)]] },
    ]);
    expect(shown).toEqual(['a', 'b', 'c', 'd', 'e', 'late']);
    expect(asked).toEqual([
      { tail: '200', follow: 'true' },
      { since: line('', 5).at, follow: 'true' },
    ]);
  });

  it('begins anew while no line bears a time', async () => {
    const { shown, asked } = await follow([
      { chunks: [[line('a', null)], [line('b', null)]] },
      { chunks: [[], [line('a', null)], [line('b', null), line('c', null)]] },
    ]);
    expect(shown).toEqual(['a', 'b', 'c']);
    expect(asked[1]).toEqual({ tail: '200', follow: 'true' });
  });

  it('counts lines without a time beside those that have one', async () => {
    const { shown } = await follow([
      { chunks: [[line('a', null), line('b', 5)]] },
      { chunks: [[line('a', null), line('b', 5), line('c', null), line('d', 6)]] },
    ]);
    expect(shown).toEqual(['a', 'b', 'c', 'd']);
  });

  it('tells what fails, and that it is over', async () => {
    const error = new Error('podman is down');
    const { shown, errors } = await follow([{ chunks: [], error }, { chunks: [[]] }, { chunks: [[line('a', 1)]] }]);
    expect(errors).toEqual([error, null, null]);
    expect(shown).toEqual(['a']);
  });

  it('tells nothing more once it is let go of', async () => {
    let isAborted = false;
    const end = followLog(new LogPlace(), {
      async *read(_query, signal) {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        isAborted = true;
        yield [line('a', 1)];
      },
      after: () => () => undefined,
      onLines: () => {
        throw new Error('lines');
      },
      onError: () => {
        throw new Error('an error');
      },
    });
    end();
    await eventually(() => Promise.resolve(isAborted));
  });
});

describe('the lines of a stream', () => {
  it('are entries, up to a failure on the way', () => {
    const problem = { type: 'urn:berth:error:E_DRIVER_UNREACHABLE', status: 503, code: 'E_DRIVER_UNREACHABLE' };
    const entry = line('a', 1);
    expect(entriesOf(['', JSON.stringify(entry), '', JSON.stringify(problem)])).toEqual({ entries: [entry], problem });
    expect(entriesOf([''])).toEqual({ entries: [], problem: null });
  });

  it('bear the time of the clock here, with milliseconds', () => {
    const now = Date.parse('2026-01-31T12:00:00Z');
    const local = new Date(now + 41);
    const two = (value: number): string => String(value).padStart(2, '0');
    const expected = `${two(local.getHours())}:${two(local.getMinutes())}:${two(local.getSeconds())}.041`;
    expect(clockMs('2026-01-31T12:00:00.041Z', now)).toBe(expected);
    expect(clockMs('nonsense', now)).toBe('nonsense');
  });
});
