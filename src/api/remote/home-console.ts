/** A console by the agent of a home for as long as it serves, and then without it: the machine does not end with it. */
import type { ConsoleSession } from '../../core/ports/driver.js';
import { isUnreachable } from './problems.js';

/** `reopen` opens the console again when the agent has gone. */
export function consoleOnward(first: ConsoleSession, reopen: () => Promise<ConsoleSession>): ConsoleSession {
  const state = { session: first, isLeft: false };
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      yield* first.output;
      return;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
    if (state.isLeft) return;
    const next = await reopen();
    state.session = next;
    // It may have been left while it was opened.
    if (hasLeft()) await next.close();
    yield* next.output;
  }
  const hasLeft = (): boolean => state.isLeft;
  return {
    output: read(),
    write: (data) => {
      state.session.write(data);
    },
    written: () => state.session.written(),
    close: async () => {
      state.isLeft = true;
      await state.session.close();
    },
  };
}
