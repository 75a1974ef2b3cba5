/**
 * Podman's events file (its `file` event logger, one JSON object a line). The API polls this file four
 * times a second; a watch on its folder tells at once. Only a quicker hint: what is missed here comes
 * over the API.
 */
import { dirname, join } from 'node:path';
import type { RuntimeEvent } from '../../core/observation.js';
import type { Host } from '../host/host.js';
import { readFileEvent } from './runtime-events.js';

export interface EventsFileOptions {
  readonly driver: string;
  readonly host: Host;
  readonly path: string;
  /** Unix milliseconds; older events are left out when the file is replaced. */
  readonly sinceMs: number;
  readonly emit: (event: RuntimeEvent | undefined) => void;
}

/** Where podman keeps the file unless containers.conf says otherwise (its default `tmp_dir`). */
export function defaultEventsFile(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const folder = uid === 0 ? '/run/libpod' : join(env['XDG_RUNTIME_DIR'] ?? `/run/user/${uid}`, 'libpod/tmp');
  return join(folder, 'events/events.log');
}

/** Follows the file from its end on. Answers what ends it; does nothing where there is no such file. */
export async function followEventsFile(options: EventsFileOptions): Promise<() => void> {
  const { host, path, driver, emit } = options;
  const start = await host.readFrom(path, Number.MAX_SAFE_INTEGER);
  if (!start) return () => undefined;
  let { size: offset, inode } = start;
  let newestMs = options.sinceMs;
  let skipUntilMs = 0;
  let rest = '';
  let decoder = new TextDecoder();
  let isReading = false;
  let isDirty = false;

  /** Reads what was added. True when there is more. */
  async function readOnce(): Promise<boolean> {
    const part = await host.readFrom(path, offset);
    if (!part) return false;
    if (part.inode !== inode || part.size < offset) {
      // Rotated: the new file begins with the newer part of the old one.
      [inode, offset, rest, skipUntilMs] = [part.inode, 0, '', newestMs];
      decoder = new TextDecoder();
      return true;
    }
    offset += part.bytes.byteLength;
    // What is read at once may end within a character.
    const lines = (rest + decoder.decode(part.bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = readFileEvent(driver, line);
      if (!event || event.atMs <= skipUntilMs) continue;
      newestMs = Math.max(newestMs, event.atMs);
      emit(event);
    }
    return offset < part.size;
  }

  async function onChange(): Promise<void> {
    isDirty = true;
    if (isReading) return;
    isReading = true;
    try {
      while (isDirty) {
        isDirty = false;
        if (await readOnce()) isDirty = true;
      }
    } finally {
      // Whatever somebody made of an event: the next change of the file is read.
      isReading = false;
    }
  }

  return host.watchFolder(dirname(path), () => void onChange()) ?? (() => undefined);
}
