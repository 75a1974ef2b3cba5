/** Cuts what a console wrote into lines. Pure. */

export interface CutLine {
  /** Without its line end, CR LF or LF. */
  readonly text: string;
  /** Where it ends in its file. */
  readonly endOffset: number;
}

/** A longer line is delivered in parts. */
export const maxConsoleLineBytes = 16 * 1024;

/** The largest part of `bytes` that does not end within a UTF-8 character. */
function wholeCharacters(bytes: Buffer, length: number): number {
  let end = length;
  // At most three bytes that go on (10xxxxxx) follow the first of a character.
  while (end > length - 4 && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end === 0 || ((bytes[end] ?? 0) & 0xc0) === 0x80 ? length : end;
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\r+$/, '');
}

export class ConsoleLineCutter {
  #rest = Buffer.alloc(0);
  #restEnd = 0;

  /** `offset`: where the chunk begins in its file. Chunks may be cut anywhere. */
  push(chunk: Buffer, offset: number): readonly CutLine[] {
    const lines: CutLine[] = [];
    let bytes = Buffer.concat([this.#rest, chunk]);
    let at = offset - this.#rest.length;
    while (bytes.length > 0) {
      const end = bytes.indexOf(0x0a);
      const isLong = end < 0 ? bytes.length > maxConsoleLineBytes : end > maxConsoleLineBytes;
      if (end < 0 && !isLong) break;
      const length = isLong ? wholeCharacters(bytes, maxConsoleLineBytes) : end;
      const used = isLong ? length : end + 1;
      at += used;
      lines.push({ text: textOf(bytes.subarray(0, length)), endOffset: at });
      bytes = bytes.subarray(used);
    }
    this.#rest = bytes;
    this.#restEnd = offset + chunk.length;
    return lines;
  }

  /** What has no line end yet, as a line. */
  flush(): readonly CutLine[] {
    if (this.#rest.length === 0) return [];
    const line = { text: textOf(this.#rest), endOffset: this.#restEnd };
    this.#rest = Buffer.alloc(0);
    return [line];
  }
}
