/**
 * Counts wrong tokens, by the address that they come from: some at once, then one every few seconds. Who brings the
 * right one gets in at any time, so that nobody can lock others out; a token has 256 random bits, and is not guessed
 * however often somebody may try. What is saved is the noise, and the work.
 */
const burst = 10;
const refillMs = 6_000;
/** More addresses than that at once: the longest unheard of is forgotten. */
const mostAddresses = 1_000;

export class WrongAttempts {
  readonly #left = new Map<string, { readonly left: number; readonly atMs: number }>();

  /** Milliseconds until this address may try again; 0: it may now. Time is monotonic. */
  waitMs(address: string, nowMs: number): number {
    const left = this.#leftAt(address, nowMs);
    return left >= 1 ? 0 : Math.ceil((1 - left) * refillMs);
  }

  /** Notes a wrong one. True: it was the last for a while. */
  failed(address: string, nowMs: number): boolean {
    const before = this.#leftAt(address, nowMs);
    const left = Math.max(0, before - 1);
    this.#left.delete(address);
    this.#left.set(address, { left, atMs: nowMs });
    const [oldest] = this.#left.keys();
    if (this.#left.size > mostAddresses && oldest !== undefined) this.#left.delete(oldest);
    return before >= 1 && left < 1;
  }

  #leftAt(address: string, nowMs: number): number {
    const known = this.#left.get(address);
    return known === undefined ? burst : Math.min(burst, known.left + (nowMs - known.atMs) / refillMs);
  }
}
