/** Bytes that wait for a slow reader, the newest so many: packed, for a guest writes sign by sign. */

/** How much is allocated at once. */
const blockBytes = 16_384;

export class WaitingBytes {
  readonly #most: number;
  readonly #blocks: Buffer[] = [];
  /** How much of the last block is filled; all others are full. */
  #filled = 0;

  /** `most` bytes are kept, and up to a block more. */
  constructor(most: number) {
    this.#most = most;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const block = this.#blockWithRoom();
      const part = chunk.subarray(at, at + blockBytes - this.#filled);
      block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
    while (this.#blocks.length * blockBytes > this.#most + blockBytes) this.#blocks.shift();
  }

  /** The oldest of them, a block at most; undefined: none waits. */
  shift(): Buffer | undefined {
    if (this.#blocks.length > 1) return this.#blocks.shift();
    const [last] = this.#blocks;
    if (last === undefined || this.#filled === 0) return undefined;
    // A copy: the block is filled anew, or each sign would take a whole one.
    const part = Buffer.from(last.subarray(0, this.#filled));
    this.#filled = 0;
    return part;
  }

  #blockWithRoom(): Buffer {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#filled < blockBytes) return last;
    const block = Buffer.allocUnsafeSlow(blockBytes);
    this.#blocks.push(block);
    this.#filled = 0;
    return block;
  }
}
