/** The driver of a simulated host: the contract of src/core/ports/driver.ts, with Podman's habits. */
import { BerthError, isBerthError } from '../../core/errors.js';
import { hostName, workloadName, type WorkloadRole } from '../../core/names.js';
import type { DriverSnapshot, HostObject, ObservedWorkload } from '../../core/observation.js';
import type { Clock } from '../../core/ports/clock.js';
import type {
  Capability,
  CreateRequest,
  Driver,
  EventSink,
  ExecResult,
  Limits,
  LogLine,
  LogOptions,
  WorkloadStats,
} from '../../core/ports/driver.js';
import type { BuildSpec, PullPolicy, Runtime } from '../../core/spec.js';
import { CallGate } from './call-gate.js';
import { containerSpecOf, objectsOf, thingLabels, type Maker } from './container-spec.js';
import { followEvents } from './event-stream.js';
import { runInside } from './exec.js';
import type { HostThing, SimulatedHost } from './host.js';
import { ownerOf } from './labels.js';
import type { Actor, Container } from './model.js';
import { observe } from './observe.js';

export interface SimulatedDriverOptions {
  readonly host: SimulatedHost;
  readonly homeId: string;
  readonly namePrefix: string;
  readonly clock: Clock;
  /** Default: `simulated`. */
  readonly name?: string;
  /** The first is the one that its workloads are said to be. Default: containers. */
  readonly runtimes?: readonly [Runtime, ...Runtime[]];
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
  readonly #runtime: Runtime;
  readonly #deadlineMs: number;
  readonly #seen = new Map<string, { readonly version: number; readonly workload: ObservedWorkload }>();
  #lastSnapshot: DriverSnapshot | null = null;

