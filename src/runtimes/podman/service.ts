/**
 * The podman service that the driver talks to: the one that the settings name, else the system's, else one
 * of this home's own, which is watched and replaced when it dies or hangs. The others are never replaced.
 */
import { BerthError, isBerthError, messageOf } from '../../core/errors.js';
import type { Log } from '../../core/ports/log.js';
import { createLibpodClient, type LibpodClient } from './client.js';
import { OwnService, type OwnServiceOptions } from './own-service.js';
import type { ServiceRecord } from './service-record.js';
import { systemSockets } from './sockets.js';

export interface ServiceOptions extends OwnServiceOptions {
  readonly log: Log;
  /** From the settings: talk to this one and no other. */
  readonly socket: string | null;
  /** Also look for the system's socket. */
  readonly useSystemSocket: boolean;
  /** For one ping. */
  readonly pingDeadlineMs: number;
  readonly pingEveryMs: number;
  /** How long a service of our own may be silent before it is replaced. */
  readonly replaceServiceAfterMs: number;
}

/** Named in the settings, the system's, or started by this home. */
export type ServiceKind = 'given' | 'system' | 'own';

interface Connection {
  readonly client: LibpodClient;
  readonly kind: ServiceKind;
  /** null: not ours to signal. */
  readonly record: ServiceRecord | null;
}

const firstBackoffMs = 100;
const maxBackoffMs = 5_000;
/** A service that answers pings gets so many times as long to answer a list: it may only be slow. */
const deafFactor = 3;
/** Between two pings of a service that did not answer the last one. */
const silentPingEveryMs = 500;

