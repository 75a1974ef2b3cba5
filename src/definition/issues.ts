/** Says what the schema found in words of our own. */
import type { z } from 'zod';
import type { PlacedFault } from './fault.js';
import { rightAt } from './guide.js';
import { nearest } from '../core/nearest.js';
import type { FieldPath, PathStep } from './positions.js';
import { describe, formatPath, quote } from './show.js';
import { unknownKeyFault } from './unknown-key.js';

type Issue = z.core.$ZodIssue;

/** More unknown keys of one table than anybody reads are left out. */
const maxKeys = 200;

/** The value at a path of a parsed document; undefined where there is none. */
export function valueAt(document: unknown, path: FieldPath): unknown {
  let value = document;
  for (const step of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<PathStep, unknown>>)[step];
  }
  return value;
}

/** One issue as faults at their paths: unknown keys give one each. */
export function faultsOfIssue(issue: Issue, document: unknown): readonly PlacedFault[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys
        .slice(0, maxKeys)
        .map((key) => ({ path: [...path, key], at: 'key', ...unknownKeyFault(path, key) }));
    case 'invalid_key':
      return issue.issues
        .flatMap((inner) => faultsOfIssue({ ...inner, path: issue.path }, document))
        .map((fault) => ({ ...fault, at: 'key' }));
    case 'invalid_union': {
      const texts = typeof valueAt(document, path) === 'string' ? issue.errors.flat() : [];
      const custom = texts.filter((inner) => inner.code === 'custom');
      if (custom.length > 0) return custom.flatMap((inner) => faultsOfIssue({ ...inner, path: issue.path }, document));
      return [typeFault(path, document)];
    }
    case 'custom': {
      const suggestion: unknown = issue.params?.['suggestion'];
      return [
        {
          path,
          at: 'value',
          message: issue.message,
          suggestion: typeof suggestion === 'string' ? suggestion : rightAt(path),
        },
      ];
    }
    case 'too_small':
    case 'too_big':
      return [sizeFault(issue, path, document)];
    case 'invalid_value':
      return [choiceFault(issue.values, path, document)];
    default:
      return [typeFault(path, document)];
  }
}

const lastStep = (path: FieldPath): string => formatPath(path.slice(-1));

/** What a path is called in a sentence: its last key, with the index where it is an entry of a list. */
function nameOf(path: FieldPath): string {
  if (path.length === 0) return 'the file';
  return typeof path.at(-1) === 'number' ? formatPath(path.slice(-2)) : lastStep(path);
}

function typeFault(path: FieldPath, document: unknown): PlacedFault {
  const value = valueAt(document, path);
  const right = rightAt(path);
  if (value === undefined) {
    const owner = path.length <= 1 ? 'the service' : formatPath(path.slice(0, -1));
    return { path, at: 'value', message: `${owner} has no ${lastStep(path)}`, suggestion: right };
  }
  return {
    path,
    at: 'value',
    message: `${nameOf(path)} is ${describe(value)}`,
    suggestion: repair(value, path, right) ?? right,
  };
}

/** A suggestion for a value that is right but for how it is written. */
function repair(value: unknown, path: FieldPath, right: string): string | undefined {
  const key = lastStep(path);
  if (typeof value === 'string') return repairText(value, key, right);
  if (value instanceof Date) return 'write it in quotes';
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  if (isPlain && typeof path.at(-1) === 'number') return `write it in quotes: "${value}"`;
  if (isPlain && right.startsWith('a text')) return `write it in quotes: ${key} = "${value}"`;
  if (path.length === 1 && key === 'components') return 'write the heading with two brackets: [[components]]';
  return undefined;
}

function repairText(value: string, key: string, right: string): string | undefined {
  const word = value.trim();
  if (right.startsWith('a list')) return `write it as a list: ${key} = [${quote(value)}]`;
  const unit = /^(\d{1,6})\s*(?:Mi?B?|m)$/i.exec(word)?.[1];
  if (unit !== undefined && right.includes('mebibytes')) return `write it without a unit: ${key} = ${unit}`;
  const isNumber = /^\d+(?:\.\d+)?$/.test(word) && /^a (?:whole )?number/.test(right);
  const isTruth = /^(?:true|false)$/.test(word) && right.startsWith('true');
  return isNumber || isTruth ? `write it without quotes: ${key} = ${word}` : undefined;
}

function sizeFault(
  issue: Extract<Issue, { code: 'too_small' | 'too_big' }>,
  path: FieldPath,
  document: unknown,
): PlacedFault {
  const value = valueAt(document, path);
  const bound = issue.code === 'too_small' ? `less than ${issue.minimum}` : `more than ${issue.maximum}`;
  const count = Array.isArray(value) ? `has ${value.length} entries` : `is ${String(value)}`;
  return { path, at: 'value', message: `${nameOf(path)} ${count}, ${bound}`, suggestion: rightAt(path) };
}

function choiceFault(values: readonly unknown[], path: FieldPath, document: unknown): PlacedFault {
  const value = valueAt(document, path);
  if (typeof value !== 'string') return typeFault(path, document);
  const near = nearest(
    value,
    values.filter((candidate) => typeof candidate === 'string'),
  );
  const right = rightAt(path);
  return {
    path,
    at: 'value',
    message: `${nameOf(path)} is ${describe(value)}`,
    suggestion: near === undefined ? right : `did you mean ${quote(near)}? It is ${right}`,
  };
}
