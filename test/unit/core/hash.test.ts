/** Stable text, equality and hash of JSON values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, sameJson, shortHash } from '../../../src/core/hash.js';

describe('shortHash', () => {
  it('is FNV-1a of 64 bits', () => {
    // The first three are test vectors of http://www.isthe.com/chongo/src/fnv/test_fnv.c.
    expect(shortHash('')).toBe('cbf29ce484222325');
    expect(shortHash('a')).toBe('af63dc4c8601ec8c');
    expect(shortHash('foobar')).toBe('85944171f73967e8');
  });

  it('is what big integers compute, for any text', () => {
    const slow = (text: string): string => {
      let hash = 0xcbf29ce484222325n;
      for (let index = 0; index < text.length; index += 1) {
        hash = ((hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n) & 0xffffffffffffffffn;
      }
      return hash.toString(16).padStart(16, '0');
    };
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(shortHash(text)).toBe(slow(text));
      }),
    );
  });
});

describe('sameJson', () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.constantFrom(undefined, null, 1, '1'), fc.jsonValue())),
  );

  it('says of any two values what their canonical texts say', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(sameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
      }),
      { numRuns: 500 },
    );
  });

  it('sees through copies and the order of keys', () => {
    fc.assert(
      fc.property(value, (a) => {
        expect(sameJson(a, structuredClone(a))).toBe(true);
      }),
    );
    expect(sameJson({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(sameJson({ a: undefined }, {})).toBe(true);
    expect(sameJson({ a: null }, {})).toBe(false);
    expect(sameJson([undefined], [null])).toBe(true);
    expect(sameJson([], {})).toBe(false);
    for (const text of ['{"toString":1}', '{"constructor":1}', '{"__proto__":1}', '{"__proto__":{}}']) {
      expect(sameJson({}, JSON.parse(text)), text).toBe(false);
      expect(sameJson(JSON.parse(text), {}), text).toBe(false);
      expect(sameJson(JSON.parse(text), JSON.parse(text)), text).toBe(true);
    }
  });
});
