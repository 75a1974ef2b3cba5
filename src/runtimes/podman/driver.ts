/** The podman driver: puts its parts together behind the core's `Driver`. */
import { BerthError, isBerthError, messageOf } from '../../core/errors.js';
import type { WorkloadRole } from '../../core/names.js';
import type { DriverSnapshot, HostObject, ObservedWorkload } from '../../core/observation.js';
import type {
  Capability,
  CreateRequest,
  DriverStore,
  EventSink,
  ExecResult,
  Limits,
  LogLine,
  LogOptions,
  VolumeContent,
  WorkloadStats,
} from '../../core/ports/driver.js';
import type { BuildSpec, PullPolicy } from '../../core/spec.js';
import { createPipes } from '../host/pipes.js';
import { capabilitiesOf } from './capabilities.js';
import type { LibpodClient } from './client.js';
import { objectsOfRequest } from './create-body.js';
import { EventStream } from './event-stream.js';
import { defaultEventsFile } from './events-file.js';
import { HostObjects } from './host-objects.js';
import { saveImage, type ImageKeeper } from './image-source.js';
import { buildImage, pullImage, resolveImage, type ImagesOptions } from './images.js';
import { Listing } from './listing.js';
import { defaultPodmanSettings, type PodmanDriverOptions, type PodmanSettings } from './options.js';
import { hasDnsProgram, probeHost, type HostFacts } from './probe-host.js';
import { ProcessWatch } from './processes.js';
import { ServiceManager } from './service.js';
import { readVolume, writeVolume, type VolumeContentOptions } from './volume-content.js';
import { infoSchema, readAnswer, type PodmanInfo } from './wire.js';
import { WorkloadActions } from './workload-actions.js';
import { StatsReader } from './stats.js';
import { execInside, readLogs, type IoOptions } from './workload-io.js';

/** The driver's name in statuses, events and freshness. */
const driverName = 'podman';

/** How long an event may be on its way after the change that it tells of. */
const eventGraceMs = 1_000;

function noConsole(): BerthError {
  return new BerthError('E_NOT_SUPPORTED', 'a container has no console', {
    suggestion: 'read its output with: berth logs -f, or run a program in it with: berth exec',
  });
}

function storesOf({ store }: PodmanInfo): readonly DriverStore[] {
  const root = store?.graphRoot ?? '';
  const volumes = store?.volumePath ?? '';
  return [
    ...(root === '' ? [] : [{ what: 'images and containers', path: root }]),
    ...(volumes === '' ? [] : [{ what: 'volumes of containers', path: volumes }]),
  ];
}

/** See `createPodmanDriver`. */
class PodmanDriver implements ImageKeeper {
  readonly name = driverName;
  readonly runtimes = ['container'] as const;
  readonly imagesOf = driverName;
  readonly #options: PodmanDriverOptions;
  readonly #settings: PodmanSettings;
  readonly #service: ServiceManager;
  readonly #listing: Listing;
  readonly #objects: HostObjects;
  readonly #actions: WorkloadActions;
  readonly #events: EventStream;
  readonly #images: ImagesOptions;
  readonly #io: IoOptions;
  readonly #stats: StatsReader;
  readonly #volumes: VolumeContentOptions;
  #facts: Promise<HostFacts> | undefined;
  #listedAt: number | null = null;
  #stores: readonly DriverStore[] | undefined;

