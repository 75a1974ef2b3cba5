/** The agent's log: lines of JSON, or readable ones on a terminal. */
import type { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Settings } from './settings.js';

/** A logger that writes to `output`. */
export function agentLog(
  settings: Pick<Settings, 'log_level' | 'log_format'>,
  output: Writable & { readonly isTTY?: boolean },
): Logger {
  const readable = settings.log_format === 'pretty' || (settings.log_format === 'auto' && output.isTTY === true);
  const stream = readable
    ? pretty({
        destination: output,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss.l',
        colorize: output.isTTY === true,
      })
    : output;
  return pino({ level: settings.log_level, base: null }, stream);
}
