/** The driver of virtual machines: the contract of src/core/ports/driver.ts over QEMU, for microVMs and unikernels. */
import { join } from 'node:path';
import { BerthError } from '../../core/errors.js';
import { shortHash } from '../../core/hash.js';
import { volumeName, type WorkloadRole } from '../../core/names.js';
import type { DriverSnapshot, Garbage, HostObject, ObservedWorkload } from '../../core/observation.js';
import type { Chance, Clock } from '../../core/ports/clock.js';
import type {
  Capability,
  ConsoleSession,
  CreateRequest,
  Driver,
  DriverStore,
  EventSink,
  LogLine,
  LogOptions,
  VolumeContent,
  WorkloadStats,
} from '../../core/ports/driver.js';
import type { ImageSource } from '../../core/ports/image-source.js';
import type { Log } from '../../core/ports/log.js';
import { parseVolume, type BuildSpec, type PullPolicy } from '../../core/spec.js';
import type { Folders } from '../host/folders.js';
import type { MachineHost } from '../host/machine-host.js';
import type { Pipes } from '../host/pipes.js';
import { VmActs } from './acts.js';
import { BootParts } from './boot-parts.js';
import { EventBus } from './bus.js';
import { defaultQemuSettings, type QemuSettings } from './contracts.js';
import { VmMaker } from './create.js';
import { Lives } from './lives.js';
import {
  attachConsole,
  findMachine,
  readConsoleLog,
  readStats,
  throwIfCancelled,
  uidOf,
  type MachineDeps,
} from './machine/index.js';
import { observeVm } from './observe.js';
import { VmStore, wholeOf, type Kept } from './store.js';
import { VmVolumes } from './volumes.js';

/** The driver's name in statuses, events and freshness. */
const driverName = 'qemu';

export interface QemuDriverOptions {
  /** Random id of the home. */
  readonly homeId: string;
  /** Prefix of workload names. */
  readonly namePrefix: string;
  /** The home's folder: everything of this driver is in `vm/` under it. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly host: MachineHost;
  readonly folders: Folders;
  readonly pipes: Pipes;
  readonly log: Log;
  /** Where OCI images come from. */
  readonly source: ImageSource;
  readonly settings?: Partial<QemuSettings>;
  /** For a short-lived command: nothing is followed, and nothing is written. */
  readonly transient?: boolean;
}

/** See `createQemuDriver`. */
class DriverOfQemu implements Driver {
  readonly name = driverName;
  readonly runtimes = ['microvm', 'unikernel'] as const;
  readonly imagesOf: string;
  readonly #options: QemuDriverOptions;
  readonly #deps: MachineDeps;
  readonly #store: VmStore;
  readonly #volumes: VmVolumes;
  readonly #parts: BootParts;
  readonly #maker: VmMaker;
  readonly #lives: Lives;
  readonly #acts: VmActs;
  readonly #bus = new EventBus(driverName);
  /** The clean-up after an agent that was killed. */
  #swept: Promise<void> | null = null;
  /** Names that creates under way are going to take. */
  readonly #reserved = new Set<string>();

