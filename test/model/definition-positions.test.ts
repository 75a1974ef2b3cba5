import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { findPositions, type FieldPath, type PathStep } from '../../src/definition/positions.js';

/** Writes TOML and notes where it put each key and value: the oracle of the position finder. */
class Writer {
  text = '';
  readonly notes = new Map<string, { path: FieldPath; keyAt: number; valueAt: number }>();

  note(path: FieldPath, keyAt: number, valueAt: number): void {
    const id = JSON.stringify(path);
    if (!this.notes.has(id)) this.notes.set(id, { path: [...path], keyAt, valueAt });
  }
}

type Value =
  | { readonly kind: 'plain'; readonly source: string }
  | { readonly kind: 'array'; readonly items: readonly Value[]; readonly gap: string }
  | { readonly kind: 'table'; readonly members: readonly Value[] };

const blank = fc.constantFrom('', ' ', '\t', '  ');
const lineEnd = fc.constantFrom(
  '\n',
  '\r\n',
  ' # a comment, with [brackets] = "and quotes\n',
  '\n\n',
  '\n # x = 1\r\n',
);
const plainSource = fc.constantFrom(
  '1',
  '-1_000',
  '0xFF',
  '1.5e3',
  'true',
  'inf',
  '1979-05-27',
  '1979-05-27 07:32:00',
  '07:32:00',
  '"text"',
  '"a \\"quoted\\" # one"',
  "'c:\\path'",
  '""',
  "''",
  '"ü😀"',
  '"""two\nlines "" with ""quotes"""""',
  "'''\r\nliteral ' '' [x]\n'''",
  '"""\\\n   folded\\u0041"""',
);
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    plainSource.map((source): Value => ({ kind: 'plain', source })),
    fc.record({
      kind: fc.constant('array' as const),
      items: fc.array(tie('value'), { maxLength: 3 }),
      gap: fc.constantFrom('', ' ', '\n', ' # in a list, ]\n  '),
    }),
    fc.record({ kind: fc.constant('table' as const), members: fc.array(tie('value'), { maxLength: 3 }) }),
  ),
}));

const keyStyles = ['k', 'key-', '"quoted ', "'li.teral ", '"esc\\u0041\\t'] as const;

/** The source of the n-th key in a style, and the name it stands for. */
function keyOf(style: (typeof keyStyles)[number], index: number): { source: string; name: string } {
  if (style.startsWith('"'))
    return { source: `${style}${index}"`, name: `${style.slice(1)}${index}`.replace('\\u0041\\t', 'A\t') };
  if (style.startsWith("'")) return { source: `${style}${index}'`, name: `${style.slice(1)}${index}` };
  return { source: `${style}${index}`, name: `${style}${index}` };
}

function writeValue(writer: Writer, path: FieldPath, value: Value): void {
  if (value.kind === 'plain') {
    writer.text += value.source;
  } else if (value.kind === 'array') {
    writer.text += `[${value.gap}`;
    for (const [index, item] of value.items.entries()) {
      writer.note([...path, index], writer.text.length, writer.text.length);
      writeValue(writer, [...path, index], item);
      writer.text += `${value.gap},${value.gap}`;
    }
    writer.text += ']';
  } else {
    writer.text += '{ ';
    for (const [index, member] of value.members.entries()) {
      if (index > 0) writer.text += ' , ';
      const keyAt = writer.text.length;
      writer.text += `m${index} = `;
      writer.note([...path, `m${index}`], keyAt, writer.text.length);
      writeValue(writer, [...path, `m${index}`], member);
    }
    writer.text += ' }';
  }
}

interface Pair {
  readonly style: (typeof keyStyles)[number];
  readonly dotted: boolean;
  readonly gap: string;
  readonly value: Value;
  readonly end: string;
}

function writePair(writer: Writer, table: FieldPath, index: number, pair: Pair): void {
  const path: PathStep[] = [...table];
  if (pair.dotted) {
    path.push(`dot${index}`);
    writer.note(path, writer.text.length, writer.text.length);
    writer.text += `dot${index}${pair.gap}.${pair.gap}`;
  }
  const key = keyOf(pair.style, index);
  const keyAt = writer.text.length;
  path.push(key.name);
  writer.text += `${key.source}${pair.gap}=${pair.gap}`;
  writer.note(path, keyAt, writer.text.length);
  writeValue(writer, path, pair.value);
  writer.text += pair.end;
}

const pairs = fc.array(
  fc.record({ style: fc.constantFrom(...keyStyles), dotted: fc.boolean(), gap: blank, value, end: lineEnd }),
  { maxLength: 4 },
);
const documents = fc.record({
  head: pairs,
  sections: fc.array(
    fc.record({ kind: fc.constantFrom('table', 'array', 'nested'), gap: blank, end: lineEnd, pairs }),
    {
      maxLength: 5,
    },
  ),
});

type Document = typeof documents extends fc.Arbitrary<infer T> ? T : never;

function write(document: Document): Writer {
  const writer = new Writer();
  for (const [index, pair] of document.head.entries()) writePair(writer, [], index, pair);
  let count = 0;
  for (const [index, { kind, gap, end, pairs: members }] of document.sections.entries()) {
    const path: PathStep[] = [];
    if (kind === 'table') {
      writer.text += `[${gap}`;
      path.push(`table${index}`);
      writer.note(path, writer.text.length, writer.text.length);
      writer.text += `table${index}${gap}]${end}`;
    } else if (kind === 'array') {
      writer.text += `[[${gap}`;
      writer.note(['list'], writer.text.length, writer.text.length);
      path.push('list', count);
      writer.note(path, writer.text.length, writer.text.length);
      count += 1;
      writer.text += `list${gap}]]${end}`;
    } else if (count > 0) {
      writer.text += `[list${gap}.${gap}`;
      path.push('list', count - 1, `sub${index}`);
      writer.note(path, writer.text.length, writer.text.length);
      writer.text += `sub${index}]${end}`;
    } else continue;
    for (const [at, pair] of members.entries()) writePair(writer, path, at, pair);
  }
  return writer;
}

function placeAt(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

describe('positions', () => {
  it('are where the keys and values were written', () => {
    let checked = 0;
    fc.assert(
      fc.property(documents, (document) => {
        const { text, notes } = write(document);
        parse(text);
        const found = findPositions(text);
        for (const { path, keyAt, valueAt } of notes.values()) {
          if (path.length > 8) continue;
          expect(found.valueOffset(path), `${JSON.stringify(path)} in\n${text}`).toBe(valueAt);
          expect(found.keyPlace(path), text).toEqual(placeAt(text, keyAt));
          expect(found.valuePlace(path), text).toEqual(placeAt(text, valueAt));
          checked += 1;
        }
      }),
      { numRuns: 1_000 },
    );
    expect(checked).toBeGreaterThan(1_000);
  });

  it('are found without an exception in any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('[]{}"\'=.,#\n\r\\ ab1-')), maxLength: 60 }),
        (text) => {
          const place = findPositions(text).valuePlace(['a', 0, 'b']);
          expect(place.line).toBeGreaterThanOrEqual(1);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
