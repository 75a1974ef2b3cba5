/** Lines of a log from a response that goes on for as long as it likes. */
import type { Problem } from '../../api/http/contract.js';
import type { LogEntry } from '../../api/views.js';
import { entriesOf } from '../model/log-reader.js';

/**
 * Gives what has come, several lines at a time, and ends with the response or the signal. An empty line, by which the
 * agent shows that it is there, gives none.
 */
export async function* readLines(
  path: string,
  signal: AbortSignal,
  refuse: (response: Response) => Promise<never>,
  refusalOf: (problem: Problem) => Error,
): AsyncGenerator<readonly LogEntry[]> {
  const response = await fetch(path, { signal, headers: { accept: 'application/x-ndjson' } });
  if (!response.ok) await refuse(response);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length === 0) continue;
    const { entries, problem } = entriesOf(lines);
    if (entries.length > 0 || problem === null) yield entries;
    if (problem !== null) throw refusalOf(problem);
  }
}