  constructor(options: SimulatedDriverOptions) {
    const {
      host,
      homeId,
      namePrefix,
      clock,
      name = 'simulated',
      runtimes = ['container'],
      deadlineMs = 10_000,
    } = options;
    this.name = name;
    this.imagesOf = name;
    this.runtimes = runtimes;
    this.#host = host;
    this.#clock = clock;
    this.#gate = new CallGate(host, homeId);
    this.#maker = { driver: name, homeId, namePrefix };
    this.#actor = `home:${homeId}`;
    this.#runtime = runtimes[0];
    this.#deadlineMs = deadlineMs;
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
      const snapshot = this.#snapshot();
      this.#lastSnapshot = snapshot;
      return snapshot;
    });
  }

  inspect(idOrName: string, signal: AbortSignal): Promise<ObservedWorkload | undefined> {
    return this.#read('inspect', signal, () => {
      const container = this.#host.engine.find(idOrName);
      return container && this.#observe(container);
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
      const host = this.#host;
      await host.takeTime('create');
      for (const object of this.objectsFor(request)) {
        if (object.kind !== 'network' && object.kind !== 'volume') continue;
        const thing: HostThing = { kind: object.kind, name: object.name, labels: thingLabels(object, this.#maker) };
        if (host.thing(thing.kind, thing.name)) continue;
        this.#gate.mustLive();
        this.#gate.effect(`${thing.kind}-create`, thing.name, () => {
          host.makeThing(thing, this.#actor);
        });
      }
      this.#gate.mustLive();
      const spec = containerSpecOf(request, this.#maker, host);
      return this.#gate.effect('create', spec.name, () => host.engine.create(spec, this.#actor).id);
    });
  }

  start(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#act('start', nativeId, signal, (container) => {
      this.#host.engine.start(container, this.#actor);
    });
  }

  update(nativeId: string, limits: Limits, signal: AbortSignal): Promise<void> {
    return this.#act('update', nativeId, signal, (container) => {
      this.#host.engine.update(container, limits.memoryMb, limits.vcpus, this.#actor);
    });
  }

  stop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    return this.#gate.run('stop', signal, this.#deadlineMs + graceMs, async () => {
      const { engine } = this.#host;
      // The lock is held while it is asked to end, not while it ends.
      const { down } = await this.#host.withLock(nativeId, async () => {
        await this.#host.takeTime('stop');
        const container = engine.find(nativeId);
        if (!container) return { down: Promise.resolve() };
        this.#mustBeOurs('stop', container);
        return this.#gate.effect('stop', container.id, () => ({ down: engine.stop(container, graceMs, this.#actor) }));
      });
      await down;
    });
  }

  unpause(nativeId: string, signal: AbortSignal): Promise<void> {
    return this.#act('unpause', nativeId, signal, (container) => {
      this.#host.engine.unpause(container, this.#actor);
    });
  }

  rename(nativeId: string, service: string, component: string, role: WorkloadRole, signal: AbortSignal): Promise<void> {
    const name = hostName(this.#maker.namePrefix, workloadName(service, component), role);
    return this.#act('rename', nativeId, signal, (container) => {
      this.#host.engine.rename(container, name, this.#actor);
    });
  }

  async remove(nativeId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#act('remove', nativeId, signal, (container) => {
        this.#host.engine.remove(container, this.#actor);
      });
    } catch (error) {
      if (!isBerthError(error, 'E_WORKLOAD_MISSING')) throw error;
    }
  }

  listObjects(signal: AbortSignal): Promise<readonly HostObject[]> {
    return this.#read('listObjects', signal, () =>
      this.#host.things().flatMap(({ kind, name, labels }) => {
        const owner = ownerOf(labels);
        if (owner?.homeId !== this.#maker.homeId) return [];
        return [{ kind, driver: this.name, name, service: owner.service, component: null }];
      }),
    );
  }

  removeObject(object: HostObject, signal: AbortSignal): Promise<void> {
    return this.#gate.run('removeObject', signal, this.#deadlineMs, async () => {
      await this.#host.takeTime('removeObject');
      const { kind, name } = object;
      if (kind !== 'network' && kind !== 'volume') throw new BerthError('E_NOT_SUPPORTED', `${kind}: not an object`);
      const thing = this.#host.thing(kind, name);
      if (!thing) return;
      if (ownerOf(thing.labels)?.homeId !== this.#maker.homeId) {
        throw new BerthError('E_DRIVER_FAILED', `${kind} ${name} is not of this home`);
      }
      this.#gate.effect(`${kind}-remove`, name, () => {
        this.#host.removeThing(kind, name, this.#actor);
      });
    });
  }

  readVolume(): never {
    throw new BerthError('E_NOT_SUPPORTED', 'not yet');
  }
  writeVolume(): Promise<void> {
    return Promise.reject(new BerthError('E_NOT_SUPPORTED', 'not yet'));
  }
  listGarbage(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  removeGarbage(): Promise<void> {
    return Promise.resolve();
  }

  attach(): Promise<never> {
    return Promise.reject(new BerthError('E_NOT_SUPPORTED', 'a simulated workload has no console'));
  }

  exec(nativeId: string, argv: readonly string[], signal: AbortSignal): Promise<ExecResult> {
    return this.#read('exec', signal, () => {
      const container = this.#host.engine.get(nativeId);
      this.#mustBeOurs('exec', container);
      return runInside(container, argv);
    });
  }

  async *logs(nativeId: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const container = await this.#read('logs', signal, () => this.#host.engine.get(nativeId));
    yield* container.log.read(options, signal);
  }

  stats(signal: AbortSignal): Promise<readonly WorkloadStats[]> {
    return this.#read('stats', signal, () =>
      this.#host
        .containers()
        .filter(({ run, spec }) => run !== null && ownerOf(spec.labels)?.homeId === this.#maker.homeId)
        .map(({ id, startedAtMs }) => ({
          nativeId: id,
          memoryBytes: 8 * 1_048_576,
          cpuMs: Math.max(0, this.#clock.now() - (startedAtMs ?? 0)) / 100,
        })),
    );
  }

  events(sink: EventSink, signal: AbortSignal): Promise<void> {
    return followEvents({ host: this.#host, clock: this.#clock, gate: this.#gate, driver: this.name }, sink, signal);
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#read('open', signal, () => undefined);
  }

  close(): Promise<void> {
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
        const container = this.#host.engine.get(nativeId);
        this.#mustBeOurs(call, container);
        this.#gate.effect(call, container.id, () => {
          apply(container);
        });
      }),
    );
  }

  #mustBeOurs(call: string, container: Container): void {
    if (ownerOf(container.spec.labels)?.homeId === this.#maker.homeId) return;
    this.#host.reportForeignTouched(call, this.#maker.homeId, container);
    throw new BerthError(
      'E_DRIVER_FAILED',
      `${call}: container ${container.name} is not of this home; it was left alone`,
    );
  }

  #snapshot(): DriverSnapshot {
    const workloads: ObservedWorkload[] = [];
    for (const container of this.#host.engine.all()) workloads.push(this.#observe(container));
    if (this.#seen.size > 2 * workloads.length + 100) this.#seen.clear();
    return { driver: this.name, workloads, images: this.#host.images.references(), takenAtMs: this.#clock.now() };
  }

  /** Made once for each version of a container: a pass over thousands must cost little. */
  #observe(container: Container): ObservedWorkload {
    const seen = this.#seen.get(container.id);
    if (seen?.version === container.version) return seen.workload;
    const { driver, homeId } = this.#maker;
    const workload = observe(container, { driver, homeId, runtime: this.#runtime });
    this.#seen.set(container.id, { version: container.version, workload });
    return workload;
  }
}
