/** What a workload printed, through all of its runs. */
import type { LogLine, LogOptions } from '../../core/ports/driver.js';

type Stream = LogLine['stream'];

/** Splits output into lines as they come; a last line without its end is kept until the program ends. */
export class LogBook {
  readonly #lines: LogLine[] = [];
  readonly #isConsole: boolean;
  readonly #partial = new Map<Stream, string>();
  readonly #waiting = new Set<() => void>();
  #running = false;

  /** A machine has a console, where nobody tells stdout from stderr. */
  constructor(isConsole = false) {
    this.#isConsole = isConsole;
  }

  /** The program starts: followers stay. */
  begin(): void {
    this.#running = true;
  }

  write(written: 'stdout' | 'stderr', text: string, atMs: number): void {
    const stream = this.#isConsole ? 'console' : written;
    const parts = ((this.#partial.get(stream) ?? '') + text).split('\n');
    this.#partial.set(stream, parts.pop() ?? '');
    for (const part of parts) this.#lines.push({ atMs, stream, text: part });
    if (parts.length > 0) this.#wake();
  }

  /** The program ended: unfinished lines are lines now, and followers leave. */
  end(atMs: number): void {
    for (const [stream, text] of this.#partial) if (text !== '') this.#lines.push({ atMs, stream, text });
    this.#partial.clear();
    this.#running = false;
    this.#wake();
  }

  /** Ends quietly when `signal` fires. */
  async *read(options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const isWanted = (line: LogLine): boolean =>
      options.sinceMs === undefined || line.atMs === null || line.atMs >= options.sinceMs;
    let next = this.#lines.length;
    const past = this.#lines.filter(isWanted);
    yield* options.tail === undefined ? past : past.slice(Math.max(0, past.length - options.tail));
    while (options.follow === true && !signal.aborted) {
      for (; next < this.#lines.length; next += 1) {
        const line = this.#lines[next];
        if (line && isWanted(line)) yield line;
      }
      if (!this.#running) return;
      await this.#change(signal);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
