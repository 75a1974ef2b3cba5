/** Reads bodies of JSON: bounded in bytes and depth before anything is made of them. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { BerthError } from '../../core/errors.js';

export interface BodyLimits {
  readonly bytes: number;
  readonly depth: number;
}

/** The value of a body; undefined when there is none. E_TOO_LARGE, E_USAGE. */
export async function readJson(request: Readable, limits: BodyLimits): Promise<unknown> {
  const bytes = await readBytes(request, limits.bytes);
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BerthError('E_USAGE', 'the body is not UTF-8', { cause: error, suggestion: 'send JSON in UTF-8' });
  }
  if (depthOf(text) > limits.depth) {
    throw new BerthError('E_TOO_LARGE', `the body is nested deeper than ${limits.depth} levels`);
  }
  try {
    return JSON.parse(text, refuseProto) as unknown;
  } catch (error) {
    if (error instanceof BerthError) throw error;
    const words = error instanceof Error ? error.message : 'it cannot be read';
    throw new BerthError('E_USAGE', `the body is not JSON: ${words}`, { cause: error, suggestion: 'send JSON' });
  }
}

/** A body of text, such as a form. E_TOO_LARGE. */
export async function readText(request: Readable, mostBytes: number): Promise<string> {
  return (await readBytes(request, mostBytes)).toString('utf8');
}

/** Fails before it reads when the length is said to be too much. E_TOO_LARGE. */
export function checkLength(request: Pick<IncomingMessage, 'headers'>, mostBytes: number): void {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > mostBytes) throw tooLarge(mostBytes);
}

/** What is too much is left unread, and the connection as it is: it is still to be told. */
function readBytes(request: Readable, mostBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      request.pause();
      request.off('data', take);
      request.off('end', finish);
      request.off('close', gone);
      request.off('error', gone);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= mostBytes) return;
      stop();
      reject(tooLarge(mostBytes));
    };
    const finish = (): void => {
      stop();
      resolve(Buffer.concat(chunks, size));
    };
    const gone = (): void => {
      stop();
      reject(new BerthError('E_USAGE', 'the body ended before it was whole'));
    };
    request.on('data', take);
    request.on('end', finish);
    request.on('close', gone);
    request.on('error', gone);
  });
}

function tooLarge(mostBytes: number): BerthError {
  return new BerthError('E_TOO_LARGE', `the body has more than the ${mostBytes} bytes that are taken here`);
}

/** As numbers: a body may have millions of them. */
const signs = { quote: 34, backslash: 92, bracket: 91, closingBracket: 93, brace: 123, closingBrace: 125 } as const;

/** The deepest nesting, counted without building anything: a parser that recurses is not given what would break it. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (quoted) {
      if (sign === signs.backslash) at += 1;
      else if (sign === signs.quote) quoted = false;
    } else if (sign === signs.quote) quoted = true;
    else if (sign === signs.brace || sign === signs.bracket) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (sign === signs.closingBrace || sign === signs.closingBracket) depth -= 1;
  }
  return deepest;
}

function refuseProto(key: string, value: unknown): unknown {
  if (key !== '__proto__') return value;
  throw new BerthError('E_USAGE', 'no field may be called __proto__', { suggestion: 'call it something else' });
}
