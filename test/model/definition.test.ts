import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DefinitionProblem } from '../../src/core/ports/definition.js';
import { createDefinitionReader, nodeFiles } from '../../src/definition/index.js';
import { serviceArbitrary } from './definition-arbitraries.js';

const reader = createDefinitionReader({ files: nodeFiles() });
const path = '/srv/definitions/shop.toml';
const example = readFileSync(new URL('../unit/definition/shop.toml', import.meta.url), 'utf8');

/** A problem must point into the text, and say something. */
function expectPlaced(problem: DefinitionProblem, text: string): void {
  const lines = text.replace(/^\uFEFF/, '').split(/\n/);
  expect(problem.path).toBe(path);
  expect(problem.line).toBeGreaterThanOrEqual(1);
  expect(problem.line).toBeLessThanOrEqual(lines.length);
  expect(problem.column).toBeGreaterThanOrEqual(1);
  expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1]?.length ?? 0) + 1);
  expect(problem.message).not.toBe('');
  expect(problem.suggestion).not.toBe('');
}

/** Either a definition, or problems with places; never both, never neither, never an exception. */
function expectSound(text: string): void {
  const { definition, problems } = reader.parse(text, path);
  expect(definition === undefined).toBe(problems.length > 0);
  for (const problem of problems) expectPlaced(problem, text);
  if (definition) expect(reader.parse(reader.print(definition.spec), path).definition?.spec).toEqual(definition.spec);
}

describe('definitions', () => {
  it('parse back to the spec that was printed', () => {
    fc.assert(
      fc.property(serviceArbitrary, (spec) => {
        const text = reader.print(spec);
        const { definition, problems } = reader.parse(text, path);
        expect(problems, text).toEqual([]);
        expect(definition?.spec, text).toEqual(spec);
        expect(reader.print(definition?.spec ?? spec)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('survive truncation at every offset', () => {
    for (let length = 0; length <= example.length; length += 1) expectSound(example.slice(0, length));
  });

  it('survive any change of a few characters', () => {
    const junk = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom(
        '[',
        ']',
        '{',
        '}',
        '"',
        "'",
        '"""',
        "'''",
        '=',
        '.',
        ',',
        '#',
        '\n',
        '\r',
        '\\',
        '[[',
        ']]',
        '-',
        '\0',
        '__proto__',
      ),
    );
    const edit = fc.record({ at: fc.nat(example.length), remove: fc.nat(4), insert: junk });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let text = example;
        for (const { at, remove, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + remove);
        expectSound(text);
      }),
      { numRuns: 3_000 },
    );
  });

  it('survive any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expectSound(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('survive bits that flipped in the file', () => {
    const bytes = Buffer.from(example);
    const flip = fc.record({ at: fc.nat(bytes.length - 1), bit: fc.nat(7) });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 6 }), (flips) => {
        const copy = Buffer.from(bytes);
        for (const { at, bit } of flips) copy[at] = (copy[at] ?? 0) ^ (1 << bit);
        expectSound(copy.toString('utf8'));
      }),
      { numRuns: 3_000 },
    );
  });
});
