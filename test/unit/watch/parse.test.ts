/** Server-sent events, written and read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventText, openingText } from '../../../src/api/http/watch/encode.js';
import { createSseParser, formatWatchId, parseWatchId } from '../../../src/api/http/watch/index.js';

const parsed = (...pieces: readonly string[]): readonly unknown[] => {
  const parser = createSseParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe('the parser', () => {
  it('reads a stream as browsers do', () => {
    const text =
      '\uFEFF: hello\nevent: a\nid: 1\ndata: x\ndata:y\ndata\n\n' +
      'data:  two\r\n\r\n' +
      'event: nothing\n\n' +
      'unknown: z\rid: 2\r\r' +
      'id: with\0nul\ndata: {"a":1}\n\n' +
      'data: unfinished\n';
    expect(parsed(text)).toEqual([
      { name: 'a', data: 'x\ny\n', id: '1' },
      { name: 'message', data: ' two', id: '1' },
      { name: 'message', data: '{"a":1}', id: '2' },
    ]);
  });

  it('knows where to resume, and when to come back', () => {
    const parser = createSseParser();
    expect(parser.lastId).toBe('');
    expect(parser.retryMs).toBeNull();
    expect(parser.push(`${openingText}id: e:7\n\nid: e:8\ndata: 1`)).toEqual([]);
    expect(parser.lastId).toBe('e:7');
    expect(parser.retryMs).toBe(1_000);
    parser.push('\n\n');
    expect(parser.lastId).toBe('e:8');
    parser.push('retry: soon\nid\ndata: 2\n\n');
    expect(parser.lastId).toBe('');
    expect(parser.retryMs).toBe(1_000);
  });

  it('reads what was written, wherever it is cut', () => {
    const message = fc.record({
      name: fc.constantFrom('component', 'event', 'beat'),
      data: fc.jsonValue(),
      id: fc.option(fc.nat().map((revision) => formatWatchId({ epoch: 'a-b', revision }))),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(400)), fc.boolean(), (messages, cuts, crlf) => {
        const lf = messages.map(({ name, data, id }) => eventText(name as 'beat', JSON.stringify(data), id)).join('');
        const text = crlf ? lf.replaceAll('\n', '\r\n') : lf;
        const at = [...new Set([0, ...cuts.filter((cut) => cut < text.length), text.length])].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        let id = '';
        const expected = messages.map((each) => {
          id = each.id ?? id;
          return { name: each.name, data: JSON.stringify(each.data), id };
        });
        expect(parsed(...pieces)).toEqual(expected);
      }),
    );
  });

  it('never fails on anything else, and reads it in time that grows with its length', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('\r', '\n', ':', ' ', 'data', 'id', 'x') })), (pieces) => {
        expect(parsed(...pieces)).toEqual(parsed(pieces.join('')));
      }),
    );
    const parser = createSseParser();
    const beganMs = performance.now();
    const line = `data: ${'x'.repeat(1_000_000)}`;
    for (let at = 0; at < line.length; at += 100) parser.push(line.slice(at, at + 100));
    expect(parser.push('\n\n')).toHaveLength(1);
    expect(parser.push('data: x\n\n'.repeat(100_000))).toHaveLength(100_000);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
  });

  it('refuses a line without end', () => {
    const parser = createSseParser();
    const piece = 'x'.repeat(1_048_576);
    expect(() => {
      for (let count = 0; count < 20; count += 1) parser.push(piece);
    }).toThrow(RangeError);
  });
});

describe('ids', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 0, max: 1e12 }), (epoch, revision) => {
        expect(parseWatchId(formatWatchId({ epoch, revision }))).toEqual({ epoch, revision });
      }),
    );
  });
});
