/**
 * A simulated host: one runtime with its containers, images, networks and volumes, and one with machines, on a clock and with a
 * chance that a test owns. Several drivers of several homes may share one. The same seed and the same calls
 * give the same course.
 */
import { BerthError } from '../../core/errors.js';
import type { Chance, Clock } from '../../core/ports/clock.js';
import { Engine } from './engine.js';
import { EventBus, type HostEvent } from './event-bus.js';
import { FaultPlan } from './fault-plan.js';
import { Hand } from './hand.js';
import { ImageStore } from './image-store.js';
import type { Labels } from './labels.js';
import { drawLatencyMs, podmanLatencies, type Latencies } from './latency.js';
import type { Actor, Container, JournalEntry, Realm, Violation } from './model.js';
import { PortTable } from './port-table.js';
import { SafetyProbe } from './safety.js';
import { VolumeStore } from './volume-store.js';

export interface SimulatedHostOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Default: `podmanLatencies`. */
  readonly latencies?: Latencies;
  /** From a happening to the arrival of its event. Default: 5 ms. */
  readonly eventDelayMs?: number;
  /** Podman 5 tells of changed limits by an event, 4.3 does not. Default: false. */
  readonly updateEvents?: boolean;
}

/** A network or a named volume. */
export interface HostThing {
  readonly realm: Realm;
  readonly kind: 'network' | 'volume';
  readonly name: string;
  readonly labels: Labels;
}

/** An effect that a driver is about to have on the host, or has just had. */
export interface Effect {
  /** From 1, over all drivers. */
  readonly number: number;
  readonly moment: 'before' | 'after';
  readonly homeId: string;
  /** `create`, `start`, `network-create` … */
  readonly action: string;
  /** Native id or name. */
  readonly target: string;
}

/** `hang`: whoever calls waits; `refuse`: nobody listens; null: it works. */
export type Outage = 'hang' | 'refuse' | null;

export class SimulatedHost {
  readonly clock: Clock;
  readonly chance: Chance;
  /** What runs containers. */
  readonly engine: Engine;
  /** What runs machines. */
  readonly machines: Engine;
  readonly volumes: VolumeStore;
  readonly images: ImageStore;
  readonly events: EventBus;
  readonly faults = new FaultPlan();
  /** What a person does on the host behind Berth's back. */
  readonly hand: Hand;
  /** The same for machines. */
  readonly machineHand: Hand;
  /** From the start of a machine to that of its program, in milliseconds. */
  bootMs = 300;
  /** Why no machine can be made or started here now; null: they can. */
  machinesUnavailable: BerthError | null = null;
  /** What machines were built from, by image digest: when it was used last, in Unix milliseconds. */
  readonly built = new Map<string, number>();
  /** Whoever reads a volume just now: what was begun must be let go in the end. An agent that dies lets go of all. */
  readonly openReads = new Set<symbol>();
  latencies: Latencies;
  /** Called before and after each effect of a driver; a crash test ends its agent here. */
  onEffect: ((effect: Effect) => void) | null = null;
  /** Hears of everything that is done, as the journal keeps it. */
  onJournal: ((entry: JournalEntry) => void) | null = null;
  /** Host paths that do not exist; all others do. */
  readonly missingPaths = new Set<string>();
  readonly #things = new Map<string, HostThing>();
  readonly #journal: JournalEntry[] = [];
  readonly #safety: SafetyProbe;
  readonly #stopping = new Set<string>();
  readonly #updateEvents: boolean;
  readonly #locks = new Map<string, Promise<void>>();
  readonly #waitingForUp = new Set<() => void>();
  readonly #streams = new Set<() => void>();
  #outage: Outage = null;
  #carryOutAbandoned = false;
  #effects = 0;

