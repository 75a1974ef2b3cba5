/**
 * Reads the framed streams of `logs` and `exec`: an eight-byte head (stream, three zeros, length in
 * network order), then the payload. Format: Docker's "attach" stream. Frames and lines may be cut anywhere.
 */
import type { LogLine } from '../../core/ports/driver.js';

/** One frame. */
export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly payload: Buffer;
}

const headBytes = 8;
/** A frame longer than this is no frame: the stream is out of step. */
const maxFrameBytes = 64 * 1024 * 1024;

/** Cuts a byte stream into frames. Throws when it is no framed stream. */
export async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(Buffer.from(chunk));
    size += chunk.length;
    if (size < headBytes) continue;
    let buffer = Buffer.concat(parts);
    while (buffer.length >= headBytes) {
      const length = buffer.readUInt32BE(4);
      if (length > maxFrameBytes) throw new Error('the log stream is out of step');
      if (buffer.length < headBytes + length) break;
      yield { stream: buffer[0] === 2 ? 'stderr' : 'stdout', payload: buffer.subarray(headBytes, headBytes + length) };
      buffer = buffer.subarray(headBytes + length);
    }
    parts = [buffer];
    size = buffer.length;
  }
}

/** What of a stream has no line end yet. */
interface Pending {
  atMs: number | null;
  pieces: Buffer[];
}

/** `2024-05-01T12:00:00Z text`: podman puts a time before each frame, also before the second half of a line. */
function cutTime(payload: Buffer): { atMs: number | null; text: Buffer } {
  const blank = payload.indexOf(0x20);
  if (blank < 0) return { atMs: null, text: payload };
  const atMs = Date.parse(payload.toString('latin1', 0, blank));
  return Number.isNaN(atMs) ? { atMs: null, text: payload } : { atMs, text: payload.subarray(blank + 1) };
}

function finish(stream: 'stdout' | 'stderr', pending: Pending): LogLine {
  const text = Buffer.concat(pending.pieces).toString('utf8').replace(/\r$/, '');
  return { atMs: pending.atMs, stream, text };
}

/** Puts frames with times together into lines; a last line without its end is a line too. */
export async function* logLinesOf(frames: AsyncIterable<Frame>): AsyncGenerator<LogLine> {
  const pending = new Map<'stdout' | 'stderr', Pending>();
  for await (const { stream, payload } of frames) {
    const { atMs, text } = cutTime(payload);
    let open = pending.get(stream) ?? { atMs, pieces: [] };
    let from = 0;
    for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a, from)) {
      open.pieces.push(text.subarray(from, end));
      yield finish(stream, open);
      open = { atMs, pieces: [] };
      from = end + 1;
    }
    if (from < text.length) open.pieces.push(text.subarray(from));
    if (open.pieces.length > 0) pending.set(stream, open);
    else pending.delete(stream);
  }
  for (const [stream, open] of pending) yield finish(stream, open);
}
