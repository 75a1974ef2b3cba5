/** Log lines over the API; followed through restarts of the agent. */
import { isBerthError } from '../../core/errors.js';
import type { LogsOptions } from '../client.js';
import { apiPrefix } from '../http/contract.js';
import { pause } from '../ports.js';
import type { LogEntry } from '../views.js';
import { openHeard } from './heard.js';
import { jsonLines } from './lines.js';
import { LogPlace } from './log-place.js';
import { pathOf, queryOf, timeOf } from './paths.js';
import { errorOfLine, isUnreachable } from './problems.js';
import { logShape } from './shapes.js';
import type { FeedPorts } from './watch-feed.js';

/** Finding and opening a log may mean asking a slow runtime. */
const openDeadlineMs = 60_000;
const retryMs = { first: 100, longest: 2_000 };

/** The lines asked for; with `follow` each new one until the signal fires. */
export async function* remoteLogs(
  ports: FeedPorts,
  options: LogsOptions,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  const place = new LogPlace();
  let opened = false;
  let delayMs = retryMs.first;
  for (;;) {
    try {
      const bytes = await open(ports, place.resume(options), signal);
      opened = true;
      for await (const entry of entriesOf(bytes)) {
        delayMs = retryMs.first;
        if (place.accept(entry)) yield entry;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      const passing = isUnreachable(error) || isBerthError(error, 'E_TOO_MANY');
      if (!opened || !passing || !ports.reconnect || !options.follow) throw error;
    }
    await pause(ports.clock, delayMs, signal);
    delayMs = Math.min(delayMs * 2, retryMs.longest);
  }
}

function open(
  ports: FeedPorts,
  { target, follow, tail, sinceMs }: LogsOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const query = queryOf({ tail, since: timeOf(sinceMs), follow: follow ? 'true' : null });
  const path = `${apiPrefix}${pathOf(target)}/logs${query}`;
  return openHeard(ports, { method: 'GET', path, deadlineMs: openDeadlineMs }, signal);
}

async function* entriesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<LogEntry> {
  for await (const line of jsonLines(bytes)) {
    const error = errorOfLine(line);
    if (error !== undefined) throw error;
    yield logShape(line, 'the line');
  }
}
