/** The agent's log: lines of JSON, or readable ones on a terminal. */
import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import pino, { type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Settings } from './settings.js';

type Output = Writable & { readonly isTTY?: boolean; readonly fd?: number };

/** A logger that writes to `output`. What cannot be written, on a full disk say, is lost; nothing else comes of it. */
export function agentLog(settings: Pick<Settings, 'log_level' | 'log_format'>, output: Output): Logger {
  const readable = settings.log_format === 'pretty' || (settings.log_format === 'auto' && output.isTTY === true);
  const stream = readable
    ? pretty({
        destination: output,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss.l',
        colorize: output.isTTY === true,
      })
    : plain(output);
  output.on('error', () => undefined);
  return pino({ level: settings.log_level, base: null }, stream);
}

/** A stream of Node's is closed for good by its first error: lines for a file are written past it. */
function plain(output: Output): DestinationStream {
  const { fd } = output;
  if (fd === undefined) return output;
  return {
    write: (line) => {
      try {
        writeSync(fd, line);
      } catch {
        // There is nobody to tell.
      }
    },
  };
}
