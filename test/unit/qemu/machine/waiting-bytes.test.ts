/** What waits of a console for a slow reader. */
import { describe, expect, it } from 'vitest';
import { WaitingBytes } from '../../../../src/runtimes/qemu/machine/waiting-bytes.js';

function takeAll(waiting: WaitingBytes): string {
  const parts: Buffer[] = [];
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

describe('bytes that wait', () => {
  it('come out as they went in, whatever the pieces', () => {
    const waiting = new WaitingBytes(1_048_576);
    let expected = '';
    for (let size = 0; size < 40_000; size = size * 3 + 1) {
      const text = String.fromCharCode(65 + (size % 26)).repeat(size);
      waiting.push(Buffer.from(text, 'latin1'));
      expected += text;
      if (size % 2 === 0) {
        const part = waiting.shift()?.toString('latin1') ?? '';
        expect(expected.startsWith(part)).toBe(true);
        expected = expected.slice(part.length);
      }
    }
    expect(takeAll(waiting)).toBe(expected);
    expect(waiting.shift()).toBeUndefined();
    waiting.push(Buffer.from('again'));
    expect(takeAll(waiting)).toBe('again');
  });

  it('are the newest, and not many more than are allowed, sign by sign as well', () => {
    const most = 65_536;
    for (const size of [1, 7, 100_000]) {
      const waiting = new WaitingBytes(most);
      let expected = '';
      for (let written = 0; written < 400_000; written += size) {
        const text = String.fromCharCode(65 + ((written / size) % 26)).repeat(size);
        waiting.push(Buffer.from(text, 'latin1'));
        expected += text;
      }
      const left = takeAll(waiting);
      expect(left.length).toBeGreaterThanOrEqual(most);
      expect(left.length).toBeLessThanOrEqual(most + 16_384);
      expect(expected.endsWith(left)).toBe(true);
    }
  });
});
