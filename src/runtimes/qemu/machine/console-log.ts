/** Reads a machine's console log, as it stands or as it grows. */
import { join } from 'node:path';
import type { LogLine, LogOptions } from '../../../core/ports/driver.js';
import { pause } from '../../host/pause.js';
import { machineFiles } from '../contracts.js';
import { offsetBefore, readIndex, timeOf, type ConsoleIndex, type Growth } from './console-index.js';
import { ConsoleLineCutter, type CutLine } from './console-lines.js';
import type { MachineDeps } from './deps.js';
import { findMachine } from './find.js';

const chunkBytes = 64 * 1024;
const followEveryMs = 100;
const lineEnd = 0x0a;

interface LogFile {
  readonly path: string;
  readonly bytes: number;
  readonly index: ConsoleIndex;
}

async function openLog(deps: MachineDeps, folder: string): Promise<LogFile> {
  const path = join(folder, machineFiles.consoleLog);
  const state = await deps.host.fileState(path);
  const bytes = state?.kind === 'file' ? state.bytes : 0;
  return { path, bytes, index: await readIndex(deps.host, folder, bytes) };
}

/** Where the last `lines` lines begin. */
async function tailStart(deps: MachineDeps, log: LogFile, lines: number): Promise<number> {
  let found = 0;
  let end = log.bytes;
  while (end > log.index.headBytes) {
    const start = Math.max(end - chunkBytes, log.index.headBytes);
    const chunk = (await deps.host.readBytes(log.path, start, end - start)) ?? Buffer.alloc(0);
    for (let at = chunk.length - 1; at >= 0; at -= 1) {
      // The line end at the very end ends the last line and begins none.
      if (chunk[at] !== lineEnd || start + at + 1 === log.bytes) continue;
      found += 1;
      if (found === lines) return start + at + 1;
    }
    end = start;
  }
  return firstLine(deps, log);
}

/** What is kept of a long log begins within a line: the first whole one. */
async function firstLine(deps: MachineDeps, { path, bytes, index }: LogFile): Promise<number> {
  if (index.headBytes === 0) return 0;
  const chunk = await deps.host.readBytes(path, index.headBytes, Math.min(chunkBytes, bytes - index.headBytes));
  const end = chunk?.indexOf(lineEnd) ?? -1;
  return index.headBytes + (end < 0 ? 0 : end + 1);
}

/** Where the line begins in which `offset` is: a log is seen to have grown in the middle of a line, too. */
async function lineStart(deps: MachineDeps, log: LogFile, offset: number): Promise<number> {
  let end = offset;
  while (end > log.index.headBytes) {
    const start = Math.max(end - chunkBytes, log.index.headBytes);
    const chunk = await deps.host.readBytes(log.path, start, end - start);
    const last = chunk?.lastIndexOf(lineEnd) ?? -1;
    if (last >= 0) return start + last + 1;
    end = start;
  }
  return log.index.headBytes;
}

async function startOf(deps: MachineDeps, log: LogFile, { tail, sinceMs }: LogOptions): Promise<number> {
  if (tail !== undefined && tail <= 0) return log.bytes;
  const since = await lineStart(deps, log, offsetBefore(log.index.growths, sinceMs ?? -Infinity));
  const first = tail === undefined ? await firstLine(deps, log) : await tailStart(deps, log, tail);
  return Math.max(first, since);
}

/** One reading of the log, with what has to be remembered on the way. */
class ConsoleReading {
  readonly #deps: MachineDeps;
  readonly #folder: string;
  readonly #sinceMs: number;
  readonly #signal: AbortSignal;
  readonly #cutter = new ConsoleLineCutter();
  #offset = 0;
  /** Once the end was reached, what comes is new. */
  #isLive = false;

  constructor(deps: MachineDeps, folder: string, sinceMs: number, signal: AbortSignal) {
    this.#deps = deps;
    this.#folder = folder;
    this.#sinceMs = sinceMs;
    this.#signal = signal;
  }

  async *read(options: LogOptions): AsyncGenerator<LogLine> {
    const log = await openLog(this.#deps, this.#folder);
    yield* this.#span(log, await startOf(this.#deps, log, options));
    if (options.follow) yield* this.#follow();
    const last = await openLog(this.#deps, this.#folder);
    if (!this.#signal.aborted) yield* this.#cut(this.#cutter.flush(), last.index.growths);
  }

  async *#follow(): AsyncGenerator<LogLine> {
    this.#isLive = true;
    while (!this.#signal.aborted) {
      // Asked first: what a machine wrote before it ended is read after.
      const isUp = (await findMachine(this.#deps, this.#folder)).state === 'running';
      const log = await openLog(this.#deps, this.#folder);
      const before = this.#offset;
      // A log that shrank was emptied by hand; what is gone before it was read cannot be had.
      if (before > log.bytes) this.#offset = 0;
      yield* this.#span(log, this.#offset);
      if (!isUp && this.#offset === before) return;
      if (isUp) await pause(this.#deps.clock, followEveryMs, this.#signal);
    }
  }

  async *#span(opened: LogFile, from: number): AsyncGenerator<LogLine> {
    let log = opened;
    this.#offset = from;
    while (this.#offset < log.bytes && !this.#signal.aborted) {
      if (this.#offset < log.index.headBytes) yield* this.#skip(log);
      const wanted = Math.min(chunkBytes, log.bytes - this.#offset);
      const chunk = await this.#deps.host.readBytes(log.path, this.#offset, wanted);
      if (!chunk || chunk.length === 0) return;
      // What was taken out meanwhile reads as zeros.
      if (chunk.includes(0)) log = await openLog(this.#deps, this.#folder);
      if (this.#offset < log.index.headBytes) continue;
      const lines = this.#cutter.push(chunk, this.#offset);
      this.#offset += chunk.length;
      yield* this.#cut(lines, log.index.growths);
    }
  }

  /** Goes on where what is kept begins, and says that something is missing. */
  async *#skip(log: LogFile): AsyncGenerator<LogLine> {
    yield* this.#cut(this.#cutter.flush(), log.index.growths);
    const start = await firstLine(this.#deps, log);
    const text = `berth: ${start - this.#offset} bytes of this log went before they were read`;
    this.#offset = start;
    yield* this.#cut([{ text, endOffset: start }], log.index.growths);
  }

  *#cut(lines: readonly CutLine[], growths: readonly Growth[]): Generator<LogLine> {
    for (const { text, endOffset } of lines) {
      const atMs = timeOf(growths, endOffset) ?? (this.#isLive ? this.#deps.clock.now() : null);
      if (atMs === null || atMs >= this.#sinceMs) yield { atMs, stream: 'console', text };
    }
  }
}

/**
 * The lines of a machine's console that are kept, the oldest first; `follow` goes on until the machine has ended or the
 * signal fires. Times are those at which the log was seen to have grown; null: nobody was looking.
 */
export async function* readConsoleLog(
  deps: MachineDeps,
  folder: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  yield* new ConsoleReading(deps, folder, options.sinceMs ?? -Infinity, signal).read(options);
}
