/** `berth console` */
import type { ConsoleSession } from '../../core/ports/driver.js';
import type { CommandRun, Invocation } from '../invocation.js';

/** Ctrl-]: what telnet and virsh leave with, too. */
const escapeByte = 0x1d;

/** When what was piped in has been typed, the answer is waited for until the console is silent for so long. */
const quietMs = 500;

/** Shows the serial console and types into it, until Ctrl-], the end of stdin, or the end of the machine. */
export const run: CommandRun = async (invocation) => {
  const target = invocation.requiredComponent('console');
  const client = await invocation.connect();
  const { signal, interrupted } = invocation.untilInterrupted();
  const session = await client.console(target, signal);
  const typing = invocation.options.allows('stdin');
  const { stdin } = invocation.deps.stdio;
  const raw = typing && stdin.isTty;
  const name = `${target.service}/${target.component}`;
  invocation.remark(`console of ${name}; ${raw ? 'Ctrl-] leaves it' : 'Ctrl-C leaves it'}`);
  const restore = raw ? stdin.makeRaw() : (): void => undefined;
  try {
    const left = await converse(invocation, session, typing, signal);
    restore();
    if (!left && !interrupted()) invocation.remark(`\nthe console of ${name} has ended`);
  } finally {
    restore();
    await session.close();
  }
  return 0;
};

/** Both directions at once; true when the person left, false when the machine did. */
async function converse(
  invocation: Invocation,
  session: ConsoleSession,
  typing: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const stop = new AbortController();
  const end = (): void => {
    stop.abort();
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const silence = new Silence(invocation.deps.clock);
  const shown = show(invocation, session, silence).then(() => false);
  const typed = typing ? type(invocation, session, silence, stop.signal) : never;
  const leave = new Promise<boolean>((resolve) => {
    stop.signal.addEventListener('abort', () => {
      resolve(true);
    });
    if (stop.signal.aborted) resolve(true);
  });
  try {
    return await Promise.race([shown, typed, leave]);
  } finally {
    signal.removeEventListener('abort', end);
    stop.abort();
    await session.close();
    await Promise.allSettled([shown, typing ? typed : undefined]);
  }
}

const never = new Promise<boolean>(() => undefined);

async function show(invocation: Invocation, session: ConsoleSession, silence: Silence): Promise<void> {
  for await (const chunk of session.output) {
    silence.break();
    invocation.write(chunk);
  }
}

/** Types until Ctrl-] or the end of stdin; a pipe's end waits for the answer. */
async function type(
  invocation: Invocation,
  session: ConsoleSession,
  silence: Silence,
  signal: AbortSignal,
): Promise<boolean> {
  const { stdin } = invocation.deps.stdio;
  for await (const chunk of stdin.read(signal)) {
    const escape = stdin.isTty ? chunk.indexOf(escapeByte) : -1;
    const typed = escape < 0 ? chunk : chunk.subarray(0, escape);
    if (typed.length > 0) session.write(typed);
    // A whole file is not kept in memory; a person is never made to wait, for Ctrl-] must be seen.
    if (!stdin.isTty) await session.written();
    if (escape >= 0) return true;
  }
  if (!signal.aborted) await silence.lasts(quietMs, signal);
  return true;
}

/** How long nothing was heard. */
class Silence {
  readonly #clock: Invocation['deps']['clock'];
  #heardAtMs: number;

  constructor(clock: Invocation['deps']['clock']) {
    this.#clock = clock;
    this.#heardAtMs = clock.monotonic();
  }

  break(): void {
    this.#heardAtMs = this.#clock.monotonic();
  }

  /** Resolves when nothing was heard for `forMs` from now on, or the signal fires. */
  async lasts(forMs: number, signal: AbortSignal): Promise<void> {
    this.break();
    for (;;) {
      const restMs = this.#heardAtMs + forMs - this.#clock.monotonic();
      if (restMs <= 0 || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          cancel();
          signal.removeEventListener('abort', done);
          resolve();
        };
        const cancel = this.#clock.after(restMs, done);
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }
}
