/** The driver of a simulated host: the contract of src/core/ports/driver.ts, with Podman's habits. */
import { BerthError, isBerthError } from '../../core/errors.js';
import { hostName, workloadName, type WorkloadRole } from '../../core/names.js';
import type { DriverSnapshot, Garbage, HostObject, ObservedWorkload } from '../../core/observation.js';
import type { Clock } from '../../core/ports/clock.js';
import type {
  Capability,
  ConsoleSession,
  CreateRequest,
  Driver,
  EventSink,
  ExecResult,
  Limits,
  LogLine,
  LogOptions,
  VolumeContent,
  WorkloadStats,
} from '../../core/ports/driver.js';
import type { BuildSpec, PullPolicy, Runtime } from '../../core/spec.js';
import { CallGate } from './call-gate.js';
import { openConsole } from './console.js';
import { objectsOf, type Maker } from './container-spec.js';
import { createWorkload } from './create.js';
import type { Engine } from './engine.js';
import { followEvents } from './event-stream.js';
import { runInside } from './exec.js';
import type { SimulatedHost } from './host.js';
import { removeBuild, unusedBuilds } from './machine-builds.js';
import type { Actor, Container } from './model.js';
import { readLog } from './log-stream.js';
import { contentOf, listObjects, removeObject, replaceContent, type ObjectsContext } from './objects.js';
import { statsOf } from './observe.js';
import { noSuchMachine, Sight } from './sight.js';

export interface SimulatedDriverOptions {
  readonly host: SimulatedHost;
  readonly homeId: string;
  readonly namePrefix: string;
  readonly clock: Clock;
  /** Default: `simulated`. */
  readonly name?: string;
  /** Containers, or machines of either kind. Default: containers. */
  readonly runtimes?: readonly [Runtime, ...Runtime[]];
  /** Default: its own name. */
  readonly imagesOf?: string;
  /** For each call but pulls and builds (`slowFactor` times that) and stops (the grace on top). Default: 10,000 ms. */
  readonly deadlineMs?: number;
}

/** How many times the deadline of other calls a pull or a build may take. */
const slowFactor = 60;

/** A driver whose agent can be made to die. */
export interface SimulatedDriver extends Driver {
  /**
   * The agent dies at this instant: no call of this driver ever answers again and none is made any more; what
   * had reached the host is carried out.
   */
  crash(): void;
}

export function createSimulatedDriver(options: SimulatedDriverOptions): SimulatedDriver {
  return new DriverOfHost(options);
}

class DriverOfHost implements SimulatedDriver {
  readonly name: string;
  readonly runtimes: readonly Runtime[];
  readonly imagesOf: string;
  readonly #host: SimulatedHost;
  readonly #clock: Clock;
  readonly #gate: CallGate;
  readonly #maker: Maker;
  readonly #actor: Actor;
  readonly #objects: ObjectsContext;
  readonly #engine: Engine;
  readonly #deadlineMs: number;
  readonly #sight: Sight;
  #lastSnapshot: DriverSnapshot | null = null;

  constructor(options: SimulatedDriverOptions) {
    const {
      host,
      homeId,
      namePrefix,
      clock,
      name = 'simulated',
      runtimes = ['container'],
      imagesOf = name,
      deadlineMs = 10_000,
    } = options;
    this.name = name;
    this.imagesOf = imagesOf;
    this.runtimes = runtimes;
    this.#host = host;
    this.#clock = clock;
    this.#gate = new CallGate(host, homeId);
    const realm = runtimes[0] === 'container' ? 'container' : 'vm';
    this.#engine = host.engineOf(realm);
    this.#maker = { driver: name, realm, homeId, namePrefix };
    this.#actor = `home:${homeId}`;
    this.#objects = { host, gate: this.#gate, maker: this.#maker, actor: this.#actor };
    this.#deadlineMs = deadlineMs;
    this.#sight = new Sight({ host, engine: this.#engine, maker: this.#maker, clock, imagesOf });
  }

