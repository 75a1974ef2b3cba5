/**
 * Reads and follows a container's log in the file that conmon writes. Podman 4.3 itself, following, drops lines at random
 * once the container has ended while it still has some to hand on, and tears long lines apart when it is asked for the
 * last ones; here nothing is lost. Format (k8s-file): a line is
 * `TIME STREAM F|P TEXT`, where P says that the line goes on in the next one of its stream.
 */
import { open, type FileHandle } from 'node:fs/promises';
import type { Clock } from '../../core/ports/clock.js';
import type { LogLine, LogOptions } from '../../core/ports/driver.js';
import { pause } from '../host/pause.js';

export interface LogFileOptions {
  readonly path: string;
  readonly clock: Clock;
  /** False once the container has ended; what cannot be known counts as running. */
  readonly isRunning: (signal: AbortSignal) => Promise<boolean>;
}

const chunkBytes = 64 * 1024;
const lookEveryMs = 50;
/** How often the container is looked at while its log stands still: every so many looks at the file. */
const looksPerCheck = 6;
const lineEnd = 0x0a;

/** Puts the file's bytes together into lines of the program; chunks may be cut anywhere. */
class LogCutter {
  readonly #open = new Map<LogLine['stream'], { readonly atMs: number | null; readonly pieces: Buffer[] }>();
  #rest = Buffer.alloc(0);

  push(chunk: Buffer): readonly LogLine[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: LogLine[] = [];
    let from = 0;
    for (let end = bytes.indexOf(lineEnd); end >= 0; end = bytes.indexOf(lineEnd, from)) {
      const line = this.#take(bytes.subarray(from, end));
      if (line) lines.push(line);
      from = end + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(from));
    return lines;
  }

  /** Lines that have no end yet, as lines. */
  flush(): readonly LogLine[] {
    const lines = [...this.#open].map(([stream, { atMs, pieces }]) => ({ atMs, stream, text: textOf(pieces) }));
    this.#open.clear();
    return lines;
  }

  #take(entry: Buffer): LogLine | undefined {
    const [time, name, tag] = entry.toString('latin1', 0, 64).split(' ', 3);
    if (time === undefined || name === undefined || tag === undefined) return undefined;
    const stream = name === 'stderr' ? 'stderr' : 'stdout';
    const text = entry.subarray(time.length + name.length + tag.length + 3);
    const parsed = Date.parse(time);
    const before = this.#open.get(stream) ?? { atMs: Number.isNaN(parsed) ? null : parsed, pieces: [] };
    before.pieces.push(Buffer.from(text));
    if (tag.startsWith('P')) {
      this.#open.set(stream, before);
      return undefined;
    }
    this.#open.delete(stream);
    return { atMs: before.atMs, stream, text: textOf(before.pieces) };
  }
}

function textOf(pieces: readonly Buffer[]): string {
  return Buffer.concat(pieces).toString('utf8').replace(/\r$/, '');
}

class LogFileReading {
  readonly #options: LogFileOptions;
  readonly #wanted: LogOptions;
  readonly #signal: AbortSignal;
  readonly #cutter = new LogCutter();
  #file: FileHandle;
  #offset = 0;

  constructor(options: LogFileOptions, wanted: LogOptions, signal: AbortSignal, file: FileHandle) {
    this.#options = options;
    this.#wanted = wanted;
    this.#signal = signal;
    this.#file = file;
  }

  async *read(): AsyncGenerator<LogLine> {
    try {
      yield* this.#past();
      if (this.#wanted.follow === true) yield* this.#following();
      if (!this.#signal.aborted) yield* this.#since(this.#cutter.flush());
    } finally {
      await this.#file.close();
    }
  }

  /** What stood there at first, or the last lines of it. */
  async *#past(): AsyncGenerator<LogLine> {
    const { tail } = this.#wanted;
    const { size } = await this.#file.stat();
    let last: LogLine[] = [];
    while (this.#offset < size && !this.#signal.aborted) {
      const lines = await this.#next(size - this.#offset);
      if (!lines) break;
      if (tail === undefined) yield* lines;
      else if (tail > 0) last = [...last, ...lines].slice(-tail);
    }
    // A last line without its end is one of the last lines, unless it may still go on.
    const open = this.#wanted.follow === true ? [] : this.#since(this.#cutter.flush());
    yield* tail === undefined ? open : [...last, ...open].slice(Math.max(0, last.length + open.length - tail));
  }

  async *#following(): AsyncGenerator<LogLine> {
    const { clock, isRunning } = this.#options;
    for (let looks = 1; !this.#signal.aborted; looks += 1) {
      // Asked first: what the program wrote before it ended is read after.
      const mayEnd = looks % looksPerCheck === 0 && !(await isRunning(this.#signal));
      const before = this.#offset;
      yield* this.#rest();
      const next = await this.#successor();
      if (next) {
        // What was written to the old one before the new one took its place.
        try {
          yield* this.#rest();
        } finally {
          // Also when the reader leaves here: the last one is closed at the end.
          await this.#file.close();
          [this.#file, this.#offset] = [next, 0];
        }
      } else if (this.#offset === before) {
        if (mayEnd) return;
        await pause(clock, lookEveryMs, this.#signal);
      }
    }
  }

  /** Up to the end of the file. */
  async *#rest(): AsyncGenerator<LogLine> {
    for (let lines = await this.#next(chunkBytes); lines; lines = await this.#next(chunkBytes)) {
      yield* lines;
      if (this.#signal.aborted) return;
    }
  }

  /** The wanted lines of the next chunk; undefined at the end of the file. */
  async #next(most: number): Promise<readonly LogLine[] | undefined> {
    const length = Math.min(most, chunkBytes);
    const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(length), 0, length, this.#offset);
    if (bytesRead === 0) return undefined;
    this.#offset += bytesRead;
    return this.#since(this.#cutter.push(buffer.subarray(0, bytesRead)));
  }

  #since(lines: readonly LogLine[]): readonly LogLine[] {
    const { sinceMs = -Infinity } = this.#wanted;
    return lines.filter(({ atMs }) => atMs === null || atMs >= sinceMs);
  }

  /** A log that reached its limit is put away, and another begins under its name: that one. */
  async #successor(): Promise<FileHandle | undefined> {
    const fresh = await open(this.#options.path, 'r').catch(() => undefined);
    if (!fresh) return undefined;
    const [present, other] = [await this.#file.stat(), await fresh.stat()];
    if (present.ino !== other.ino || other.size < this.#offset) return fresh;
    await fresh.close();
    return undefined;
  }
}

/** Following, it ends with the container or the signal. undefined: the file cannot be read here. */
export async function readLogFile(
  options: LogFileOptions,
  wanted: LogOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<LogLine> | undefined> {
  const file = await open(options.path, 'r').catch(() => undefined);
  return file && new LogFileReading(options, wanted, signal, file).read();
}
