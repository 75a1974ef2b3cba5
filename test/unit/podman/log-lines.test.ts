import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../../src/core/ports/driver.js';
import { framesOf, logLinesOf } from '../../../src/runtimes/podman/log-lines.js';

function frame(stream: 1 | 2, text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (let turn = 0; from < bytes.length; turn += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[turn % sizes.length] ?? 1);
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

async function read(bytes: Buffer, sizes: readonly number[] = []): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of logLinesOf(framesOf(chunksOf(bytes, sizes)))) lines.push(line);
  return lines;
}

const time = '2024-05-01T12:00:00Z';
const atMs = Date.parse(time);

describe('log lines', () => {
  it('carry time and stream', async () => {
    const bytes = Buffer.concat([frame(1, `${time} one\n`), frame(2, `${time} two\n`)]);
    expect(await read(bytes)).toEqual([
      { atMs, stream: 'stdout', text: 'one' },
      { atMs, stream: 'stderr', text: 'two' },
    ]);
  });

  it('are put together from partial frames, each with a time of its own', async () => {
    const later = '2024-05-01T12:00:01Z';
    const bytes = Buffer.concat([
      frame(1, `${time} part`),
      frame(2, `${time} between\n`),
      frame(1, `${later} ial`),
      frame(1, `${later} \n`),
      frame(1, `${later} no end`),
    ]);
    expect(await read(bytes)).toEqual([
      { atMs, stream: 'stderr', text: 'between' },
      { atMs, stream: 'stdout', text: 'partial' },
      { atMs: Date.parse(later), stream: 'stdout', text: 'no end' },
    ]);
  });

  it('may be empty, or several in a frame', async () => {
    const texts = (await read(Buffer.concat([frame(1, `${time} \n`), frame(1, `${time} a\nb\n`)]))).map(
      ({ text }) => text,
    );
    expect(texts).toEqual(['', 'a', 'b']);
  });

  it('keep a letter that was cut in two by a frame', async () => {
    const [first = 0, second = 0] = Buffer.from('ü');
    const half = (byte: number): Buffer => Buffer.from([...Buffer.from(`${time} `), byte]);
    const raw = (payload: Buffer): Buffer => {
      const head = Buffer.alloc(8);
      head[0] = 1;
      head.writeUInt32BE(payload.length, 4);
      return Buffer.concat([head, payload]);
    };
    expect(await read(Buffer.concat([raw(half(first)), raw(half(second))]))).toMatchObject([{ text: 'ü' }]);
  });

  it('are the same however the bytes are cut', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll(/[\n\r]/g, ' '));
    const written = fc.array(fc.record({ stream: fc.constantFrom<1 | 2>(1, 2), text: line }), { maxLength: 20 });
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(written, sizes, async (lines, cut) => {
        const bytes = Buffer.concat(lines.map(({ stream, text }) => frame(stream, `${time} ${text}\n`)));
        const wanted = lines.map(({ stream, text }) => ({ atMs, stream: stream === 1 ? 'stdout' : 'stderr', text }));
        expect(await read(bytes, cut)).toEqual(wanted);
      }),
    );
  });

  it('are refused when the stream is out of step', async () => {
    await expect(read(Buffer.from('plain text and no frames'))).rejects.toThrow('out of step');
  });
});
