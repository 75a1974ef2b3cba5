/** What is done to containers: each call is idempotent where the word allows it, and touches only this home's. */
import { BerthError, isBerthError } from '../../core/errors.js';
import { formatKey, hostName, workloadName, type WorkloadRole } from '../../core/names.js';
import type { Clock } from '../../core/ports/clock.js';
import type { CreateRequest, Limits } from '../../core/ports/driver.js';
import type { Log } from '../../core/ports/log.js';
import type { ObservedWorkload } from '../../core/observation.js';
import type { Answer, CallOptions, LibpodClient } from './client.js';
import {
  createBody,
  mountsOfRequest,
  nameOfRequest,
  objectsOfRequest,
  updateBody,
  type CreateDefaults,
} from './create-body.js';
import type { Host } from '../host/host.js';
import type { HostObjects } from './host-objects.js';
import { pause } from '../host/pause.js';
import type { ProcessWatch } from './processes.js';
import { createdSchema, readAnswer } from './wire.js';

export interface ActionsOptions {
  readonly driver: string;
  readonly homeId: string;
  readonly namePrefix: string;
  readonly clock: Clock;
  readonly host: Host;
  readonly log: Log;
  readonly client: () => LibpodClient;
  readonly objects: HostObjects;
  readonly processes: ProcessWatch;
  readonly inspect: (idOrName: string, signal: AbortSignal) => Promise<ObservedWorkload | undefined>;
  readonly createDefaults: () => Promise<CreateDefaults>;
  readonly callDeadlineMs: number;
}

/** What podman may take beyond the grace before the container is killed outright. */
const stopMarginMs = 5_000;
const killDeadlineMs = 5_000;
/** How long a kill may take to be seen. */
const killWaitMs = 2_000;
const pollEveryMs = 50;
/** While a stop waits for its grace to pass. */
const goneLookEveryMs = 500;

const isDown = (workload: ObservedWorkload | undefined): boolean =>
  workload === undefined || workload.state === 'exited' || workload.state === 'created';

const shortId = (nativeId: string): string => nativeId.slice(0, 12);
const pathOf = (nativeId: string, verb = ''): string =>
  `/containers/${encodeURIComponent(nativeId)}${verb === '' ? '' : `/${verb}`}`;

function missing(nativeId: string): BerthError {
  return new BerthError('E_WORKLOAD_MISSING', `podman has no container ${shortId(nativeId)} any more`);
}

function whoseWords(holder: ObservedWorkload, homeId: string): string {
  if (!holder.owner) return 'not made by Berth';
  return holder.owner.homeId === homeId ? 'of this home' : 'of another Berth home';
}

/** The actions on the containers of one home. */
export class WorkloadActions {
  readonly #options: ActionsOptions;

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  /** Makes networks and volumes that are missing, then the container. Answers its id. */
  async create(request: CreateRequest, signal: AbortSignal): Promise<string> {
    await this.#mustHaveSources(request);
    try {
      return await this.#createOnce(request, signal);
    } catch (error) {
      if (isBerthError(error, 'E_NAME_TAKEN') && error.details['kind'] === undefined) {
        throw await this.#nameTaken(nameOfRequest(this.#options.namePrefix, request), error, signal);
      }
      if (isBerthError(error, 'E_IMAGE_MISSING')) {
        const text = `the image ${request.spec.image} (${request.imageDigest}) is not here`;
        throw new BerthError('E_IMAGE_MISSING', text, { cause: error, details: error.details });
      }
      const isGone = isBerthError(error, 'E_DRIVER_FAILED') && /network not found|no such volume/i.test(error.message);
      if (!isGone) throw error;
      // It was here a moment ago; somebody removed it by hand.
      this.#options.objects.forget();
      return this.#createOnce(request, signal);
    }
  }

