/** Commands that read a stream or write one: archives that are too large to hold. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import type { RunResult } from './host.js';

export interface PipeOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How a command that wrote a stream ended, and its last words on stderr. */
export interface DrainEnd {
  readonly exitCode: number | null;
  readonly output: string;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
}

/** Commands with streams, passed in so that tests can own them. Never a shell. */
export interface Pipes {
  /** Runs a command to its end with `input` on its stdin. Throws only what `input` throws. */
  feed(argv: readonly string[], input: AsyncIterable<Uint8Array>, options: PipeOptions): Promise<RunResult>;
  /** What a command writes to stdout; the generator's value tells how it ended. A reader that leaves ends it. */
  drain(argv: readonly string[], options: PipeOptions): AsyncGenerator<Uint8Array, DrainEnd, undefined>;
}

const maxOutputCharacters = 16_384;
const killAfterMs = 2_000;

/** Passes `input` on, and tells what it throws: a reader may throw into it, too, when the pipe breaks. */
async function* telling(
  input: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const items = input[Symbol.asyncIterator]();
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    try {
      return await items.next();
    } catch (error) {
      onError(error);
      throw error;
    }
  };
  try {
    for (let item = await next(); !item.done; item = await next()) yield item.value;
  } finally {
    await items.return?.();
  }
}

async function feed(
  argv: readonly string[],
  input: AsyncIterable<Uint8Array>,
  options: PipeOptions,
): Promise<RunResult> {
  const [file = '', ...args] = argv;
  const child = execa(file, args, {
    all: true,
    reject: false,
    stdin: 'pipe',
    timeout: options.timeoutMs,
    cancelSignal: options.signal,
    forceKillAfterDelay: killAfterMs,
  });
  let failure: { readonly error: unknown } | null = null;
  const told = telling(input, (error) => {
    failure = { error };
  });
  // A command that ends early breaks the pipe: its own words then say why.
  const fed = pipeline(Readable.from(told, { objectMode: false }), child.stdin).catch(() => {
    if (failure) child.kill();
  });
  const [result] = await Promise.all([child, fed]);
  const broken = failure as { readonly error: unknown } | null;
  if (broken) throw broken.error;
  return {
    exitCode: result.exitCode ?? null,
    output: wordsOf(result.all, result.originalMessage),
    timedOut: result.timedOut,
    cancelled: result.isCanceled,
  };
}

async function* drain(argv: readonly string[], options: PipeOptions): AsyncGenerator<Uint8Array, DrainEnd, undefined> {
  const [file = '', ...args] = argv;
  const child = execa(file, args, {
    reject: false,
    stdin: 'ignore',
    buffer: { stdout: false, stderr: true },
    encoding: 'buffer',
    timeout: options.timeoutMs,
    cancelSignal: options.signal,
    forceKillAfterDelay: killAfterMs,
  });
  try {
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) yield chunk;
  } finally {
    // Of a reader that left: what is not read would block it for ever. One that ended is not there any more.
    if (child.exitCode === null) child.stdout.destroy();
  }
  const result = await child;
  return {
    exitCode: result.exitCode ?? null,
    output: wordsOf(Buffer.from(result.stderr).toString('utf8'), result.originalMessage),
    timedOut: result.timedOut,
    cancelled: result.isCanceled,
  };
}

function wordsOf(output: string | undefined, message: string | undefined): string {
  const words = output === undefined || output === '' ? (message ?? '') : output;
  return words.slice(-maxOutputCharacters).trim();
}

/** Commands of this machine. */
export function createPipes(): Pipes {
  return { feed, drain };
}
