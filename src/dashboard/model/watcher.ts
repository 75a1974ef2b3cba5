/**
 * Follows the watch through every loss: resumes where it was, starts anew when that is refused, waits longer after each
 * failure, and takes silence for a loss. The connection, the clock and chance are arguments.
 */
import type { WatchMessage } from '../../api/http/contract.js';
import type { Board } from './board.js';

/** One open stream. */
export interface Stream {
  close(): void;
}

export interface StreamListener {
  onMessage(message: WatchMessage, id: string): void;
  /** It ended, for whatever reason. */
  onEnd(): void;
}

export interface WatcherPorts {
  /** Opens the stream; `after` is where to resume, null: from the beginning. */
  open(after: string | null, listener: StreamListener): Stream;
  /** What the agent says when it is asked plainly: `refused` wants a login; `silent` too when the signal fires first. */
  probe(signal: AbortSignal): Promise<'answers' | 'refused' | 'silent'>;
  /** Leads to the login. */
  login(): void;
  now(): number;
  after(delayMs: number, then: () => void): () => void;
  /** From 0 up to 1. */
  chance(): number;
}

const firstDelayMs = 250;
const longestDelayMs = 5_000;
/** The agent says something every few seconds; after so long it is not heard any more. */
const silenceMs = 15_000;
/** A plain request may wait behind others for ever. */
const longestProbeMs = 10_000;

export class Watcher {
  readonly #board: Board;
  readonly #ports: WatcherPorts;
  #stream: Stream | null = null;
  /** Where to resume; null before all of the present was told, for half a snapshot has no place to go on from. */
  #lastId: string | null = null;
  #failures = 0;
  #heard = false;
  #cancel: () => void = () => undefined;
  #asleep = false;
  #closed = false;

  constructor(board: Board, ports: WatcherPorts) {
    this.#board = board;
    this.#ports = ports;
  }

  start(): void {
    if (this.#closed) return;
    this.#heard = false;
    const isFresh = this.#lastId === null;
    if (isFresh) this.#board.beginSnapshot();
    let over = false;
    const stream = this.#ports.open(this.#lastId, {
      onMessage: (message, id) => {
        if (over) return;
        this.#take(message, id);
      },
      onEnd: () => {
        if (over) return;
        over = true;
        this.#lost(stream);
      },
    });
    this.#stream = stream;
    this.#watchSilence();
  }

  /** Tries at once, as when the browser wakes up. */
  hurry(): void {
    if (this.#closed || this.#asleep || this.#stream !== null) return;
    this.#cancel();
    this.start();
  }

  /** Lets go of the connection, which others may need; nothing is heard until `wake`. */
  sleep(): void {
    this.#asleep = true;
    this.#end();
    this.#board.pause();
  }

  /** Goes on where it was. */
  wake(): void {
    this.#asleep = false;
    this.hurry();
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #end(): void {
    this.#cancel();
    this.#stream?.close();
    this.#stream = null;
  }

  #take(message: WatchMessage, id: string): void {
    this.#heard = true;
    this.#failures = 0;
    this.#board.take(message, this.#ports.now());
    if (id !== '' && (this.#lastId !== null || message.name === 'synced')) this.#lastId = id;
    this.#watchSilence();
  }

  #watchSilence(): void {
    this.#cancel();
    this.#cancel = this.#ports.after(silenceMs, () => {
      const stream = this.#stream;
      if (stream !== null) this.#lost(stream);
    });
  }

  #lost(stream: Stream): void {
    stream.close();
    if (this.#stream !== stream) return;
    this.#stream = null;
    this.#cancel();
    this.#board.lose();
    this.#failures += 1;
    // A stream that never said a word may have been refused; only a plain request can tell.
    if (this.#heard) this.#again();
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    const control = new AbortController();
    const state = { isOvertaken: false };
    const stop = this.#ports.after(longestProbeMs, () => {
      control.abort();
    });
    this.#cancel = () => {
      state.isOvertaken = true;
      stop();
      control.abort();
    };
    const answer = await this.#ports.probe(control.signal);
    if (state.isOvertaken) return;
    if (answer === 'refused') {
      this.#ports.login();
      return;
    }
    if (answer === 'answers') this.#lastId = null;
    this.#again();
  }

  #again(): void {
    const longest = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(this.#failures - 1, 10));
    this.#cancel();
    this.#cancel = this.#ports.after(longest * (0.5 + this.#ports.chance() / 2), () => {
      this.start();
    });
  }
}
