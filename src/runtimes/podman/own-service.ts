/**
 * A podman service of this home's own: started in a session of its own, remembered in the state folder,
 * found again by a later agent, and ended. Nothing is signalled before its identity was checked.
 */
import { join } from 'node:path';
import { BerthError, messageOf } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import type { DetachedProcess, Host } from '../host/host.js';
import { pause } from '../host/pause.js';
import { identityOf, isSameProcess } from '../host/process-identity.js';
import { serviceRecordSchema, type ServiceRecord } from './service-record.js';
import { placeSocket, type SocketPlace } from './sockets.js';

export interface OwnServiceOptions {
  readonly homeId: string;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly host: Host;
  /** For a short-lived command: the service ends by itself soon after, and is not remembered. */
  readonly transient: boolean;
  readonly ociRuntime: () => Promise<string | null>;
  /** How long a fresh service may take to answer. */
  readonly startDeadlineMs: number;
}

/** How long a service may take to end when asked politely. */
const stopDeadlineMs = 1_000;
const idleSeconds = 10;

interface Started {
  readonly record: ServiceRecord;
  readonly child: DetachedProcess;
}

/** Keeper of the home's own service. */
export class OwnService {
  readonly #options: OwnServiceOptions;
  readonly #folder: string;
  readonly #recordPath: string;
  readonly #name: string;
  readonly #logPath: string;

  constructor(options: OwnServiceOptions) {
    this.#options = options;
    this.#folder = join(options.stateDir, 'podman');
    this.#recordPath = join(this.#folder, 'podman-service.json');
    this.#name = options.transient ? `transient-${options.host.pid}` : 'podman';
    this.#logPath = join(this.#folder, `${this.#name}-service.log`);
  }

  /** The service that an agent of this home started last; null when none is remembered. */
  async remembered(): Promise<ServiceRecord | null> {
    const text = await this.#options.host.readText(this.#recordPath);
    if (text === undefined) return null;
    try {
      return serviceRecordSchema.parse(JSON.parse(text));
    } catch {
      return null;
    }
  }

  /** True while that very process runs. */
  isAlive(record: ServiceRecord): Promise<boolean> {
    return isSameProcess(this.#options.host, record);
  }

  /** False: it has ended, or somebody removed its socket, and nobody will ever reach it again. */
  async isReachable(record: ServiceRecord): Promise<boolean> {
    return (await this.#options.host.exists(record.socket)) && (await this.isAlive(record));
  }

  /**
   * Starts one and waits until `answers`. `onExit` is told when it ends later. E_RUNTIME_UNAVAILABLE
   * without podman, E_DRIVER_UNREACHABLE with podman's words when it does not come up.
   */
  async start<T>(
    answers: (socket: string, record: ServiceRecord) => Promise<T | null>,
    onExit: () => void,
    signal: AbortSignal,
  ): Promise<T> {
    const started = await this.#spawn();
    const state = { ended: false };
    void started.child.exited.then(() => {
      state.ended = true;
      onExit();
    });
    const { clock, host, startDeadlineMs } = this.#options;
    const { record } = started;
    const until = clock.monotonic() + startDeadlineMs;
    while (!state.ended && !signal.aborted && clock.monotonic() < until) {
      const found = (await host.exists(record.socket)) ? await answers(record.socket, record) : null;
      if (found !== null) return found;
      await pause(clock, 15, signal);
    }
    return this.#giveUp(started, state.ended, signal.aborted);
  }

  /** Ends a service of ours: politely at first, or at once. */
  async end(record: ServiceRecord, polite: boolean): Promise<void> {
    const { clock, host } = this.#options;
    const until = clock.monotonic() + stopDeadlineMs;
    if (polite && (await this.isAlive(record))) host.kill(record.pid, 'SIGTERM');
    while (polite && clock.monotonic() < until && (await this.isAlive(record))) await pause(clock, 20);
    // Also when it is stopped (SIGSTOP): no other signal would reach it.
    if (await this.isAlive(record)) host.kill(record.pid, 'SIGKILL');
  }

  /**
   * Removes what a service left: its socket and the record of it, or a short-lived one's log. Where another agent of
   * the home has started a service by now, on the same path, that one's are left alone.
   */
  async forget(record: ServiceRecord): Promise<void> {
    const { host, transient } = this.#options;
    const kept = transient ? null : await this.remembered();
    const isAnothers = kept !== null && (kept.pid !== record.pid || kept.startTicks !== record.startTicks);
    if (isAnothers) return;
    await host.remove(record.socket);
    if (record.folder) await host.remove(record.folder);
    await host.remove(transient ? this.#logPath : this.#recordPath);
  }

  async #spawn(): Promise<Started> {
    const { host, homeId, transient, ociRuntime } = this.#options;
    const podman = await host.findProgram('podman');
    if (!podman) {
      throw new BerthError('E_RUNTIME_UNAVAILABLE', 'podman is not installed here', {
        suggestion: 'install it: apt-get install podman runc netavark aardvark-dns iptables',
      });
    }
    await host.makeFolder(this.#folder);
    const place = await placeSocket(host, this.#folder, homeId, this.#name);
    try {
      await host.remove(place.socket);
      const runtime = await ociRuntime();
      const flags = runtime ? ['--runtime', runtime] : [];
      const idle = transient ? idleSeconds : 0;
      const argv = [podman, ...flags, 'system', 'service', `--time=${idle}`, `unix://${place.socket}`];
      return await this.#begin(argv, place);
    } catch (error) {
      // Nobody knows of what was made for it: it is tried again and again, and would leave more each time.
      for (const path of [place.folder, transient ? this.#logPath : null]) {
        if (path !== null) await host.remove(path).catch(() => undefined);
      }
      throw error;
    }
  }

  /** Launches it and writes down which process it is; where that fails, none is left. */
  async #begin(argv: readonly string[], place: SocketPlace): Promise<Started> {
    const { host, transient } = this.#options;
    const child = await this.#launch(argv);
    const state = { ended: false };
    void child.exited.then(() => {
      state.ended = true;
    });
    try {
      const identity = await identityOf(host, child.pid);
      if (!identity) throw await this.#failure('ended at once');
      const record = { ...identity, ...place };
      if (!transient) await host.writeText(this.#recordPath, JSON.stringify(record));
      return { record, child };
    } catch (error) {
      // Nobody would ever find it again. While it is not known to have ended, its number is its own: it is our child.
      if (!state.ended) host.kill(child.pid, 'SIGKILL');
      throw error;
    }
  }

  async #launch(argv: readonly string[]): Promise<DetachedProcess> {
    try {
      return await this.#options.host.startDetached(argv, this.#logPath);
    } catch (error) {
      throw new BerthError('E_DRIVER_UNREACHABLE', `podman's service could not be started: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async #giveUp(started: Started, ended: boolean, cancelled: boolean): Promise<never> {
    const { record } = started;
    await this.end(record, false);
    const how = ended ? 'ended at once' : `did not answer within ${this.#options.startDeadlineMs} ms`;
    const error = await this.#failure(how);
    await this.forget(record);
    throw cancelled ? new BerthError('E_DRIVER_TIMEOUT', "the start of podman's service was cancelled") : error;
  }

  async #failure(how: string): Promise<BerthError> {
    const words = ((await this.#options.host.readText(this.#logPath)) ?? '').trim().slice(-2_000);
    return new BerthError('E_DRIVER_UNREACHABLE', `podman's service ${how}${words === '' ? '' : `: ${words}`}`, {
      details: { podman: words },
    });
  }
}
