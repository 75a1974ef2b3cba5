/** Stays connected to a machine for as long as it runs, and tells its end as soon as there is one. */
import { BerthError, messageOf } from '../../../core/errors.js';
import { pause } from '../../host/pause.js';
import { machineFiles } from '../contracts.js';
import { late, within } from './deadline.js';
import type { MachineDeps } from './deps.js';
import { isMachineAlive } from './find.js';
import { QmpClient } from './qmp.js';
import type { QmpEvent } from './qmp-lines.js';
import type { RunIdentity } from './run-record.js';

export interface MachineEnd {
  /** Unix milliseconds at which it was seen. */
  readonly atMs: number;
  /** What QEMU said before it went; null: it said nothing, as when it was killed. */
  readonly shutdown: { readonly guest: boolean; readonly reason: string } | null;
  readonly panicked: boolean;
}

export interface QmpSessionOptions {
  readonly folder: string;
  readonly run: RunIdentity;
  /** Also STOP or RESUME at each connection, so that what happened meanwhile is known. */
  readonly onEvent?: (event: QmpEvent) => void;
  /** Once. */
  readonly onEnded?: (end: MachineEnd) => void;
}

const firstBackoffMs = 20;
const maxBackoffMs = 500;
/** A process that hung up is on its way out: it is looked at more often for a while. */
const dyingLookMs = 4;
const dyingLooks = 100;
const heartbeatMs = 5_000;

interface Ready {
  readonly promise: Promise<QmpClient>;
  readonly resolve: (client: QmpClient) => void;
}

function createReady(): Ready {
  let resolve: Ready['resolve'] = () => undefined;
  const promise = new Promise<QmpClient>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Nothing happens before `start`. */
export class QmpSession {
  readonly run: RunIdentity;
  /** Resolves when the process is gone; never when the session is closed before. */
  readonly ended: Promise<MachineEnd>;
  readonly #deps: MachineDeps;
  readonly #options: QmpSessionOptions;
  readonly #life = new AbortController();
  #ready = createReady();
  #markEnded: (end: MachineEnd) => void = () => undefined;
  #isStarted = false;
  #isEnded = false;
  #shutdown: MachineEnd['shutdown'] = null;
  #panicked = false;
  #problem: string | null = null;

  constructor(deps: MachineDeps, options: QmpSessionOptions) {
    this.#deps = deps;
    this.#options = options;
    this.run = options.run;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
  }

  /** Why QEMU cannot be asked at the moment; null: it can. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Idempotent. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#follow();
  }

  /** Lets go; the machine goes on. */
  close(): void {
    this.#life.abort();
  }

  /**
   * One command, waiting for a connection if there is none. E_DRIVER_FAILED: QEMU refused; E_DRIVER_TIMEOUT: no answer
   * within `deadlineMs` (default: the setting); E_WORKLOAD_MISSING: the machine is gone.
   */
  async execute(
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    signal?: AbortSignal,
    deadlineMs = this.#deps.settings.callDeadlineMs,
  ): Promise<unknown> {
    const { clock } = this.#deps;
    const untilMs = clock.monotonic() + deadlineMs;
    const gone = this.ended.then(() => null);
    const client = await within(clock, Promise.race([gone, this.#ready.promise]), deadlineMs, signal);
    if (client === null) throw new BerthError('E_WORKLOAD_MISSING', 'the machine is gone');
    if (client === late) {
      throw new BerthError('E_DRIVER_TIMEOUT', this.#problem ?? `QEMU was not reached within ${deadlineMs} ms`);
    }
    const leftMs = Math.max(untilMs - clock.monotonic(), 1);
    return client.execute(command, args, { deadlineMs: leftMs, ...(signal ? { signal } : {}) });
  }

  /** QEMU's word for the state of the machine (`running`, `paused`, `shutdown` …). Fails as `execute` does. */
  async status(signal?: AbortSignal): Promise<string> {
    const answer = await this.execute('query-status', {}, signal);
    return statusOf(answer);
  }

  async #follow(): Promise<void> {
    const { clock, host } = this.#deps;
    let backoffMs = firstBackoffMs;
    while (!isOver(this.#life.signal)) {
      const wasConnected = await this.#converse();
      for (let looks = wasConnected ? dyingLooks : 1; looks > 0 && !isOver(this.#life.signal); looks -= 1) {
        if (!(await isMachineAlive(host, this.run))) {
          this.#end();
          return;
        }
        if (looks > 1) await pause(clock, dyingLookMs, this.#life.signal);
      }
      backoffMs = wasConnected ? firstBackoffMs : Math.min(backoffMs * 2, maxBackoffMs);
      await pause(clock, backoffMs, this.#life.signal);
    }
  }

  /** One connection, from its beginning to its end; true when it came about. */
  async #converse(): Promise<boolean> {
    const { deadlineMs, signal } = { deadlineMs: this.#deps.settings.callDeadlineMs, signal: this.#life.signal };
    let client: QmpClient;
    try {
      client = await QmpClient.connect(this.#deps, {
        ...{ folder: this.#options.folder, socket: machineFiles.qmp, deadlineMs, signal },
        onEvent: (event) => {
          this.#note(event);
        },
      });
    } catch (error) {
      this.#problem = `QEMU does not answer: ${messageOf(error)}`;
      return false;
    }
    const letGo = (): void => {
      client.close();
    };
    signal.addEventListener('abort', letGo, { once: true });
    if (isOver(signal)) letGo();
    this.#problem = null;
    this.#ready.resolve(client);
    void this.#beat(client);
    await client.closed;
    signal.removeEventListener('abort', letGo);
    this.#ready = createReady();
    return true;
  }

  /** Asks now, and then now and again, whether QEMU still answers. */
  async #beat(client: QmpClient): Promise<void> {
    const { clock, settings } = this.#deps;
    const connection = new AbortController();
    void client.closed.then(() => {
      connection.abort();
    });
    for (let isFirst = true; !isOver(connection.signal); isFirst = false) {
      try {
        const answer = await client.execute('query-status', {}, { deadlineMs: settings.callDeadlineMs });
        this.#problem = null;
        if (isFirst) this.#tellStatus(statusOf(answer));
      } catch (error) {
        if (!isOver(connection.signal)) this.#problem = `QEMU does not answer: ${messageOf(error)}`;
      }
      await pause(clock, heartbeatMs, connection.signal);
    }
  }

  #tellStatus(status: string): void {
    const atMs = this.#deps.clock.now();
    if (status === 'paused') this.#note({ event: 'STOP', data: {}, atMs });
    if (status === 'running') this.#note({ event: 'RESUME', data: {}, atMs });
  }

  #note(event: QmpEvent): void {
    if (event.event === 'SHUTDOWN') {
      const { guest, reason } = event.data;
      this.#shutdown = { guest: guest === true, reason: typeof reason === 'string' ? reason : '' };
    }
    if (event.event === 'GUEST_PANICKED') this.#panicked = true;
    this.#options.onEvent?.(event);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#life.abort();
    const end = { atMs: this.#deps.clock.now(), shutdown: this.#shutdown, panicked: this.#panicked };
    this.#markEnded(end);
    this.#options.onEnded?.(end);
  }
}

function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

function statusOf(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null || !('status' in answer)) return '';
  return typeof answer.status === 'string' ? answer.status : '';
}
