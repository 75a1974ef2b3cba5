/** Pictures of which only the newest counts, and one end: a slow reader misses some, and nothing piles up. */
export class Latest<T, E> implements AsyncIterable<T | E> {
  #picture: { readonly value: T } | undefined;
  #end: { readonly value: E } | { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  put(value: T): void {
    this.#picture = { value };
    this.#wake?.();
  }

  end(value: E): void {
    this.#end ??= { value };
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T | E> {
    for (;;) {
      const picture = this.#picture;
      this.#picture = undefined;
      if (picture !== undefined) yield picture.value;
      else if (this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      } else if ('error' in this.#end) throw this.#end.error;
      else {
        yield this.#end.value;
        return;
      }
    }
  }
}
