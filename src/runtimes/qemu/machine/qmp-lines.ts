/**
 * The messages of a QMP stream: one JSON object a line. What is no object is passed over, since a guest cannot write
 * here but a QEMU that was taken over can. Format: docs/interop/qmp-spec of QEMU 7.2.
 */

export interface QmpEvent {
  /** `SHUTDOWN`, `STOP`, `RESUME`, `RESET`, `GUEST_PANICKED`, `POWERDOWN` … */
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Unix milliseconds, by QEMU. */
  readonly atMs: number;
}

export type QmpMessage =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'event'; readonly event: QmpEvent }
  | { readonly kind: 'return'; readonly id: string; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: string; readonly className: string; readonly words: string };

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function timeOf(value: unknown): number {
  const { seconds, microseconds } = fieldsOf(value) ?? {};
  if (typeof seconds !== 'number' || typeof microseconds !== 'number') return 0;
  return seconds * 1_000 + Math.floor(microseconds / 1_000);
}

/** What a line says; undefined when it is nothing that is known. */
export function messageOfLine(line: string): QmpMessage | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  const fields = fieldsOf(parsed);
  if (!fields) return undefined;
  if (fieldsOf(fields['QMP'])) return { kind: 'greeting' };
  const name = textOf(fields['event']);
  if (name !== '') {
    const event = { event: name, data: fieldsOf(fields['data']) ?? {}, atMs: timeOf(fields['timestamp']) };
    return { kind: 'event', event };
  }
  const id = textOf(fields['id']);
  const error = fieldsOf(fields['error']);
  if (error) return { kind: 'error', id, className: textOf(error['class']), words: textOf(error['desc']) };
  return 'return' in fields ? { kind: 'return', id, value: fields['return'] } : undefined;
}

/** Cuts chunks into lines. `push` throws when a line grows beyond `maxBytes`. */
export class LineCutter {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      this.#keep(chunk.subarray(from, end));
      lines.push(Buffer.concat(this.#pieces).toString('utf8'));
      this.#pieces = [];
      this.#bytes = 0;
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#maxBytes) throw new Error(`a line of more than ${this.#maxBytes} bytes`);
    if (piece.length > 0) this.#pieces.push(piece);
  }
}
