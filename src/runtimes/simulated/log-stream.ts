/** A log read over a connection to the runtime, which may break. */
import { BerthError } from '../../core/errors.js';
import type { LogLine, LogOptions } from '../../core/ports/driver.js';
import type { SimulatedHost } from './host.js';
import type { LogBook } from './log-book.js';

/** Ends quietly when `signal` fires. E_DRIVER_UNREACHABLE when the connection broke. */
export async function* readLog(
  host: SimulatedHost,
  log: LogBook,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const cut = new AbortController();
  const letGo = host.openStream(() => {
    cut.abort();
  });
  try {
    yield* log.read(options, AbortSignal.any([signal, cut.signal]));
  } finally {
    letGo();
  }
  if (cut.signal.aborted) throw new BerthError('E_DRIVER_UNREACHABLE', 'the log stream broke off');
}
