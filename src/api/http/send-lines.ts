/**
 * Sends lines of JSON as they come. A reader that is slow is waited for, so that nothing piles up; one that takes nothing
 * for long is let go of. A failure in the middle is told in a line of its own: a problem document.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/ports/clock.js';
import type { Problem } from './contract.js';

export interface LineOptions {
  readonly clock: Clock;
  readonly stalledMs: number;
  /** An empty line goes out when there was none for so long: whoever is gone is noticed. */
  readonly quietMs: number;
  /** What a failure is told as. */
  readonly problemOf: (error: unknown) => Problem;
}

/** Lines whose first may have come already. */
export interface OpenLines {
  readonly first: Promise<IteratorResult<unknown>>;
  readonly iterator: AsyncIterator<unknown>;
}

/** How long a failure may take to be the answer instead of a line in it, in milliseconds. */
const firstLineMs = 250;

/** Begins to read, and waits a moment for what fails at once: that throws here. */
export async function openLines(lines: AsyncIterable<unknown>, clock: Clock): Promise<OpenLines> {
  const iterator = lines[Symbol.asyncIterator]();
  const first = iterator.next();
  // Whoever sends the lines looks at it again; until then a failure is heard.
  first.catch(() => undefined);
  await orAfter(first, clock, firstLineMs);
  return { first, iterator };
}

/** Sends until the lines end or the connection is gone. The head is written already. Never rejects. */
export async function sendLines(response: ServerResponse, open: OpenLines, options: LineOptions): Promise<void> {
  const { clock, quietMs } = options;
  try {
    let next = open.first;
    while (!response.destroyed) {
      const result = await orAfter(next, clock, quietMs);
      if (result === undefined) await write(response, '\n', options);
      else if (result.done === true) break;
      else {
        await write(response, `${JSON.stringify(result.value)}\n`, options);
        next = open.iterator.next();
        next.catch(() => undefined);
      }
    }
  } catch (error) {
    if (!response.destroyed) response.write(`${JSON.stringify(options.problemOf(error))}\n`);
  } finally {
    response.end();
    // Its source hears of the end by the request's signal; what it does about it is not waited for.
    void Promise.resolve(open.iterator.return?.()).catch(() => undefined);
  }
}

/** Resolves when the connection takes more, or is gone. */
async function write(response: ServerResponse, text: string, { clock, stalledMs }: LineOptions): Promise<void> {
  if (response.write(text) || response.destroyed) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.after(stalledMs, () => {
      response.destroy();
    });
    const finish = (): void => {
      cancel();
      response.off('drain', finish);
      response.off('close', finish);
      resolve();
    };
    response.on('drain', finish);
    response.on('close', finish);
  });
}

/** What the promise answers, or undefined when that takes longer. */
function orAfter<T>(promise: Promise<T>, clock: Clock, ms: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      resolve(undefined);
    });
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
