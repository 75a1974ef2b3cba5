/** Errors as a person reads them, and as a program does. */
import { toBerthError, type BerthError } from '../../core/errors.js';
import type { CliDeps } from '../deps.js';
import { printable } from './styles.js';

/** Prints an error to stderr and answers its exit code. */
export function printError(thrown: unknown, deps: CliDeps, json: boolean): number {
  const error = toBerthError(thrown);
  const { stderr } = deps.stdio;
  if (json) stderr.write(`${JSON.stringify({ error: errorJson(error) })}\n`);
  else stderr.write(`${errorLines(error).join('\n')}\n`);
  if (deps.env['BERTH_DEBUG'] === '1') stderr.write(`${stackOf(error)}\n`);
  return error.exit;
}

function errorJson(error: BerthError): Readonly<Record<string, unknown>> {
  const { code, message, suggestion, details } = error;
  const { problems, ...rest } = details;
  return { code, message, suggestion, ...(problems === undefined ? {} : { problems }), details: rest };
}

function errorLines(error: BerthError): readonly string[] {
  const lines = [`error ${error.code}: ${printable(error.message)}`];
  for (const problem of listOf(error.details['problems'])) lines.push(problemLine(problem));
  const more = [...listOf(error.details['conflicts']).slice(1), ...listOf(error.details['breaches']).slice(1)];
  for (const item of more) lines.push(`  ${printable(textOf(item['message']))}`);
  lines.push(`next: ${printable(error.suggestion)}`);
  return lines;
}

/** `path:line:column: field: message (suggestion)` */
function problemLine(problem: Readonly<Record<string, unknown>>): string {
  const field = textOf(problem['field']);
  const suggestion = textOf(problem['suggestion']);
  const place = `${textOf(problem['path'])}:${textOf(problem['line'])}:${textOf(problem['column'])}`;
  return printable(
    `${place}: ${field === '' ? '' : `${field}: `}${textOf(problem['message'])}${suggestion === '' ? '' : ` (${suggestion})`}`,
  );
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
