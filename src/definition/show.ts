/** Values and paths as messages write them. */
import type { FieldPath } from './positions.js';

const shownLength = 60;

/** A text in quotes, with escapes, cut to a readable length. */
export function quote(text: string): string {
  const cut = text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
  return tomlString(cut);
}

/** A text as a TOML basic string. */
export function tomlString(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007F');
}

/** A key as TOML writes it: bare where it can be. */
export function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key);
}

/** `components[1].env.LOG_LEVEL`. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else
      text += (text === '' ? '' : '.') + (step.length > shownLength ? `${step.slice(0, shownLength)}…` : tomlKey(step));
  }
  return text;
}

/** What a value is, in a few words: `the text "128"`, `the number 1.5`, `a table`. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `the text ${quote(value)}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return 'a table';
}