  /** Starts it; one that runs already is fine. */
  async start(nativeId: string, signal: AbortSignal): Promise<void> {
    const workload = await this.#ours(nativeId, signal);
    if (workload && (await this.#unstick(workload, signal))) throw missing(nativeId);
    if (workload?.owner) await this.#endForgotten(formatKey(workload.owner), signal);
    await this.#call('POST', pathOf(nativeId, 'start'), `start ${shortId(nativeId)}`, signal);
  }

  /** Changes the limits of a running container. */
  async update(nativeId: string, limits: Limits, signal: AbortSignal): Promise<void> {
    const what = `change the limits of ${shortId(nativeId)}`;
    if (!(await this.#ours(nativeId, signal))) throw missing(nativeId);
    await this.#call('POST', pathOf(nativeId, 'update'), what, signal, { body: updateBody(limits) });
  }

  /** Asks it to end, waits for the grace, kills, and if podman cannot bring it down removes it. */
  async stop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    const workload = await this.#ours(nativeId, signal);
    if (!workload || (isDown(workload) && !workload.problem)) return;
    if (await this.#unstick(workload, signal)) return;
    const { processes } = this.#options;
    const process = processes.processOf(workload.nativeId);
    // A frozen program cannot act on a signal, and podman refuses to stop it.
    if (workload.state === 'paused') await this.unpause(nativeId, signal);
    await this.#bringToEnd(nativeId, graceMs, signal);
    // Whoever removed it meanwhile by podman 4.3 has left its program running: see `remove`.
    await processes.end(workload.nativeId, process, signal);
  }

  async #bringToEnd(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#askToStop(nativeId, graceMs, signal);
    } catch (error) {
      if (signal.aborted || isBerthError(error, 'E_DRIVER_UNREACHABLE')) throw error;
    }
    if (!(await this.#waitUntilDown(nativeId, 500, signal))) await this.#bringDown(nativeId, signal);
  }

  /** Lets a paused container go on; one that is not paused is fine. */
  async unpause(nativeId: string, signal: AbortSignal): Promise<void> {
    if (!(await this.#ours(nativeId, signal))) throw missing(nativeId);
    try {
      await this.#call('POST', pathOf(nativeId, 'unpause'), `unpause ${shortId(nativeId)}`, signal);
    } catch (error) {
      if (!isBerthError(error, 'E_DRIVER_FAILED')) throw error;
      const workload = await this.#options.inspect(nativeId, signal);
      if (!workload) throw missing(nativeId);
      if (workload.state === 'paused') throw error;
    }
  }

  /** Gives it the name of a role. */
  async rename(
    nativeId: string,
    service: string,
    component: string,
    role: WorkloadRole,
    signal: AbortSignal,
  ): Promise<void> {
    const name = hostName(this.#options.namePrefix, workloadName(service, component), role);
    const workload = await this.#ours(nativeId, signal);
    if (!workload) throw missing(nativeId);
    if (workload.name === name) return;
    try {
      const what = `rename ${workload.name} to ${name}`;
      await this.#call('POST', pathOf(nativeId, 'rename'), what, signal, { query: { name } });
    } catch (error) {
      throw isBerthError(error, 'E_NAME_TAKEN') ? await this.#nameTaken(name, error, signal) : error;
    }
  }

  /**
   * Removes it with its anonymous volumes, killing it if it still runs. Named volumes stay. Podman 4.3 kills only what it
   * calls running: of what is being stopped just then it forgets the container, and the program runs on, seen by nobody
   * (libpod/runtime_ctr.go, `removeContainer`). So that is killed first, and what is left of it afterwards as well.
   */
  async remove(nativeId: string, signal: AbortSignal): Promise<void> {
    // Read just before: an id that is somebody else's is never removed, whatever the caller believed.
    const workload = await this.#ours(nativeId, signal);
    if (!workload) return;
    const { processes } = this.#options;
    const process = processes.processOf(workload.nativeId);
    if (workload.state === 'stopping') {
      await this.#kill(workload.nativeId, signal);
      await this.#waitUntilDown(workload.nativeId, killWaitMs, signal);
    }
    await this.#deleteSurely(workload.nativeId, signal);
    await processes.end(workload.nativeId, process, signal);
  }

  async #deleteSurely(nativeId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#delete(nativeId, signal);
    } catch (error) {
      // Of a container whose conmon is dead, the first try only learns that it is down.
      if (!isBerthError(error, 'E_DRIVER_FAILED')) throw error;
      await this.#delete(nativeId, signal);
    }
  }

  /** E_WORKLOAD_MISSING; E_DRIVER_FAILED when it is not of this home. */
  async mustBeOurs(nativeId: string, signal: AbortSignal): Promise<void> {
    if (!(await this.#ours(nativeId, signal))) throw missing(nativeId);
  }

  #call(
    method: 'POST' | 'DELETE',
    path: string,
    what: string,
    signal: AbortSignal,
    more: Partial<CallOptions> = {},
  ): Promise<Answer> {
    const { client, callDeadlineMs } = this.#options;
    return client().call(method, path, { what, signal, deadlineMs: callDeadlineMs, ...more });
  }

  #delete(nativeId: string, signal: AbortSignal): Promise<Answer> {
    return this.#call('DELETE', pathOf(nativeId), `remove ${shortId(nativeId)}`, signal, {
      // Podman 4 calls it `volumes` here, its documentation and Docker `v`.
      query: { force: true, v: true, volumes: true, timeout: 0 },
      allow: [404],
    });
  }

  /** The container, read afresh; undefined when it is gone. E_DRIVER_FAILED when it is not of this home. */
  async #ours(nativeId: string, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    const workload = await this.#options.inspect(nativeId, signal);
    if (workload && workload.owner?.homeId !== this.#options.homeId) {
      throw new BerthError('E_DRIVER_FAILED', `the container ${workload.name} is not of this home and is left alone`);
    }
    return workload;
  }

  async #mustHaveSources(request: CreateRequest): Promise<void> {
    for (const mount of mountsOfRequest(request)) {
      if (mount.kind === 'named' || (await this.#options.host.exists(mount.source))) continue;
      throw new BerthError('E_VOLUME_SOURCE', `${mount.source} does not exist on this host`, {
        details: { source: mount.source, target: mount.target },
      });
    }
  }

  async #createOnce(request: CreateRequest, signal: AbortSignal): Promise<string> {
    const { driver, homeId, namePrefix, objects, createDefaults } = this.#options;
    for (const object of objectsOfRequest(driver, homeId, request)) await objects.ensure(object);
    const body = createBody(homeId, namePrefix, request, await createDefaults());
    const what = `create ${nameOfRequest(namePrefix, request)}`;
    const { json } = await this.#call('POST', '/containers/create', what, signal, { body });
    return readAnswer(createdSchema, json, what).Id;
  }

  /** The error that names the holder of a name that podman refused. */
  async #nameTaken(name: string, error: unknown, signal: AbortSignal): Promise<BerthError> {
    const holder = await this.#options.inspect(name, signal).catch(() => undefined);
    const words = holder && `${whoseWords(holder, this.#options.homeId)}, ${holder.imageRef}`;
    const text = holder
      ? `the name ${name} is held by container ${shortId(holder.nativeId)} (${words})`
      : `the name ${name} is taken`;
    return new BerthError('E_NAME_TAKEN', text, {
      cause: error,
      details: { name, holder: holder?.nativeId ?? null, owner: holder?.owner?.homeId ?? null },
    });
  }

  /**
   * Frees a container of this home whose conmon is dead, which podman can neither stop nor start: a forced
   * removal makes podman see that it is down, or removes it. True when it is gone then.
   */
  async #unstick({ nativeId, state, problem }: ObservedWorkload, signal: AbortSignal): Promise<boolean> {
    if (!problem || state !== 'exited') return false;
    await this.#delete(nativeId, signal).catch((error: unknown) => {
      if (!isBerthError(error, 'E_DRIVER_FAILED')) throw error;
    });
    return (await this.#options.inspect(nativeId, signal)) === undefined;
  }

  /**
   * Whoever stops a container by hand, and removes it by force while that waits, leaves its program running: podman 4.3
   * knows it no more (see `remove`). It must not run beside its successor, whose ports it holds.
   */
  async #endForgotten(owner: string, signal: AbortSignal): Promise<void> {
    const { processes, inspect, log } = this.#options;
    for (const id of await processes.running(owner)) {
      const process = processes.processOf(id);
      if (!process || (await inspect(id, signal))) continue;
      log.warn(
        { container: shortId(id), pid: process.pid },
        'podman has forgotten a container that runs on: it is ended',
      );
      await processes.end(id, process, signal);
    }
  }

  /** Podman holds its answer back for the whole grace even when the container is removed meanwhile. */
  async #askToStop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    void this.#untilGone(nativeId, over.signal).then(end);
    const either = AbortSignal.any([signal, over.signal]);
    await this.#call('POST', pathOf(nativeId, 'stop'), `stop ${shortId(nativeId)}`, either, {
      query: { timeout: Math.ceil(graceMs / 1000) },
      deadlineMs: graceMs + stopMarginMs,
      allow: [404],
    }).finally(end);
  }

  /** Returns when there is no such container any more, or the signal fires. Never fails. */
  async #untilGone(nativeId: string, signal: AbortSignal): Promise<void> {
    const { clock, inspect } = this.#options;
    while (!signal.aborted) {
      await pause(clock, goneLookEveryMs, signal);
      const isGone = await inspect(nativeId, signal).then(
        (workload) => workload === undefined,
        () => false,
      );
      if (isGone) return;
    }
  }

  async #waitUntilDown(nativeId: string, withinMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock, inspect } = this.#options;
    const until = clock.monotonic() + withinMs;
    for (;;) {
      const workload = await inspect(nativeId, signal);
      if (isDown(workload) && !workload?.problem) return true;
      if (clock.monotonic() >= until || signal.aborted) return false;
      await pause(clock, pollEveryMs, signal);
    }
  }

  async #kill(nativeId: string, signal: AbortSignal): Promise<void> {
    // A container that cannot be killed any more is refused with 500, or 409 in newer versions.
    await this.#call('POST', pathOf(nativeId, 'kill'), `kill ${shortId(nativeId)}`, signal, {
      query: { signal: 'SIGKILL' },
      deadlineMs: killDeadlineMs,
      allow: [404, 409, 500],
    });
  }

  /** By force: kill, and if podman cannot bring it down remove it. */
  async #bringDown(nativeId: string, signal: AbortSignal): Promise<void> {
    await this.#kill(nativeId, signal);
    if (await this.#waitUntilDown(nativeId, killWaitMs, signal)) return;
    await this.remove(nativeId, signal);
  }
}
