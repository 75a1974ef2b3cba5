/** A bounded queue between several writers and one reader. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  #closed = false;
  #failure: { readonly error: unknown } | undefined;
  #wakeReader: (() => void) | undefined;
  #blocked: (() => void)[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Waits while the queue is full. What is pushed after the close is dropped. */
  async push(item: T): Promise<void> {
    while (this.#items.length >= this.#capacity && !this.#closed) {
      await new Promise<void>((resolve) => this.#blocked.push(resolve));
    }
    if (this.#closed) return;
    this.#items.push(item);
    this.#wakeReader?.();
  }

  /** The reader gets what is there, then the end. */
  close(): void {
    this.#closed = true;
    this.#wakeReader?.();
    this.#unblock();
  }

  /** The reader gets what is there, then the error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const batch = this.#items.splice(0);
      this.#unblock();
      yield* batch;
      if (this.#items.length > 0) continue;
      if (this.#closed) break;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = undefined;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #unblock(): void {
    const waiting = this.#blocked;
    this.#blocked = [];
    for (const resolve of waiting) resolve();
  }
}
