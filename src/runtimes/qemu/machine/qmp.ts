/** One connection to QEMU's machine protocol. */
import type { Socket } from 'node:net';
import { BerthError, messageOf } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { MachineHost } from '../../host/machine-host.js';
import { late, throwIfCancelled, within } from './deadline.js';
import { connectInFolder } from './folder-socket.js';
import { LineCutter, messageOfLine, type QmpEvent, type QmpMessage } from './qmp-lines.js';

export interface QmpOptions {
  readonly folder: string;
  /** Name of the socket in the folder. */
  readonly socket: string;
  /** From connecting to being ready for commands. */
  readonly deadlineMs: number;
  readonly onEvent?: (event: QmpEvent) => void;
  readonly signal?: AbortSignal;
}

export interface CallOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BerthError) => void;
}

const maxLineBytes = 1024 * 1024;

function lost(why: string, cause?: unknown): BerthError {
  return new BerthError('E_DRIVER_UNREACHABLE', `QEMU's QMP: ${why}`, cause === undefined ? {} : { cause });
}

/** Greeted and ready. */
export class QmpClient {
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #cutter = new LineCutter(maxLineBytes);
  readonly #waiting = new Map<string, Waiting>();
  readonly #onEvent: (event: QmpEvent) => void;
  /** Resolves at the greeting. */
  readonly #greeted: Promise<void>;
  #greet: () => void = () => undefined;
  /** Resolves as soon as the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  #markClosed: () => void = () => undefined;
  #isClosed = false;
  #lastId = 0;

  private constructor(clock: Clock, socket: Socket, onEvent: (event: QmpEvent) => void) {
    this.#clock = clock;
    this.#socket = socket;
    this.#onEvent = onEvent;
    this.#greeted = new Promise((resolve) => {
      this.#greet = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
    socket.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    socket.on('error', (error) => {
      this.#end(lost(messageOf(error), error));
    });
    for (const end of ['end', 'close']) {
      socket.on(end, () => {
        this.#end(lost('the connection ended'));
      });
    }
  }

  /**
   * Connects, waits for the greeting and negotiates. E_DRIVER_UNREACHABLE: nothing listens, or it hung up;
   * E_DRIVER_TIMEOUT: no greeting, because another client holds the socket or QEMU hangs.
   */
  static async connect(deps: { host: MachineHost; clock: Clock }, options: QmpOptions): Promise<QmpClient> {
    const { folder, socket: name, deadlineMs, signal } = options;
    throwIfCancelled(signal);
    const client = await connectInFolder(
      deps.host,
      folder,
      name,
      (socket) => new QmpClient(deps.clock, socket, options.onEvent ?? (() => undefined)),
    ).catch((error: unknown) => {
      throw lost(messageOf(error), error);
    });
    try {
      const ended = client.closed.then(() => {
        throw lost('the connection ended before the greeting');
      });
      const outcome = await within(deps.clock, Promise.race([client.#greeted, ended]), deadlineMs, signal);
      if (outcome === late) {
        throw new BerthError('E_DRIVER_TIMEOUT', `QEMU's QMP gave no greeting within ${deadlineMs} ms`);
      }
      await client.execute('qmp_capabilities', {}, { deadlineMs, ...(signal ? { signal } : {}) });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /**
   * One command. E_DRIVER_FAILED: QEMU refused, in its words; E_DRIVER_TIMEOUT: no answer in time;
   * E_DRIVER_UNREACHABLE: the connection ended first.
   */
  async execute(command: string, args: Readonly<Record<string, unknown>>, options: CallOptions): Promise<unknown> {
    if (this.#isClosed) throw lost('the connection ended');
    this.#lastId += 1;
    const id = String(this.#lastId);
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    try {
      const hasArgs = Object.keys(args).length > 0;
      this.#socket.write(`${JSON.stringify({ execute: command, ...(hasArgs ? { arguments: args } : {}), id })}\n`);
      const value = await within(this.#clock, answer, options.deadlineMs, options.signal);
      if (value !== late) return value;
      throw new BerthError('E_DRIVER_TIMEOUT', `QEMU did not answer ${command} within ${options.deadlineMs} ms`);
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Lets go; QEMU goes on. Never throws. */
  close(): void {
    this.#end(lost('the connection was closed'));
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#cutter.push(chunk)) {
        if (this.#isClosed) return;
        const message = messageOfLine(line);
        if (message) this.#take(message);
      }
    } catch (error) {
      this.#end(lost(messageOf(error), error));
    }
  }

  #take(message: QmpMessage): void {
    switch (message.kind) {
      case 'greeting':
        this.#greet();
        return;
      case 'event':
        this.#onEvent(message.event);
        return;
      case 'return':
        this.#waiting.get(message.id)?.resolve(message.value);
        return;
      case 'error': {
        const { id, words, className } = message;
        this.#waiting.get(id)?.reject(new BerthError('E_DRIVER_FAILED', `QEMU: ${words}`, { details: { className } }));
      }
    }
  }

  #end(error: BerthError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#markClosed();
  }
}
