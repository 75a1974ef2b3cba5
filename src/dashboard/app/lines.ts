/** Lines of JSON from a response that goes on for as long as it likes. */

/** Gives what has come, several lines at a time, and ends with the response or the signal. */
export async function* readLines(
  path: string,
  signal: AbortSignal,
  refuse: (response: Response) => Promise<never>,
): AsyncGenerator<readonly unknown[]> {
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
    const found = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
    if (found.length > 0) yield found;
  }
}