/** Finds, starts, watches and replaces. Nothing happens before `open`. */
export class ServiceManager {
  readonly #options: ServiceOptions;
  readonly #own: OwnService;
  readonly #life = new AbortController();
  #current: Connection | null = null;
  #opening: Promise<void> | null = null;
  #checking: Promise<void> | null = null;
  #lastError: unknown = null;
  #cancelTimer: () => void = () => undefined;
  /** Since when pings are unanswered. */
  #silentSince: number | null = null;
  /** Since when lists are unanswered, although pings may be answered: podman's own locks can hang. */
  #deafSince: number | null = null;
  #backoffMs = firstBackoffMs;
  #hasStarted = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#own = new OwnService(options);
  }

  /** Kind of the present service; null while there is none. */
  get kind(): ServiceKind | null {
    return this.#current?.kind ?? null;
  }

  /**
   * Finds or starts a service; idempotent. E_DRIVER_UNREACHABLE, E_RUNTIME_UNAVAILABLE (no podman here);
   * it is tried again by itself then, until `close`.
   */
  open(signal: AbortSignal): Promise<void> {
    if (this.#current) return Promise.resolve();
    this.#opening ??= this.#openOnce(signal).finally(() => {
      this.#opening = null;
      this.#schedule(this.#current ? this.#options.pingEveryMs : this.#nextBackoff());
    });
    return this.#opening;
  }

  /** The client of the present service. E_DRIVER_UNREACHABLE while there is none. */
  client(): LibpodClient {
    if (this.#current) return this.#current.client;
    if (isBerthError(this.#lastError)) throw this.#lastError;
    throw new BerthError('E_DRIVER_UNREACHABLE', 'there is no connection to podman yet');
  }

  /** A call got no answer: looks at the service now instead of at the next ping. */
  suspect(): void {
    if (this.#opening === null && this.#checking === null) this.#schedule(0);
  }

  /** Tells how a list went: `false` when it was not answered in time. */
  listed(wasAnswered: boolean): void {
    this.#deafSince = wasAnswered ? null : (this.#deafSince ?? this.#options.clock.monotonic());
  }

  /** Stops a service that this home started, lets go of any other. Never throws. */
  async close(): Promise<void> {
    this.#life.abort();
    this.#cancelTimer();
    await this.#opening?.catch(() => undefined);
    await this.#checking?.catch(() => undefined);
    const last = this.#current;
    this.#current = null;
    this.#lastError = new BerthError('E_DRIVER_UNREACHABLE', 'the driver was closed');
    await last?.client.close().catch(() => undefined);
    // What a short-lived command found through the record belongs to the agent.
    if (!last?.record || (this.#options.transient && !this.#hasStarted)) return;
    await this.#own.end(last.record, true).catch(() => undefined);
    await this.#own.forget(last.record).catch(() => undefined);
  }

  async #ping(client: LibpodClient, signal: AbortSignal, deadlineMs = this.#options.pingDeadlineMs): Promise<boolean> {
    return client.call('GET', '/_ping', { what: 'ping', signal, deadlineMs }).then(
      () => true,
      () => false,
    );
  }

  async #connect(
    socket: string,
    kind: ServiceKind,
    record: ServiceRecord | null,
    signal: AbortSignal,
  ): Promise<Connection | null> {
    const client = createLibpodClient(socket, this.#options.clock);
    if (await this.#ping(client, signal)) return { client, kind, record };
    await client.close();
    return null;
  }

  /** The service that an earlier agent of this home left running; it is used again if it answers. */
  async #readopt(signal: AbortSignal): Promise<Connection | null> {
    const record = await this.#own.remembered();
    if (!record) return null;
    if (await this.#own.isAlive(record)) {
      const found = await this.#connect(record.socket, 'own', record, signal);
      if (found || this.#options.transient || signal.aborted) return found;
      this.#options.log.warn({ pid: record.pid }, "the home's podman service does not answer and is replaced");
      await this.#own.end(record, false);
    }
    if (!this.#options.transient) await this.#own.forget(record);
    return null;
  }

  async #findSystem(signal: AbortSignal): Promise<Connection | null> {
    const { host, useSystemSocket } = this.#options;
    for (const socket of useSystemSocket ? systemSockets(host.uid, host.env) : []) {
      const found = (await host.exists(socket)) ? await this.#connect(socket, 'system', null, signal) : null;
      if (found) return found;
    }
    return null;
  }

  async #find(signal: AbortSignal): Promise<Connection> {
    const { socket } = this.#options;
    if (socket !== null) {
      const found = await this.#connect(socket, 'given', null, signal);
      if (found) return found;
      throw new BerthError('E_DRIVER_UNREACHABLE', `no podman answers on ${socket}`, {
        suggestion: 'start it, or take the socket out of the settings',
      });
    }
    const found = (await this.#findSystem(signal)) ?? (await this.#readopt(signal));
    if (found) return found;
    // Whether an earlier agent's service answers was perhaps not waited for: another one would take its place.
    if (signal.aborted) throw new BerthError('E_DRIVER_TIMEOUT', 'looking for podman was cancelled');
    this.#hasStarted = true;
    return this.#own.start(
      (path, record) => this.#connect(path, 'own', record, signal),
      () => this.suspect(),
      signal,
    );
  }

  async #openOnce(signal: AbortSignal): Promise<void> {
    try {
      const found = await this.#find(AbortSignal.any([signal, this.#life.signal]));
      this.#current = found;
      this.#lastError = null;
      this.#silentSince = null;
      this.#deafSince = null;
      this.#backoffMs = firstBackoffMs;
      const { client, kind, record } = found;
      this.#options.log.info({ socket: client.socket, kind, pid: record?.pid ?? null }, 'podman answers');
    } catch (error) {
      this.#lastError = error;
      throw error;
    }
  }

  #nextBackoff(): number {
    const delay = this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, maxBackoffMs);
    return delay;
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer();
    if (this.#life.signal.aborted || this.#options.transient) return;
    this.#cancelTimer = this.#options.clock.after(delayMs, () => void this.#check());
  }

  /** Looks whether the service still answers; one look at a time. */
  #check(): Promise<void> {
    this.#checking ??= this.#checkOnce()
      .catch((error: unknown) => {
        this.#options.log.warn({ error: messageOf(error) }, 'podman is not there');
      })
      .finally(() => {
        this.#checking = null;
      });
    return this.#checking;
  }

  async #checkOnce(): Promise<void> {
    const { clock, pingEveryMs, pingDeadlineMs, replaceServiceAfterMs } = this.#options;
    if (this.#current === null) return this.open(this.#life.signal);
    const { client, record } = this.#current;
    const before = clock.monotonic();
    const left = (this.#silentSince ?? before) + replaceServiceAfterMs - before;
    const deadlineMs = record ? Math.max(50, Math.min(pingDeadlineMs, left)) : pingDeadlineMs;
    if (await this.#ping(client, this.#life.signal, deadlineMs)) {
      this.#silentSince = null;
      const deafMs = before - (this.#deafSince ?? before);
      if (record && deafMs >= replaceServiceAfterMs * deafFactor) return this.#replace('it answers pings, but no list');
      this.#schedule(pingEveryMs);
      return;
    }
    this.#silentSince ??= before;
    const dead = record !== null && !(await this.#own.isReachable(record));
    const hung = record !== null && clock.monotonic() - this.#silentSince >= replaceServiceAfterMs;
    if (dead || hung) await this.#replace(dead ? 'it died' : 'it does not answer');
    else this.#schedule(Math.min(silentPingEveryMs, pingEveryMs));
  }

  async #replace(why: string): Promise<void> {
    const last = this.#current;
    if (!last?.record || this.#life.signal.aborted) return;
    this.#options.log.warn({ pid: last.record.pid, why }, "the home's podman service is replaced");
    this.#current = null;
    this.#lastError = new BerthError('E_DRIVER_UNREACHABLE', `podman's service is being replaced: ${why}`);
    await this.#own.end(last.record, false);
    await last.client.close();
    await this.#own.forget(last.record);
    await this.open(this.#life.signal);
  }
}
