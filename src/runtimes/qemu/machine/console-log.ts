/** Reads a machine's console log, as it stands or as it grows. */
import { join } from 'node:path';
import type { LogLine, LogOptions } from '../../../core/ports/driver.js';
import { pause } from '../../host/pause.js';
import { machineFiles } from '../contracts.js';
import { offsetBefore, olderSuffix, readIndex, timeOf, type Growth } from './console-index.js';
import { ConsoleLineCutter, type CutLine } from './console-lines.js';
import type { MachineDeps } from './deps.js';
import { findMachine } from './find.js';

const chunkBytes = 64 * 1024;
const followEveryMs = 100;

interface LogFile {
  readonly path: string;
  readonly bytes: number;
  readonly inode: number;
  readonly growths: readonly Growth[];
}

async function openLog(deps: MachineDeps, folder: string, suffix: string): Promise<LogFile> {
  const path = join(folder, machineFiles.consoleLog + suffix);
  const state = await deps.host.fileState(path);
  const bytes = state?.kind === 'file' ? state.bytes : 0;
  return { path, bytes, inode: state?.inode ?? 0, growths: await readIndex(deps.host, folder, suffix, bytes) };
}

/** Where the last `lines` lines of a file begin, and how many there are, at most `lines`. */
async function tailStart(deps: MachineDeps, log: LogFile, lines: number): Promise<{ offset: number; found: number }> {
  let found = 0;
  let end = log.bytes;
  while (end > 0) {
    const start = Math.max(end - chunkBytes, 0);
    const chunk = (await deps.host.readBytes(log.path, start, end - start)) ?? Buffer.alloc(0);
    for (let at = chunk.length - 1; at >= 0; at -= 1) {
      // The line end at the very end ends the last line and begins none.
      if (chunk[at] !== 0x0a || start + at + 1 === log.bytes) continue;
      found += 1;
      if (found === lines) return { offset: start + at + 1, found };
    }
    end = start;
  }
  return { offset: 0, found: log.bytes > 0 ? found + 1 : 0 };
}

/** Where to begin in the older log and in the current one. */
async function starts(
  deps: MachineDeps,
  older: LogFile,
  current: LogFile,
  options: LogOptions,
): Promise<readonly [number, number]> {
  const since = [older, current].map(({ growths }) => offsetBefore(growths, options.sinceMs ?? -Infinity));
  if (options.tail === undefined) return [since[0] ?? 0, since[1] ?? 0];
  if (options.tail <= 0) return [older.bytes, current.bytes];
  const inCurrent = await tailStart(deps, current, options.tail);
  const left = options.tail - inCurrent.found;
  const inOlder = left > 0 ? (await tailStart(deps, older, left)).offset : older.bytes;
  return [Math.max(since[0] ?? 0, inOlder), Math.max(since[1] ?? 0, inCurrent.offset)];
}

/** One reading of the log, with what has to be remembered on the way. */
class ConsoleReading {
  readonly #deps: MachineDeps;
  readonly #folder: string;
  readonly #sinceMs: number;
  readonly #signal: AbortSignal;
  readonly #cutter = new ConsoleLineCutter();
  #offset = 0;
  #olderInode = 0;
  /** Once the end was reached, what comes is new. */
  #isLive = false;

  constructor(deps: MachineDeps, folder: string, sinceMs: number, signal: AbortSignal) {
    this.#deps = deps;
    this.#folder = folder;
    this.#sinceMs = sinceMs;
    this.#signal = signal;
  }

  async *read(options: LogOptions): AsyncGenerator<LogLine> {
    const [older, current] = await this.#logs();
    this.#olderInode = older.inode;
    const [inOlder, inCurrent] = await starts(this.#deps, older, current, options);
    yield* this.#span(older, inOlder);
    // A line that rotation cut in two goes on in the current log, unless reading begins further on there.
    if (inCurrent > 0) yield* this.#cut(this.#cutter.flush(), older.growths);
    yield* this.#span(current, inCurrent);
    if (options.follow) yield* this.#follow();
    const last = await openLog(this.#deps, this.#folder, '');
    if (!this.#signal.aborted) yield* this.#cut(this.#cutter.flush(), last.growths);
  }

  /** In this order: when the log is rotated in between, the older one is seen to be new. */
  async #logs(): Promise<readonly [older: LogFile, current: LogFile]> {
    const current = await openLog(this.#deps, this.#folder, '');
    return [await openLog(this.#deps, this.#folder, olderSuffix), current];
  }

  async *#follow(): AsyncGenerator<LogLine> {
    this.#isLive = true;
    while (!this.#signal.aborted) {
      // Asked first: what a machine wrote before it ended is read after.
      const isUp = (await findMachine(this.#deps, this.#folder)).state === 'running';
      const [older, current] = await this.#logs();
      if (older.inode !== this.#olderInode) {
        this.#olderInode = older.inode;
        yield* this.#span(older, this.#offset);
        this.#offset = 0;
      }
      const before = this.#offset;
      // A log that shrank without an older one was emptied by hand.
      yield* this.#span(current, before > current.bytes ? 0 : before);
      if (!isUp && this.#offset === before) return;
      if (isUp) await pause(this.#deps.clock, followEveryMs, this.#signal);
    }
  }

  async *#span(log: LogFile, from: number): AsyncGenerator<LogLine> {
    this.#offset = from;
    while (this.#offset < log.bytes && !this.#signal.aborted) {
      const wanted = Math.min(chunkBytes, log.bytes - this.#offset);
      const chunk = await this.#deps.host.readBytes(log.path, this.#offset, wanted);
      if (!chunk || chunk.length === 0) return;
      const lines = this.#cutter.push(chunk, this.#offset);
      this.#offset += chunk.length;
      yield* this.#cut(lines, log.growths);
    }
  }

  *#cut(lines: readonly CutLine[], growths: readonly Growth[]): Generator<LogLine> {
    for (const { text, endOffset } of lines) {
      const atMs = timeOf(growths, endOffset) ?? (this.#isLive ? this.#deps.clock.now() : null);
      if (atMs === null || atMs >= this.#sinceMs) yield { atMs, stream: 'console', text };
    }
  }
}

/**
 * The lines of a machine's console, the oldest first, across one rotation; `follow` goes on until the machine has ended
 * or the signal fires. Times are those at which the log was seen to have grown; null: nobody was looking.
 */
export async function* readConsoleLog(
  deps: MachineDeps,
  folder: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  yield* new ConsoleReading(deps, folder, options.sinceMs ?? -Infinity, signal).read(options);
}
