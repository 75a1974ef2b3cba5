/** Reads server-sent events from text that comes in pieces. Pure; for clients and tests. */

export interface SseMessage {
  /** `message` when the sender gave none. */
  readonly name: string;
  readonly data: string;
  /** The last id up to this message; '' when there was none. */
  readonly id: string;
}

export interface SseParser {
  /** Takes the next piece; answers the messages that it completes. E.g. a line may be cut anywhere, also between CR and LF. */
  push(text: string): readonly SseMessage[];
  /** The last id that was told, also by a block without data: where to resume from. '' when there was none. */
  readonly lastId: string;
  /** Pause before coming back that was asked for, in milliseconds; null: none. */
  readonly retryMs: number | null;
}

/** Longest line that is kept, in characters; a sender of longer ones is no watch of Berth. */
const longestLine = 16 * 1_048_576;

/** A parser at the beginning of a stream. `push` throws a RangeError for a line beyond 16 Mi characters. */
export function createSseParser(): SseParser {
  return new Parser();
}

class Parser implements SseParser {
  lastId = '';
  retryMs: number | null = null;
  /** Pieces of a line that has not ended yet. */
  #pieces: string[] = [];
  #length = 0;
  #afterCr = false;
  #first = true;
  #id = '';
  #name = '';
  #data: string[] = [];

  push(text: string): readonly SseMessage[] {
    const messages: SseMessage[] = [];
    let from = this.#skipMark(text);
    for (;;) {
      const end = lineEnd(text, from);
      if (end < 0) break;
      this.#pieces.push(text.slice(from, end));
      const line = this.#pieces.length === 1 ? (this.#pieces[0] ?? '') : this.#pieces.join('');
      this.#pieces = [];
      this.#length = 0;
      from = end + 1;
      if (text[end] === '\r') {
        if (from === text.length) this.#afterCr = true;
        else if (text[from] === '\n') from += 1;
      }
      const message = this.#take(line);
      if (message) messages.push(message);
    }
    this.#keep(text.slice(from));
    return messages;
  }

  /** Where to begin: after a byte order mark, and after the LF of a CR that ended the piece before. */
  #skipMark(text: string): number {
    if (text === '') return 0;
    let from = 0;
    if (this.#first && text.startsWith('\uFEFF')) from = 1;
    if (this.#afterCr && text.startsWith('\n')) from = 1;
    this.#first = false;
    this.#afterCr = false;
    return from;
  }

  #keep(rest: string): void {
    if (rest === '') return;
    this.#length += rest.length;
    if (this.#length > longestLine)
      throw new RangeError(`a line of server-sent events is over ${longestLine} characters`);
    this.#pieces.push(rest);
  }

  #take(line: string): SseMessage | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#name = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #dispatch(): SseMessage | undefined {
    const [data, name] = [this.#data, this.#name];
    this.lastId = this.#id;
    this.#data = [];
    this.#name = '';
    if (data.length === 0) return undefined;
    return { name: name === '' ? 'message' : name, data: data.join('\n'), id: this.lastId };
  }
}

/** Where the line that begins at `from` ends; -1: not in this piece. */
function lineEnd(text: string, from: number): number {
  const ends = /[\r\n]/g;
  ends.lastIndex = from;
  return ends.exec(text)?.index ?? -1;
}
