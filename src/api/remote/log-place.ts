/** How far the logs of components were read, so that a reading that broke off goes on: no line lost, none told twice. */
import { formatKey } from '../../core/names.js';
import type { LogsOptions } from '../client.js';
import { LogCursor } from '../log-cursor.js';
import type { LogEntry } from '../views.js';

export class LogPlace {
  readonly #cursors = new Map<string, LogCursor>();

  /** True when the entry was not told before. */
  accept(entry: LogEntry): boolean {
    const key = formatKey(entry);
    const cursor = this.#cursors.get(key) ?? new LogCursor();
    this.#cursors.set(key, cursor);
    return cursor.accept({
      atMs: entry.at === null ? null : Date.parse(entry.at),
      stream: entry.stream,
      text: entry.text,
    });
  }

  /** What to ask for to go on; to be called before each reading. */
  resume(options: LogsOptions): LogsOptions {
    const times: number[] = [];
    for (const cursor of this.#cursors.values()) {
      cursor.resume();
      if (cursor.sinceMs !== null) times.push(cursor.sinceMs);
    }
    return times.length === 0 ? options : { ...options, tail: null, sinceMs: Math.min(...times) };
  }
}