  constructor(options: SimulatedHostOptions) {
    const { clock, chance } = options;
    this.clock = clock;
    this.chance = chance;
    this.latencies = options.latencies ?? podmanLatencies;
    this.#updateEvents = options.updateEvents ?? false;
    this.events = new EventBus(clock, options.eventDelayMs ?? 5);
    this.#safety = new SafetyProbe(clock);
    this.images = new ImageStore((action, reference, digest) => {
      this.#record('hand', `image-${action}`, digest, reference, '');
      this.#emit({
        realm: 'container',
        kind: 'image',
        action,
        nativeId: digest,
        name: reference,
        labels: {},
        attributes: {},
      });
    });
    this.volumes = new VolumeStore((detail) => {
      this.#safety.volumeInUse(detail);
    });
    const ports = new PortTable();
    const engineOf = (realm: Realm): Engine =>
      new Engine({
        realm,
        clock,
        ports,
        bootMs: () => this.bootMs,
        newId: () => `${chance.id()}${chance.id()}`.replaceAll('-', ''),
        programOf: (image) => this.images.programOf(image),
        onProgram: (container, { writes }) => {
          if (writes !== undefined) this.volumes.append(container, writes);
        },
        onAction: (by, action, container, detail) => {
          this.#acted(by, action, container, detail);
        },
      });
    this.engine = engineOf('container');
    this.machines = engineOf('vm');
    this.hand = new Hand(this.engine, this.images, this.volumes);
    this.machineHand = new Hand(this.machines, this.images, this.volumes);
  }

  /** Everything that was done, in order. */
  get journal(): readonly JournalEntry[] {
    return this.#journal;
  }

  /** What must never happen, and did; empty in every correct run. */
  violations(): readonly Violation[] {
    return this.#safety.violations;
  }

  /** How often a workload was started; 0 when there is none of that id or name. */
  starts(idOrName: string): number {
    return (this.engine.find(idOrName) ?? this.machines.find(idOrName))?.starts ?? 0;
  }

  engineOf(realm: Realm): Engine {
    return realm === 'container' ? this.engine : this.machines;
  }

  /** All containers, then all machines, each in order of creation. */
  containers(): readonly Container[] {
    return [...this.engine.all(), ...this.machines.all()];
  }

  /** How many effects drivers had on this host. */
  get effects(): number {
    return this.#effects;
  }

  get outage(): Outage {
    return this.#outage;
  }

  /** Whether requests whose caller gave up during a `hang` are carried out when it is over. */
  get carriesOutAbandoned(): boolean {
    return this.#carryOutAbandoned;
  }

  /**
   * Makes the runtime hang or refuse for everybody, or with null work again. A refusal breaks event streams,
   * a hang holds their events back.
   */
  setOutage(outage: Outage, options: { readonly carryOutAbandoned?: boolean } = {}): void {
    this.#outage = outage;
    if (outage !== null) this.#carryOutAbandoned = options.carryOutAbandoned ?? false;
    this.events.stall(outage === 'hang');
    if (outage === 'refuse') this.#cutStreams();
    if (outage === 'hang') return;
    const waiting = [...this.#waitingForUp];
    this.#waitingForUp.clear();
    for (const proceed of waiting) proceed();
  }

  /** Whoever follows a log holds a connection; `onCut` hears when it breaks. Answers what lets go of it. */
  openStream(onCut: () => void): () => void {
    this.#streams.add(onCut);
    return () => {
      this.#streams.delete(onCut);
    };
  }

  /** Resolves when the runtime does not hang (any more). */
  async whenNotHanging(): Promise<void> {
    while (this.#outage === 'hang') {
      await new Promise<void>((resolve) => {
        this.#waitingForUp.add(resolve);
      });
    }
  }

  /** The machine loses its power and starts again: all that ran is down, event streams break, limits are as made. */
  reboot(): void {
    for (const container of this.containers()) if (container.run) this.#safety.ended(container);
    this.engine.powerLoss();
    this.machines.powerLoss();
    this.#stopping.clear();
    this.#record('hand', 'reboot', '', '', '');
    this.events.cut();
  }

  /** Networks and volumes, in order of creation. */
  things(): readonly HostThing[] {
    return [...this.#things.values()];
  }

  thing(realm: Realm, kind: HostThing['kind'], name: string): HostThing | undefined {
    return this.#things.get(`${realm} ${kind} ${name}`);
  }

  /** What is there already is left alone. */
  makeThing(thing: HostThing, by: Actor): void {
    const key = `${thing.realm} ${thing.kind} ${thing.name}`;
    if (this.#things.has(key)) return;
    this.#things.set(key, thing);
    if (thing.kind === 'volume') this.volumes.set(thing.realm, thing.name, '');
    this.#record(by, `${thing.kind}-create`, thing.name, thing.name, '');
  }

  /** What is gone is gone. E_DRIVER_FAILED while a workload uses it. */
  removeThing(realm: Realm, kind: HostThing['kind'], name: string, by: Actor): void {
    const user = [...this.engineOf(realm).all()].find(({ spec }) =>
      kind === 'network' ? spec.network === name : spec.mounts.some((mount) => mount.source === name),
    );
    if (user) throw new BerthError('E_DRIVER_FAILED', `${kind} ${name} is being used by container ${user.id}`);
    if (kind === 'volume') this.volumes.delete(realm, name);
    if (this.#things.delete(`${realm} ${kind} ${name}`)) this.#record(by, `${kind}-remove`, name, name, '');
  }

  /** Has an effect in the name of a home, between the two calls of `onEffect`. */
  effect<T>(homeId: string, action: string, target: string, isGone: () => boolean, apply: () => T): T {
    this.#effects += 1;
    const facts = { number: this.#effects, homeId, action, target };
    this.onEffect?.({ ...facts, moment: 'before' });
    if (isGone()) throw new BerthError('E_DRIVER_UNREACHABLE', 'the caller ended before it could ask');
    const result = apply();
    this.onEffect?.({ ...facts, moment: 'after' });
    return result;
  }

  /** Podman's lock of one container: what is done to it is done one after the other. */
  async withLock<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(id) ?? Promise.resolve();
    const result = before.then(work);
    const after = result.then(
      () => undefined,
      () => undefined,
    );
    this.#locks.set(id, after);
    try {
      return await result;
    } finally {
      if (this.#locks.get(id) === after) this.#locks.delete(id);
    }
  }

  /** Waits; not at all for 0 ms. */
  async sleep(delayMs: number): Promise<void> {
    if (delayMs <= 0) return;
    await new Promise<void>((resolve) => {
      this.clock.after(delayMs, resolve);
    });
  }

  /** Takes the time that a call (or `transport`) takes on this host. */
  async takeTime(call: string): Promise<void> {
    await this.sleep(drawLatencyMs(this.latencies[call], this.chance));
  }

  /** Something happened that never must, as whoever watches a simulation found. */
  reportViolation(rule: Violation['rule'], detail: string): void {
    this.#safety.report(rule, detail);
  }

  /** A driver was told to touch what is not its home's, and refused. */
  reportForeignTouched(call: string, homeId: string, container: Container): void {
    this.#safety.foreignTouched(call, homeId, container);
  }

  #cutStreams(): void {
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const onCut of streams) onCut();
    this.events.cut();
  }

  #acted(by: Actor, action: string, container: Container, detail: string): void {
    this.#record(by, action, container.id, container.name, detail);
    const tell = (word: string, attributes: Labels = {}): void => {
      const { id: nativeId, name, spec } = container;
      const realm = spec.runtime === 'container' ? 'container' : 'vm';
      this.#emit({ realm, kind: 'workload', action: word, nativeId, name, labels: spec.labels, attributes });
    };
    if (action === 'start') {
      this.#safety.started(by, container);
      tell('init');
    }
    // Podman tells that it stopped something after it has died, not when it began to.
    if (action === 'stop') this.#stopping.add(container.id);
    else if (action === 'died') {
      this.#safety.ended(container);
      tell('died', container.exitCode === null ? {} : { containerExitCode: String(container.exitCode) });
      if (this.#stopping.delete(container.id)) tell('stop');
    } else if (action !== 'update' || this.#updateEvents) tell(action);
  }

  #record(by: Actor, action: string, id: string, name: string, detail: string): void {
    const entry = { atMs: this.clock.now(), by, action, id, name, detail };
    this.#journal.push(entry);
    this.onJournal?.(entry);
  }

  #emit(event: Omit<HostEvent, 'atMs'>): void {
    this.events.emit({ ...event, atMs: this.clock.now() });
  }
}

/** A host with nothing on it. */
export function createSimulatedHost(options: SimulatedHostOptions): SimulatedHost {
  return new SimulatedHost(options);
}
