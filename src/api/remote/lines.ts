/** Lines of JSON out of bytes, as they come. */
import { notUnderstood, quote } from './problems.js';

/** The longest line that is taken; a log line is far shorter, a report of all components of a home is not. */
export const longestLine = 64 * 1024 * 1024;

/** Each line's value; empty lines keep a connection alive and say nothing. E_AGENT_ANSWER for what is no JSON. */
export async function* jsonLines(bytes: AsyncIterable<Uint8Array>, most: number = longestLine): AsyncGenerator {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    const pieces = decoder.decode(chunk, { stream: true }).split('\n');
    for (const [index, piece] of pieces.entries()) {
      parts.push(piece);
      length += piece.length;
      if (length > most) throw notUnderstood('the agent sends a line that does not end');
      if (index === pieces.length - 1) continue;
      const line = parts.join('');
      [parts, length] = [[], 0];
      if (line.trim() !== '') yield parseLine(line);
    }
  }
  const rest = parts.join('') + decoder.decode();
  if (rest.trim() !== '') yield parseLine(rest);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    throw notUnderstood(`the agent sends a line that is not JSON: ${quote(line)}`, error);
  }
}
