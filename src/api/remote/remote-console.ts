/** The console of a virtual machine over the API. */
import type { WebSocket } from 'ws';
import { BerthError } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import type { ConsoleSession } from '../../core/ports/driver.js';
import type { ComponentTarget } from '../client.js';
import { apiPrefix } from '../http/contract.js';
import { closeCodes } from '../http/console/close-codes.js';
import { silenceMs, type StreamPorts } from './heard.js';
import { pathOf } from './paths.js';

/** Finding the machine may mean asking a slow runtime. */
const openDeadlineMs = 30_000;
/** The agent takes no longer messages. */
const frameBytes = 65_536;
/** What is kept for a reader that is slow; beyond that the agent is not read from. */
const mostWaitingBytes = 1_048_576;
/** What a message costs beside its bytes. */
const messageBytes = 256;
/** How long the agent's goodbye is waited for. */
const closeMs = 1_000;

/** As `BerthClient.console`. A connection that breaks ends the output with E_AGENT_UNREACHABLE. */
export async function remoteConsole(
  { transport, clock }: StreamPorts,
  target: ComponentTarget,
  signal: AbortSignal,
): Promise<ConsoleSession> {
  const path = `${apiPrefix}${pathOf(target)}/console`;
  const socket = await transport.webSocket({ path, deadlineMs: openDeadlineMs, signal });
  return new RemoteConsole(socket, transport.name, clock, signal);
}

class RemoteConsole implements ConsoleSession {
  readonly output: AsyncIterable<Uint8Array>;
  readonly #socket: WebSocket;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #closed: Promise<void>;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #taken: Promise<void> = Promise.resolve();
  #markTaken = (): void => undefined;
  #left = false;
  /** How it ended; undefined: it goes on. */
  #end: { readonly error: Error | null } | undefined;
  #wake = (): void => undefined;
  #cancelSilence = (): void => undefined;

  constructor(socket: WebSocket, name: string, clock: Clock, signal: AbortSignal) {
    this.#socket = socket;
    this.#name = name;
    this.#clock = clock;
    this.output = this.#read();
    const leave = (): void => void this.close();
    socket.on('message', (data) => {
      this.#heard();
      this.#take(data as Buffer);
    });
    socket.on('ping', () => {
      this.#heard();
    });
    this.#closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        signal.removeEventListener('abort', leave);
        this.#cancelSilence();
        this.#markTaken();
        this.#finish(code, reason.toString());
        resolve();
      });
    });
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    this.#heard();
    socket.resume();
  }

  write(data: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    for (let at = 0; at < data.length; at += frameBytes) {
      this.#taken = new Promise((resolve) => {
        this.#markTaken = resolve;
        this.#socket.send(data.subarray(at, at + frameBytes), { binary: true }, () => {
          resolve();
        });
      });
    }
  }

  written(): Promise<void> {
    return this.#taken;
  }

  async close(): Promise<void> {
    this.#left = true;
    this.#socket.close(closeCodes.ended);
    // What still comes is thrown away, so that the goodbye behind it is seen.
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#socket.resume();
    const cancel = this.#clock.after(closeMs, () => {
      this.#socket.terminate();
    });
    await this.#closed;
    cancel();
  }

  #take(chunk: Buffer): void {
    if (this.#left) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length + messageBytes;
    if (this.#waitingBytes > mostWaitingBytes) this.#socket.pause();
    this.#wake();
  }

  /** The agent pings every few seconds: one that is silent is gone, unless it is not listened to. */
  #heard(): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#clock.after(silenceMs, () => {
      if (this.#socket.isPaused) this.#heard();
      else this.#socket.terminate();
    });
  }

  #finish(code: number, reason: string): void {
    const isFine = this.#left || code === closeCodes.ended;
    const words = reason === '' ? 'the connection ended' : reason;
    const error = new BerthError('E_AGENT_UNREACHABLE', `the console broke off, of ${this.#name}: ${words}`, {
      suggestion: 'open it again; what was typed last may not have arrived',
      details: { sent: true },
    });
    this.#end = { error: isFine ? null : error };
    this.#wake();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#waitingBytes -= chunk.length + messageBytes;
        if (this.#waitingBytes <= mostWaitingBytes && this.#socket.isPaused) this.#socket.resume();
        yield chunk;
      } else if (this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (this.#end.error === null) return;
      else throw this.#end.error;
    }
  }
}
