/**
 * Between a WebSocket and a machine's console. What waits is bounded both ways: a reader that takes nothing is dropped,
 * and the machine is not held up by one; who types faster than the machine reads is not read from until it did.
 */
import type { WebSocket } from 'ws';
import { messageOf } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { ConsoleSession } from '../../../core/ports/driver.js';
import type { ApiLimits } from '../limits.js';
import { closeCodes, reasonText } from './close-codes.js';

/** What a message costs beside its bytes: a guest that writes sign by sign fills memory, too. */
const messageBytes = 256;

export interface RelayOptions {
  readonly clock: Clock;
  readonly limits: Pick<ApiLimits, 'consoleWaitingBytes' | 'consoleStalledMs' | 'consoleBeatMs'>;
  /** Fires when the agent ends, and when the connection does. */
  readonly signal: AbortSignal;
  /** Whether the connection has ended. */
  readonly hasLeft: () => boolean;
  /** Whether whoever types still may; asked with each ping. Never rejects. */
  readonly mayStay: () => Promise<boolean>;
}

/** Goes on until either side has ended; answers why, in words for the log. Lets go of the console. Never rejects. */
export function relayConsole(socket: WebSocket, session: ConsoleSession, options: RelayOptions): Promise<string> {
  return new Relay(socket, session, options).ended;
}

class Relay {
  readonly ended: Promise<string>;
  readonly #socket: WebSocket;
  readonly #session: ConsoleSession;
  readonly #options: RelayOptions;
  #why = 'the other side left';
  #isOver = false;
  /** Was heard since the last ping. */
  #isAlive = true;
  /** Bytes that the connection has not taken yet, and whoever waits for that. */
  #unsent = 0;
  #wakeSender = (): void => undefined;
  /** Bytes that the machine has not taken yet. */
  #unwritten = 0;
  #typed = 0;
  #cancelBeat = (): void => undefined;
  #cancelStall: (() => void) | null = null;

  constructor(socket: WebSocket, session: ConsoleSession, options: RelayOptions) {
    this.#socket = socket;
    this.#session = session;
    this.#options = options;
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.#letGo();
        resolve(this.#why);
      });
    });
    socket.on('error', (error) => {
      this.#why = messageOf(error);
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('message', (data) => {
      this.#isAlive = true;
      // The kind of binary data that was asked for.
      this.#type(data as Buffer);
    });
    const { signal } = options;
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#beat();
    void this.#show();
  }

  readonly #onAbort = (): void => {
    if (this.#options.hasLeft()) this.#letGo();
    else this.#end(closeCodes.agentEnds, 'the agent ends');
  };

  /** What the machine writes, as fast as it is taken. */
  async #show(): Promise<void> {
    try {
      for await (const chunk of this.#session.output) {
        if (this.#isOver) return;
        await this.#send(chunk);
      }
      this.#end(closeCodes.ended, 'the machine has ended');
    } catch (error) {
      this.#end(closeCodes.failed, messageOf(error));
    }
  }

  async #send(chunk: Uint8Array): Promise<void> {
    const { clock, limits } = this.#options;
    const bytes = chunk.length + messageBytes;
    this.#unsent += bytes;
    this.#socket.send(chunk, { binary: true }, () => {
      this.#unsent -= bytes;
      this.#wakeSender();
    });
    while (this.#unsent > limits.consoleWaitingBytes && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(limits.consoleStalledMs, () => {
          this.#drop('it takes nothing of what the machine writes');
          resolve();
        });
        this.#wakeSender = () => {
          cancel();
          this.#isAlive = true;
          resolve();
        };
      });
      this.#wakeSender = () => undefined;
    }
  }

  #type(data: Buffer): void {
    if (this.#isOver) return;
    const { clock, limits } = this.#options;
    this.#session.write(data);
    this.#unwritten += data.length + messageBytes;
    this.#typed += 1;
    const upTo = this.#typed;
    void this.#session.written().then(() => {
      // Only the last one tells that all of it was taken.
      if (upTo === this.#typed) this.#allWritten();
    });
    if (this.#unwritten <= limits.consoleWaitingBytes || this.#cancelStall !== null) return;
    this.#socket.pause();
    this.#cancelStall = clock.after(limits.consoleStalledMs, () => {
      this.#drop('the machine takes nothing of what is typed');
    });
  }

  #allWritten(): void {
    this.#unwritten = 0;
    if (this.#cancelStall === null) return;
    this.#cancelStall();
    this.#cancelStall = null;
    this.#isAlive = true;
    this.#socket.resume();
  }

  /** A side that has vanished says nothing: it is asked, and gone when it does not answer. */
  #beat(): void {
    const { clock, limits } = this.#options;
    this.#cancelBeat = clock.after(limits.consoleBeatMs, () => {
      // While it is not read from, its answer is not seen: then another deadline counts.
      if (!this.#isAlive && this.#cancelStall === null) {
        this.#drop('it does not answer any more');
        return;
      }
      this.#isAlive = false;
      this.#socket.ping();
      void this.#checkStay();
      this.#beat();
    });
  }

  async #checkStay(): Promise<void> {
    if (!(await this.#options.mayStay())) this.#end(closeCodes.notAllowed, 'the token is no longer good for this');
  }

  /** Tells the other side why, as far as it listens. */
  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#why = reason;
    this.#socket.close(code, reasonText(reason));
    this.#letGo();
  }

  /** Whoever does not listen is not told. */
  #drop(reason: string): void {
    if (this.#isOver) return;
    this.#why = `dropped: ${reason}`;
    this.#socket.terminate();
    this.#letGo();
  }

  #letGo(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelBeat();
    this.#cancelStall?.();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#wakeSender();
    void this.#session.close();
  }
}
