/** Failures that came over the wire as what they were on the other side. */
import { BerthError, errorKinds, messageOf, type ErrorCode } from '../../core/errors.js';

/** How much of an answer that was not understood is quoted. */
const quotedLength = 200;

/** What an answer other than 2xx says. A problem document becomes the very error that it was made of. */
export function errorOfAnswer(status: number, text: string, from: string): BerthError {
  const problem = parseObject(text);
  const code = problem?.['code'];
  if (problem !== null && typeof code === 'string') return errorOfProblem(problem, code);
  if (status >= 300 && status < 400) return notUnderstood(`${from} sends elsewhere (status ${status})`);
  return notUnderstood(`${from} answered with status ${status}: ${quote(text)}`);
}

/** The error in a line of a stream that is a problem document; undefined when it is none. */
export function errorOfLine(line: unknown): BerthError | undefined {
  if (!isObject(line)) return undefined;
  const { code, type } = line;
  if (typeof code !== 'string' || typeof type !== 'string' || !type.startsWith('urn:berth:error:')) return undefined;
  return errorOfProblem(line, code);
}

function errorOfProblem(problem: Readonly<Record<string, unknown>>, code: string): BerthError {
  const { detail, title, suggestion, details } = problem;
  const message = typeof detail === 'string' ? detail : typeof title === 'string' ? title : code;
  const options = {
    ...(typeof suggestion === 'string' ? { suggestion } : {}),
    ...(isObject(details) ? { details } : {}),
  };
  // A newer agent may know more codes: then its words are all there is.
  if (!isCode(code)) return new BerthError('E_AGENT_ANSWER', `${code}: ${message}`, options);
  return new BerthError(code, message, options);
}

/** E_AGENT_ANSWER */
export function notUnderstood(message: string, cause?: unknown): BerthError {
  return new BerthError('E_AGENT_ANSWER', message, cause === undefined ? {} : { cause });
}

/** E_AGENT_UNREACHABLE. `sent`: the request may have got through, so that what it asks for may be done. */
export function unreachable(from: string, cause: unknown, sent: boolean): BerthError {
  const doubt = sent ? '; what was asked for may have been done all the same' : '';
  return new BerthError('E_AGENT_UNREACHABLE', `${from} does not answer: ${messageOf(cause)}${doubt}`, {
    cause,
    details: { sent },
  });
}

/** True when nobody answered; with `sent` false only when the request did not even get through. */
export function isUnreachable(error: unknown, sent = true): boolean {
  if (!(error instanceof BerthError) || error.code !== 'E_AGENT_UNREACHABLE') return false;
  return sent || error.details['sent'] === false;
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorKinds, code);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** True for what JSON writes in braces. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The beginning of a text, for a message. */
export function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line === '') return '(nothing)';
  return line.length > quotedLength ? `${line.slice(0, quotedLength)}…` : line;
}