  constructor(options: QemuDriverOptions) {
    const settings = { ...defaultQemuSettings, ...options.settings };
    const { host, folders, clock, chance, log, homeId, namePrefix } = options;
    const root = join(options.stateDir, 'vm');
    this.#options = options;
    this.imagesOf = options.source.name;
    this.#deps = { host, clock, settings };
    this.#store = new VmStore(folders, join(root, 'run'));
    this.#volumes = new VmVolumes({
      ...{ host, folders, homeId, driver: driverName },
      root: join(root, 'volumes'),
      deadlineMs: settings.buildDeadlineMs,
    });
    this.#parts = new BootParts({ ...options, root, settings });
    this.#maker = new VmMaker({
      ...{ folders, homeId, namePrefix },
      sources: this.#parts.sources,
      uidOf: (id) => uidOf(host.uid, settings.firstUid, id),
      now: () => clock.now(),
    });
    this.#lives = new Lives({
      ...{ deps: this.#deps, store: this.#store, folders, log },
      tell: (record, news) => this.#bus.tell(record, news),
      transient: options.transient ?? false,
    });
    this.#acts = new VmActs({
      ...{ deps: this.#deps, folders, store: this.#store, volumes: this.#volumes, lives: this.#lives },
      ...{ bus: this.#bus, chance, namePrefix },
      accelerator: (signal) => this.#parts.accelerator(signal),
    });
  }

  stores(): Promise<readonly DriverStore[]> {
    return Promise.resolve([{ what: 'virtual machines', path: join(this.#options.stateDir, 'vm') }]);
  }

  async open(signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    if (this.#options.transient) return;
    // Only the one agent of a home does this, and once: what is half made later is being made.
    this.#swept ??= this.#sweep().catch((error: unknown) => {
      this.#swept = null;
      throw error;
    });
    await this.#swept;
  }

  async #sweep(): Promise<void> {
    await this.#store.sweep();
    await this.#volumes.sweep();
    await this.#parts.sweep();
  }

  close(): Promise<void> {
    this.#store.close();
    this.#acts.close();
    this.#lives.close();
    return Promise.resolve();
  }

  capabilities(signal: AbortSignal): Promise<readonly Capability[]> {
    return this.#parts.capabilities(signal);
  }

  async list(signal: AbortSignal): Promise<DriverSnapshot> {
    throwIfCancelled(signal);
    const takenAtMs = this.#options.clock.now();
    const workloads = await Promise.all((await this.#store.all()).map((kept) => this.#observe(kept)));
    return { driver: driverName, workloads, images: new Map(), takenAtMs };
  }

  async inspect(idOrName: string, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    throwIfCancelled(signal);
    const kept = await this.#store.find(idOrName);
    return kept && this.#observe(kept);
  }

  async #observe(kept: Kept): Promise<ObservedWorkload> {
    return observeVm(driverName, kept, await this.#lives.view(kept));
  }

  resolveImage(reference: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#parts.resolveImage(reference, signal);
  }

  pull(reference: string, policy: PullPolicy, signal: AbortSignal): Promise<string> {
    return this.#parts.pull(reference, policy, signal);
  }

  build(build: BuildSpec, reference: string, signal: AbortSignal): Promise<string> {
    return this.#options.source.build(build, reference, signal);
  }

  objectsFor({ service, spec }: CreateRequest): readonly HostObject[] {
    const sources = spec.volumes.flatMap((text) => {
      const mount = parseVolume(text);
      return mount?.kind === 'named' ? [mount.source] : [];
    });
    return [...new Set(sources)].map((source) => ({
      kind: 'volume',
      driver: driverName,
      name: volumeName(this.#options.homeId, service, source),
      service,
      component: null,
    }));
  }

  async create(request: CreateRequest, signal: AbortSignal): Promise<string> {
    throwIfCancelled(signal);
    const name = this.#maker.nameOf(request);
    const id = shortHash(this.#options.chance.id()).slice(0, 12);
    if (this.#reserved.has(name)) throw nameTaken(name, 'another create');
    this.#reserved.add(name);
    try {
      const holder = await this.#store.find(name);
      if (holder) throw nameTaken(name, `the virtual machine ${holder.id}`);
      await this.#parts.mustServe();
      const fill = await this.#maker.prepare(request, id, signal);
      throwIfCancelled(signal);
      const record = await this.#store.add(id, async (folder) => {
        const record = await fill(folder);
        for (const volume of record.volumes) await this.#volumes.ensure(volume.name, volume.sizeMb);
        return record;
      });
      this.#bus.tell(record, { action: 'create', atMs: record.createdAtMs });
      return id;
    } finally {
      this.#reserved.delete(name);
    }
  }

  start(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#acts.start(nativeId, signal);
  }

  async update(nativeId: string): Promise<void> {
    const { name } = wholeOf(await this.#store.find(nativeId), nativeId);
    throw new BerthError('E_NOT_SUPPORTED', `the limits of the virtual machine ${name} cannot be changed in place`, {
      suggestion: 'edit memory_mb or vcpus in its definition: it is replaced by one with the new limits',
    });
  }

  stop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    return this.#acts.stop(nativeId, graceMs, signal);
  }

  unpause(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#acts.unpause(nativeId, signal);
  }

  rename(nativeId: string, service: string, component: string, role: WorkloadRole, signal: AbortSignal): Promise<void> {
    return this.#acts.rename(nativeId, service, component, role, signal);
  }

  remove(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#acts.remove(nativeId, signal);
  }

  async listObjects(signal: AbortSignal): Promise<readonly HostObject[]> {
    throwIfCancelled(signal);
    this.#store.mustBeOpen();
    return this.#volumes.list();
  }

  async removeObject({ kind, name }: HostObject, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    if (kind !== 'volume') throw new BerthError('E_NOT_SUPPORTED', `the QEMU driver removes no ${kind} by name`);
    const user = (await this.#store.all()).find(
      (kept) => kept.kind === 'whole' && kept.record.volumes.some((volume) => volume.name === name),
    );
    if (user) {
      throw new BerthError('E_DRIVER_FAILED', `the volume ${name} belongs to the virtual machine ${user.id}`);
    }
    await this.#volumes.remove(name);
  }

  async *readVolume({ name }: HostObject, signal: AbortSignal): AsyncIterable<Uint8Array> {
    throwIfCancelled(signal);
    await this.#mustNotRun(name);
    yield* this.#volumes.read(name);
  }

  async writeVolume({ name }: HostObject, content: VolumeContent, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await this.#mustNotRun(name);
    await this.#volumes.write(name, content);
  }

  /** A disk has one user: nobody reads or writes it beside a machine that runs. */
  async #mustNotRun(volume: string): Promise<void> {
    for (const kept of await this.#store.all()) {
      if (kept.kind === 'whole' && !kept.record.volumes.some(({ name }) => name === volume)) continue;
      const found = await findMachine(this.#deps, this.#store.machine(kept.id));
      if (found.state !== 'running') continue;
      throw new BerthError('E_DRIVER_FAILED', `the volume ${volume} is in use by the virtual machine ${kept.id}`);
    }
  }

  async listGarbage(): Promise<readonly Garbage[]> {
    const found = await this.#parts.garbage();
    return found.map((item) => ({ driver: driverName, ...item }));
  }

  removeGarbage({ id }: Garbage): Promise<void> {
    return this.#parts.removeGarbage(id);
  }

  async attach(nativeId: string, signal: AbortSignal): Promise<ConsoleSession> {
    const record = wholeOf(await this.#store.find(nativeId), nativeId);
    return attachConsole(this.#deps, this.#store.machine(record.id), signal);
  }

  async exec(nativeId: string): Promise<never> {
    const { name, runtime } = wholeOf(await this.#store.find(nativeId), nativeId);
    throw new BerthError('E_NOT_SUPPORTED', `${name} is a ${runtime}: nothing can be run inside it from here`, {
      suggestion: 'see its console with: berth console SERVICE/COMPONENT, or use runtime = "container"',
    });
  }

  async *logs(nativeId: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine> {
    const record = wholeOf(await this.#store.find(nativeId), nativeId);
    yield* readConsoleLog(this.#deps, this.#store.machine(record.id), options, signal);
  }

  async stats(signal: AbortSignal): Promise<readonly WorkloadStats[]> {
    throwIfCancelled(signal);
    const stats = await Promise.all(
      (await this.#store.ids()).map(async (nativeId) => {
        const found = await findMachine(this.#deps, this.#store.machine(nativeId));
        const read = found.state === 'running' ? await readStats(this.#deps, found.run) : undefined;
        return read && { nativeId, ...read };
      }),
    );
    return stats.filter((item) => item !== undefined);
  }

  events(sink: EventSink, signal: AbortSignal): Promise<void> {
    return this.#bus.follow(sink, signal);
  }
}

function nameTaken(name: string, holder: string): BerthError {
  return new BerthError('E_NAME_TAKEN', `the name ${name} is held by ${holder}`);
}

/**
 * A driver of QEMU machines. Nothing is asked of the host before `open`; what this node lacks (QEMU, a kernel, ops) is
 * said by `capabilities`, and by the calls that need it.
 */
export function createQemuDriver(options: QemuDriverOptions): Driver {
  return new DriverOfQemu(options);
}
