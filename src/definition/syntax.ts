/** TOML text to a plain tree, with syntax errors in plain words. */
import { parse, TomlError } from 'smol-toml';
import { messageOf } from '../core/errors.js';
import type { Fault } from './fault.js';
import type { FieldPath, Place, PositionIndex } from './positions.js';

const maxDepth = 32;
/** Nothing of ours stands deeper; a key of a hundred thousand dots does. */
const maxKeptDepth = 8;

/** What the parser says, by what it means to whoever wrote the file. */
const plainWords: readonly (readonly [RegExp, string, string])[] = [
  [/redefin/, 'this key or table is defined twice', 'keep one of the two'],
  [/end-of-line/, 'there is something after the value', 'begin a new line after each value'],
  [
    /cannot find end of key|illegal character in key|end of key|empty bare key|quoted key/,
    'this is no key',
    'write key = value; a key has letters, digits, dashes and underscores, or stands in quotes',
  ],
  [/end of table array/, 'the heading is not closed', 'write [[components]]'],
  [/unfinished string/, 'this text is not closed', 'end it with the quote that it begins with, on the same line'],
  [/unfinished array/, 'this list is not closed', 'end it with ]'],
  [/unfinished table/, 'this table is not closed', 'end it with }'],
  [/expected comma/, 'a comma or the closing bracket is missing', 'separate entries with commas'],
  [/control characters/, 'there is a control character', 'remove it; in a text write it as an escape such as \\n'],
  [/escape/, 'this escape is unknown', 'write \\\\ for one backslash, or put the text between single quotes'],
  [
    /invalid value/,
    'this is no value',
    'write texts in quotes; other values are numbers, true, false, [lists] and { tables }',
  ],
  [
    /numeric|leading zero|underscore/,
    'this is no number',
    'write digits only, without a unit, or put the value in quotes',
  ],
  [/date/, 'this is no date', 'put the value in quotes'],
  [/nested/, 'tables or lists are nested too deeply', `at most ${maxDepth} levels`],
];

export type SyntaxResult =
  | { readonly ok: true; readonly document: unknown }
  | { readonly ok: false; readonly fault: Fault; readonly place: Place };

/** Parses a text without a byte order mark. Never throws. */
export function parseToml(text: string): SyntaxResult {
  try {
    return { ok: true, document: parse(text, { integersAsBigInt: 'asNeeded', maxDepth }) };
  } catch (error) {
    // Whatever a text does to the parser, it is the text that is wrong.
    const place = error instanceof TomlError ? { line: error.line, column: error.column } : { line: 1, column: 1 };
    return { ok: false, fault: syntaxFault(messageOf(error), endsAt(text, place)), place };
  }
}

function syntaxFault(thrown: string, atEnd: boolean): Fault {
  const said = (thrown.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
  if (atEnd && said === 'invalid value') {
    return { message: 'the file ends where a value should stand', suggestion: 'is it whole? Write the rest of it' };
  }
  const words = plainWords.find(([pattern]) => pattern.test(said));
  const message = words ? `${words[1]} (${said})` : said;
  return { message, suggestion: words?.[2] ?? 'see toml.io for how to write it' };
}

function endsAt(text: string, place: Place): boolean {
  const lines = text.split('\n');
  return place.line === lines.length && place.column > (lines.at(-1)?.length ?? 0);
}

/**
 * The tree with the numbers of variables as the texts they were written as, so that 1.10 stays "1.10", and
 * with whole numbers too large to be exact as inexact ones, which every bound refuses.
 */
export function keepWrittenNumbers(document: unknown, text: string, positions: PositionIndex): unknown {
  const walk = (value: unknown, path: FieldPath): unknown => {
    if (typeof value === 'number' || typeof value === 'bigint') {
      return isVariable(path) && Number.isFinite(Number(value)) ? written(value, path, text, positions) : Number(value);
    }
    if (path.length > maxKeptDepth || value === null || typeof value !== 'object' || value instanceof Date)
      return value;
    if (Array.isArray(value)) return value.map((item: unknown, index) => walk(item, [...path, index]));
    const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [key, member] of Object.entries(value)) {
      Object.defineProperty(copy, key, {
        value: walk(member, [...path, key]),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return copy;
  };
  return hasNumbersToKeep(document, 0, false) ? walk(document, []) : document;
}

/** True where a number may have to become something else: one too large, or one of a variable. Most texts have none. */
function hasNumbersToKeep(value: unknown, depth: number, isOfVariables: boolean): boolean {
  if (typeof value === 'bigint') return true;
  if (typeof value === 'number') return isOfVariables;
  if (depth > maxKeptDepth || value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some((item: unknown) => hasNumbersToKeep(item, depth + 1, isOfVariables));
  return Object.entries(value).some(([key, member]) =>
    hasNumbersToKeep(member, depth + 1, isOfVariables || key === 'env' || key === 'build'),
  );
}

const isVariable = (path: FieldPath): boolean =>
  path[0] === 'components' &&
  ((path[2] === 'env' && path.length === 4) || (path[2] === 'build' && path[3] === 'args' && path.length === 5));

function written(value: number | bigint, path: FieldPath, text: string, positions: PositionIndex): string {
  const offset = positions.valueOffset(path);
  const word =
    offset === undefined ? undefined : /^[-+]?\d+(?:\.\d+)?(?=[,}\s#]|$)/.exec(text.slice(offset, offset + 400))?.[0];
  return word ?? String(value);
}