  constructor(options: PodmanDriverOptions) {
    const settings = { ...defaultPodmanSettings, ...options.settings };
    const { homeId, clock, host } = options;
    this.#options = options;
    this.#settings = settings;
    const ociRuntime = async (): Promise<string | null> => (await this.#hostFacts()).ociRuntime;
    const service = new ServiceManager({ ...settings, ...options, ociRuntime, transient: options.transient ?? false });
    this.#service = service;
    const client = (): LibpodClient => service.client();
    const base = { ...settings, driver: driverName, homeId, clock, host, client };
    const processes = new ProcessWatch(host, clock);
    this.#listing = new Listing({ ...base, processes });
    this.#objects = new HostObjects(base);
    this.#actions = new WorkloadActions({
      ...base,
      namePrefix: options.namePrefix,
      objects: this.#objects,
      processes,
      log: options.log,
      inspect: (idOrName, signal) => this.#listing.inspect(idOrName, signal),
      createDefaults: () => this.#hostFacts(),
    });
    this.#events = new EventStream({
      ...base,
      chance: options.chance,
      suspect: () => service.suspect(),
      // The service that the settings name may not be one of this host.
      eventsFile: () => (service.kind === 'given' ? null : defaultEventsFile(host.uid, host.env)),
      connectDeadlineMs: settings.callDeadlineMs,
      reconnectAfterMs: settings.eventsReconnectMs,
    });
    this.#images = { ...base, ociRuntime, isGivenSocket: () => service.kind === 'given' };
    this.#stats = new StatsReader(base);
    this.#io = { ...base, isLocal: () => service.kind !== 'given' };
    this.#volumes = { ...base, objects: this.#objects, pipes: createPipes() };
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#service.open(signal));
  }

  close(): Promise<void> {
    return this.#service.close();
  }

  capabilities(signal: AbortSignal): Promise<readonly Capability[]> {
    return this.#guarded(async () => {
      const { host } = this.#options;
      const client = this.#service.client();
      const [defaults, hasDns, info] = await Promise.all([
        this.#hostFacts(),
        hasDnsProgram(host),
        this.#info('ask for its info', signal),
      ]);
      const service = this.#service.kind ?? 'own';
      return capabilitiesOf({ layout: defaults.layout, defaults, hasDns, info, socket: client.socket, service });
    });
  }

  async stores(signal: AbortSignal): Promise<readonly DriverStore[]> {
    // The service that the settings name may not be one of this host.
    if (this.#service.kind === null || this.#service.kind === 'given') return [];
    this.#stores ??= storesOf(await this.#info('ask where it keeps things', signal));
    return this.#stores;
  }

  list(signal: AbortSignal): Promise<DriverSnapshot> {
    return this.#guarded(async () => {
      const startedAt = this.#options.clock.monotonic();
      const snapshot = await this.#listing.list(signal).catch((error: unknown) => {
        if (isBerthError(error, 'E_DRIVER_TIMEOUT') && !signal.aborted) this.#service.listed(false);
        throw error;
      });
      this.#service.listed(true);
      this.#checkEvents(startedAt);
      return snapshot;
    });
  }

  inspect(idOrName: string, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    return this.#guarded(() => this.#listing.inspect(idOrName, signal));
  }

  resolveImage(reference: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#guarded(() => resolveImage(this.#images, reference, signal));
  }

  pull(reference: string, policy: PullPolicy, signal: AbortSignal): Promise<string> {
    return this.#guarded(() => pullImage(this.#images, reference, policy, signal));
  }

  build(build: BuildSpec, reference: string, signal: AbortSignal): Promise<string> {
    return this.#guarded(() => buildImage(this.#images, build, reference, signal));
  }

  saveImage(digest: string, path: string, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => saveImage(this.#images, digest, path, signal));
  }

  objectsFor(request: CreateRequest): readonly HostObject[] {
    return objectsOfRequest(driverName, this.#options.homeId, request);
  }

  create(request: CreateRequest, signal: AbortSignal): Promise<string> {
    return this.#guarded(() => this.#actions.create(request, signal));
  }

  start(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#actions.start(nativeId, signal));
  }

  update(nativeId: string, limits: Limits, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#actions.update(nativeId, limits, signal));
  }

  stop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#actions.stop(nativeId, graceMs, signal));
  }

  unpause(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#actions.unpause(nativeId, signal));
  }

  rename(nativeId: string, service: string, component: string, role: WorkloadRole, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#actions.rename(nativeId, service, component, role, signal));
  }

  remove(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#actions.remove(nativeId, signal));
  }

  listObjects(signal: AbortSignal): Promise<readonly HostObject[]> {
    return this.#guarded(() => this.#objects.list(signal));
  }

  removeObject(object: HostObject, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => this.#objects.remove(object, signal));
  }

  readVolume(object: HostObject, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return readVolume(this.#volumes, object, signal);
  }

  writeVolume(object: HostObject, content: VolumeContent, signal: AbortSignal): Promise<void> {
    return this.#guarded(() => writeVolume(this.#volumes, object, content, signal));
  }

  /** Images and containers of a host are not Berth's alone: it keeps none of its own. */
  listGarbage(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  removeGarbage(): Promise<void> {
    return Promise.resolve();
  }

  attach(): Promise<never> {
    return Promise.reject(noConsole());
  }

  exec(nativeId: string, argv: readonly string[], signal: AbortSignal): Promise<ExecResult> {
    return this.#guarded(async () => {
      await this.#actions.mustBeOurs(nativeId, signal);
      return execInside(this.#io, nativeId, argv, signal);
    });
  }

  logs(nativeId: string, wanted: LogOptions, signal: AbortSignal): AsyncIterable<LogLine> {
    return readLogs(this.#io, nativeId, wanted, signal);
  }

  stats(signal: AbortSignal): Promise<readonly WorkloadStats[]> {
    return this.#guarded(() => this.#stats.read(signal));
  }

  events(sink: EventSink, signal: AbortSignal): Promise<void> {
    return this.#events.run(sink, signal);
  }

  async #info(what: string, signal: AbortSignal): Promise<PodmanInfo> {
    const deadlineMs = this.#settings.callDeadlineMs;
    const answer = await this.#service.client().call('GET', '/info', { what, signal, deadlineMs });
    return readAnswer(infoSchema, answer.json, what);
  }

  #hostFacts(): Promise<HostFacts> {
    return (this.#facts ??= probeHost(this.#options.host));
  }

  /** Runs a call; one that got no answer makes the service be looked at at once. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isBerthError(error, 'E_DRIVER_UNREACHABLE', 'E_DRIVER_TIMEOUT')) this.#service.suspect();
      if (isBerthError(error)) throw error;
      throw new BerthError('E_DRIVER_FAILED', `podman's driver failed: ${messageOf(error)}`, { cause: error });
    }
  }

  /** A change without any event since the list before: the stream may have died silently. */
  #checkEvents(startedAt: number): void {
    const before = this.#listedAt;
    this.#listedAt = startedAt;
    if (before === null || !this.#listing.sawChange) return;
    const isSilent = (): boolean => this.#events.lastEventAt === null || this.#events.lastEventAt < before;
    // An event may still be on its way (podman itself takes some 200 ms): look again a little later.
    if (!isSilent()) return;
    this.#options.clock.after(eventGraceMs, () => {
      if (isSilent()) this.#events.distrust();
    });
  }
}

/**
 * A driver for podman over libpod's REST API. Nothing happens before `open`, which finds the service or
 * starts one; until then, and while podman is away, each call fails with E_DRIVER_UNREACHABLE.
 */
export function createPodmanDriver(options: PodmanDriverOptions): ImageKeeper {
  return new PodmanDriver(options);
}