  capabilities(signal: AbortSignal): Promise<readonly Capability[]> {
    return this.#read('capabilities', signal, () => [
      { name: this.name, ok: true, detail: 'a simulated host', remedy: null },
      { name: 'limits.memory', ok: true, detail: 'limits are kept, nothing is limited', remedy: null },
    ]);
  }

  list(signal: AbortSignal): Promise<DriverSnapshot> {
    return this.#gate.run('list', signal, this.#deadlineMs, async (fault) => {
      const last = this.#lastSnapshot;
      await this.#host.takeTime('list');
      if (fault.kind === 'stale' && last !== null) return last;
      const snapshot = this.#sight.snapshot();
      this.#lastSnapshot = snapshot;
      if (fault.kind !== 'partial') return snapshot;
      return { ...snapshot, workloads: snapshot.workloads.filter(() => this.#host.chance.random() < 0.5) };
    });
  }

  inspect(idOrName: string, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    return this.#read('inspect', signal, () => {
      const container = this.#engine.find(idOrName);
      return container && this.#sight.shows(container) ? this.#sight.observe(container) : undefined;
    });
  }

  resolveImage(reference: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#read('resolveImage', signal, () => this.#host.images.resolve(reference));
  }

  async pull(reference: string, policy: PullPolicy, signal: AbortSignal): Promise<string> {
    const local = policy === 'always' ? undefined : await this.resolveImage(reference, signal);
    if (local !== undefined) return local;
    if (policy === 'never') throw new BerthError('E_IMAGE_MISSING', `${reference}: image not known`);
    return this.#gate.run('pull', signal, this.#deadlineMs * slowFactor, async () => {
      await this.#host.takeTime('pull');
      return this.#gate.effect('pull', reference, () => this.#host.images.pull(reference));
    });
  }

  build(build: BuildSpec, reference: string, signal: AbortSignal): Promise<string> {
    return this.#gate.run('build', signal, this.#deadlineMs * slowFactor, async () => {
      await this.#host.takeTime('build');
      return this.#gate.effect('build', reference, () => this.#host.images.build(build.context, reference));
    });
  }

  objectsFor(request: CreateRequest): readonly HostObject[] {
    return objectsOf(request, this.#maker);
  }

  create(request: CreateRequest, signal: AbortSignal): Promise<string> {
    return this.#gate.run('create', signal, this.#deadlineMs, async () => {
      await this.#host.takeTime('create');
      return createWorkload(this.#objects, this.#engine, request);
    });
  }

  start(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#act('start', nativeId, signal, (container) => {
      if (this.#sight.isVm && this.#host.machinesUnavailable) throw this.#host.machinesUnavailable;
      this.#engine.start(container, this.#actor);
    });
  }

  update(nativeId: string, limits: Limits, signal: AbortSignal): Promise<void> {
    return this.#act('update', nativeId, signal, (container) => {
      if (this.#sight.isVm) throw new BerthError('E_NOT_SUPPORTED', 'a machine keeps the limits it has');
      this.#engine.update(container, limits.memoryMb, limits.vcpus, this.#actor);
    });
  }

  stop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    return this.#gate.run('stop', signal, this.#deadlineMs + graceMs, async () => {
      const engine = this.#engine;
      // The lock is held while it is asked to end, not while it ends.
      const { down } = await this.#host.withLock(nativeId, async () => {
        await this.#host.takeTime('stop');
        const container = engine.find(nativeId);
        if (!container || this.#sight.hides('stop', container)) return { down: Promise.resolve() };
        this.#sight.mustBeOurs('stop', container);
        return this.#gate.effect('stop', container.id, () => ({ down: engine.stop(container, graceMs, this.#actor) }));
      });
      await down;
    });
  }

  unpause(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#act('unpause', nativeId, signal, (container) => {
      this.#engine.unpause(container, this.#actor);
    });
  }

  rename(nativeId: string, service: string, component: string, role: WorkloadRole, signal: AbortSignal): Promise<void> {
    const name = hostName(this.#maker.namePrefix, workloadName(service, component), role);
    return this.#act('rename', nativeId, signal, (container) => {
      this.#engine.rename(container, name, this.#actor);
    });
  }

  async remove(nativeId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#act('remove', nativeId, signal, (container) => {
        this.#engine.remove(container, this.#actor);
      });
    } catch (error) {
      if (!isBerthError(error, 'E_WORKLOAD_MISSING')) throw error;
    }
  }

  listObjects(signal: AbortSignal): Promise<readonly HostObject[]> {
    return this.#read('listObjects', signal, () => listObjects(this.#objects));
  }

  removeObject(object: HostObject, signal: AbortSignal): Promise<void> {
    return this.#read('removeObject', signal, () => {
      removeObject(this.#objects, object);
    });
  }

  async *readVolume(object: HostObject, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const content = await this.#read('readVolume', signal, () => contentOf(this.#objects, object));
    const reader = Symbol(object.name);
    this.#host.openReads.add(reader);
    try {
      yield Buffer.from(content, 'utf8');
    } finally {
      this.#host.openReads.delete(reader);
    }
  }

  writeVolume(object: HostObject, content: VolumeContent, signal: AbortSignal): Promise<void> {
    return this.#gate.run('writeVolume', signal, this.#deadlineMs * slowFactor, async () => {
      await this.#host.takeTime('writeVolume');
      await replaceContent(this.#objects, object, content);
    });
  }

  listGarbage(signal: AbortSignal): Promise<readonly Garbage[]> {
    return this.#read('listGarbage', signal, () => (this.#sight.isVm ? unusedBuilds(this.#host, this.name) : []));
  }

  removeGarbage(garbage: Garbage, signal: AbortSignal): Promise<void> {
    return this.#read('removeGarbage', signal, () => {
      removeBuild(this.#host, garbage);
    });
  }

  attach(nativeId: string, signal: AbortSignal): Promise<ConsoleSession> {
    return this.#read('attach', signal, () => {
      if (!this.#sight.isVm) throw new BerthError('E_NOT_SUPPORTED', 'a container has no console');
      const machine = this.#sight.shown(nativeId);
      this.#sight.mustBeOurs('attach', machine);
      return openConsole(machine, this.#clock);
    });
  }

  exec(nativeId: string, argv: readonly string[], signal: AbortSignal): Promise<ExecResult> {
    return this.#read('exec', signal, () => {
      if (this.#sight.isVm) throw new BerthError('E_NOT_SUPPORTED', 'there is nothing to run a command in a machine');
      const container = this.#engine.get(nativeId);
      this.#sight.mustBeOurs('exec', container);
      return runInside(container, argv);
    });
  }

  async *logs(nativeId: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const { log } = await this.#read('logs', signal, () => this.#sight.shown(nativeId));
    yield* readLog(this.#host, log, options, signal);
  }

  stats(signal: AbortSignal): Promise<readonly WorkloadStats[]> {
    return this.#read('stats', signal, () => statsOf(this.#engine.list(), this.#maker.homeId, this.#clock.now()));
  }

  events(sink: EventSink, signal: AbortSignal): Promise<void> {
    return followEvents(
      { host: this.#host, clock: this.#clock, gate: this.#gate, driver: this.name, realm: this.#maker.realm },
      sink,
      signal,
    );
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#read('open', signal, () => undefined);
  }

  close(): Promise<void> {
    this.#gate.close();
    return Promise.resolve();
  }

  crash(): void {
    this.#gate.die();
  }

  #read<T>(call: string, signal: AbortSignal, read: () => T): Promise<T> {
    return this.#gate.run(call, signal, this.#deadlineMs, async () => {
      await this.#host.takeTime(call);
      return read();
    });
  }

  /** An effect on one workload of this home, under its lock. E_WORKLOAD_MISSING, E_DRIVER_FAILED. */
  #act(call: string, nativeId: string, signal: AbortSignal, apply: (container: Container) => void): Promise<void> {
    return this.#gate.run(call, signal, this.#deadlineMs, () =>
      this.#host.withLock(nativeId, async () => {
        await this.#host.takeTime(call);
        const container = this.#engine.get(nativeId);
        if (this.#sight.hides(call, container)) throw noSuchMachine(nativeId);
        this.#sight.mustBeOurs(call, container);
        this.#gate.effect(call, container.id, () => {
          apply(container);
        });
      }),
    );
  }
}
