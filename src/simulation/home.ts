/**
 * A whole home in simulation: the real registry, controller, monitor and reconciler over a simulated host, on a
 * virtual clock. Its agent can die at any instant and be started again. One seed and one commit give one course.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '../core/errors.js';
import { formatKey, volumeName } from '../core/names.js';
import type { Chance } from '../core/ports/clock.js';
import type { Change, ChangeContext, ComponentRecord, Registry } from '../core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../core/spec.js';
import { openRegistry, storageError } from '../registry/index.js';
import {
  createSimulatedHost,
  noLatencies,
  type Container,
  type Latencies,
  type SimulatedHost,
} from '../runtimes/simulated/index.js';
import { Life } from './life.js';
import { makeRegistryImage } from './registry-image.js';
import { createSeededChance } from './seeded-chance.js';
import { ownerDied, SimulatedStorage } from './storage.js';
import { tellNobody, Trace, type Tell } from './trace.js';
import { createVirtualClock, type VirtualClock } from './virtual-clock.js';

const user: ChangeContext = { actor: 'cli:user', request: null, message: null };

/** Component specs by service. */
export type Services = Readonly<Record<string, readonly (Partial<ComponentSpec> & { readonly name: string })[]>>;

/** Something that the agent does to the world: a call of a runtime that changes something, or a commit. */
export interface WorldEffect {
  /** From 1, over all that this home's agents did. */
  readonly number: number;
  readonly moment: 'before' | 'after';
  /** `registry commit`, or the action and target of a runtime. */
  readonly what: string;
  readonly where: 'runtime' | 'registry';
}

export interface SimulatedHomeOptions {
  readonly seed?: number;
  /** Where the registry is. Default: `memory`. */
  readonly storage?: 'memory' | 'file';
  /** How often a registry in a file is asked for commits of others, in virtual milliseconds. Default: as an agent does. */
  readonly pollMs?: number;
  /** Default: none, so that the order of things depends on nothing but their causes. */
  readonly latencies?: Latencies;
  /** What a registry in memory begins with. Default: made anew, which takes longer than many a simulation. */
  readonly image?: Uint8Array;
  /** Keep a trace. Default: false. */
  readonly trace?: boolean;
}

export class SimulatedHome {
  readonly clock: VirtualClock;
  readonly chance: Chance;
  readonly host: SimulatedHost;
  readonly registry: Registry;
  readonly storage: SimulatedStorage;
  readonly trace: Trace;
  /** Names of drivers of which nothing can be read now. */
  readonly silentDrivers = new Set<string>();
  /** Names of workloads that bear this home's labels and are none that it knows of: they are nobody's to touch. */
  readonly unknown = new Set<string>();
  /** Looks at components, and acts of all agents: writes of a status and calls that change something. */
  readonly counts = { look: 0, step: 0 };
  /** Called before and after each effect of the agent; a test ends it here. */
  onEffect: ((effect: WorldEffect) => void) | null = null;
  /** Called after each effect of the agent: something else happens in that instant. */
  meanwhile: ((what: string) => void) | null = null;
  readonly tell: Tell;
  readonly #folder: string | null;
  #life: Life | undefined;
  #effects = 0;
  #userWrites = false;

  private constructor(parts: {
    readonly clock: VirtualClock;
    readonly chance: Chance;
    readonly registry: Registry;
    readonly storage: SimulatedStorage;
    readonly folder: string | null;
    readonly options: SimulatedHomeOptions;
  }) {
    const { clock, chance, registry, storage, folder, options } = parts;
    this.clock = clock;
    this.chance = chance;
    this.registry = registry;
    this.storage = storage;
    this.#folder = folder;
    this.trace = new Trace(() => clock.monotonic());
    this.tell = options.trace === true ? this.trace.tell : tellNobody;
    this.host = createSimulatedHost({ clock, chance, latencies: options.latencies ?? noLatencies });
    this.host.onJournal = ({ by, action, name, id, detail }) => {
      this.tell(
        'host',
        `${by.startsWith('home:') ? 'berth' : by} ${action} ${name} ${id.slice(0, 12)} ${detail}`.trimEnd(),
      );
    };
    this.host.onEffect = ({ moment, action, target }) => {
      this.#effect('runtime', `${action} ${target.slice(0, 12)}`, moment);
    };
    storage.onCommit = (moment) => {
      if (!this.#userWrites) this.#effect('registry', 'commit', moment);
    };
  }

  static async open(options: SimulatedHomeOptions = {}): Promise<SimulatedHome> {
    const clock = createVirtualClock();
    const chance = createSeededChance(options.seed ?? 1);
    const storage = new SimulatedStorage();
    const folder = options.storage === 'file' ? mkdtempSync(join(tmpdir(), 'berth-sim-')) : null;
    const place =
      folder === null
        ? { path: 'registry.db', inMemory: true, image: options.image ?? (await makeRegistryImage()) }
        : { path: join(folder, 'registry.db'), ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }) };
    const registry = await openRegistry({ ...place, clock, chance, create: true, storage });
    return new SimulatedHome({ clock, chance, registry, storage, folder, options });
  }

  async close(): Promise<void> {
    this.onEffect = null;
    this.storage.clear();
    const life = this.#life;
    if (life) await this.clock.settle(life.close());
    await this.clock.settle(this.registry.close());
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** An agent is started, and has had its first look at everything unless it died of it. */
  async start(): Promise<void> {
    const { host, registry, clock, chance, silentDrivers, tell } = this;
    await this.#bury();
    tell('home', 'the agent starts');
    const life = new Life({
      host,
      registry,
      clock,
      chance,
      silentDrivers,
      tell,
      count: (what) => {
        this.counts[what] += 1;
      },
    });
    this.#life = life;
    const started = life.start();
    await clock.runUntil(...whenSettled(started, () => this.#life !== life));
  }

  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  /** The agent dies as by SIGKILL. */
  crash(): void {
    if (this.#life) this.tell('home', 'the agent dies');
    this.#life?.die();
    this.#life = undefined;
    this.host.openReads.clear();
    // What it had asked of the registry and was not carried out yet goes with it.
    this.storage.isOwnerDead = true;
  }

  /** To be called by `onEffect` before or after an effect: the agent dies there. */
  crashHere(effect: WorldEffect): void {
    this.crash();
    // What is not committed when its process dies is undone by the next that opens the file.
    if (effect.where === 'registry' && effect.moment === 'before') throw ownerDied();
  }

  /** To be called by `onEffect` after an effect: it happened, but the agent is told otherwise. */
  loseAnswer(effect: WorldEffect): void {
    this.tell('home', 'the answer is lost');
    if (effect.where === 'registry') throw storageError('SQLITE_IOERR_FSYNC');
    throw new BerthError('E_DRIVER_UNREACHABLE', 'the connection broke before the answer, as planned');
  }

  /** To be called by `onEffect` before an effect: it does not happen, and the agent is told so. */
  refuse(effect: WorldEffect): void {
    this.tell('home', 'it is refused');
    if (effect.where === 'registry') throw storageError('SQLITE_FULL');
    throw new BerthError('E_DRIVER_FAILED', 'refused, as planned');
  }

  async change(changes: readonly Change[]): Promise<void> {
    await this.byUser(async () => {
      for (const change of changes) this.tell('user', wordsOf(change));
      await this.registry.change(changes, user);
    });
  }

  /** Somebody else than the agent writes to the registry: none of its effects. */
  async byUser(work: () => void | Promise<void>): Promise<void> {
    await this.#bury();
    await this.clock.settle(this.#asUser(work));
    await this.clock.flush();
  }

  /** Only until it is written: what the agent does about it in the same instant is an effect of the agent. */
  async #asUser(work: () => void | Promise<void>): Promise<void> {
    this.#userWrites = true;
    try {
      await work();
    } finally {
      this.#userWrites = false;
    }
  }

  async put(services: Services): Promise<void> {
    const changes: Change[] = [];
    for (const [name, components] of Object.entries(services)) {
      changes.push({ kind: 'put-service', name, node: 'local', active: true });
      for (const patch of components) {
        const spec = { ...componentDefaults, image: 'localhost/app:1', ...patch };
        changes.push({ kind: 'put-component', service: name, spec, source: null });
      }
    }
    await this.change(changes);
  }

  /** What a named volume holds with the containers and with the machines; undefined: there is none. */
  volume(service: string, volume: string): { readonly container: string | undefined; readonly vm: string | undefined } {
    const name = volumeName(this.registry.homeId, service, volume);
    const { volumes } = this.host;
    return { container: volumes.get('container', name), vm: volumes.get('vm', name) };
  }

  /** A home of the same host made it, and this one did. */
  isOurs({ name, spec }: Container): boolean {
    return spec.labels['berth.home'] === this.registry.homeId && !this.unknown.has(name);
  }

  async record(service: string, component: string): Promise<ComponentRecord> {
    const record = await this.registry.component({ service, component });
    if (!record) throw new Error(`no ${service}/${component}`);
    return record;
  }

  /** Goes on until every component rests where it is wanted. Throws when that takes longer. */
  async converge(maxVirtualMs = 120_000): Promise<void> {
    let why = '';
    await this.clock.runUntil(
      async () => {
        why = await this.unrest();
        return why === '';
      },
      maxVirtualMs,
      { describe: () => `convergence (${why})` },
    );
  }

  /** What has not come to rest, in words; empty when all has. */
  async unrest(): Promise<string> {
    const records = await this.registry.components();
    for (const record of records) if (!isAtRest(record)) return wordsOfUnrest(record);
    const ids = new Set(records.map((record) => record.status.nativeId));
    const left = this.host.containers().filter((item) => !ids.has(item.id) && this.isOurs(item));
    if (left.length > 0) return `left over: ${left.map((item) => item.name).join(', ')}`;
    const old = (await this.registry.volumeHolders()).filter(({ state }) => state !== 'current');
    return old.length === 0 ? '' : `volumes left over: ${JSON.stringify(old)}`;
  }

  /** What a dead agent had asked for has come to nothing. */
  async #bury(): Promise<void> {
    await this.clock.flush();
    this.storage.isOwnerDead = false;
  }

  #effect(where: WorldEffect['where'], what: string, moment: 'before' | 'after'): void {
    if (!this.isAlive) return;
    if (moment === 'before') this.#effects += 1;
    const words = where === 'registry' ? `registry ${what}` : what;
    if (moment === 'after') this.meanwhile?.(words);
    this.onEffect?.({ number: this.#effects, moment, what: words, where });
  }
}

function isAtRest(record: ComponentRecord): boolean {
  const { status } = record;
  const isUp = record.desired === 'running' && record.service.active;
  const wanted = isUp ? ['running', 'completed', 'failed'] : ['stopped'];
  const isRight = !record.deleting && wanted.includes(status.phase) && status.observedRevision >= record.revision;
  const isSettled =
    (status.phase !== 'running' || status.goodGeneration === record.generation) &&
    (status.phase !== 'failed' || status.ready);
  return isRight && isSettled;
}

function wordsOfUnrest({ key, status }: ComponentRecord): string {
  return `${formatKey(key)} is ${status.phase}: ${status.message}`;
}

function wordsOf(change: Change): string {
  if (change.kind === 'put-component')
    return `put ${change.service}/${change.spec.name} ${JSON.stringify(change.spec)}`;
  if ('key' in change) {
    const { key, ...rest } = change;
    return `${rest.kind} ${formatKey(key)}${rest.kind === 'set-desired' ? ` ${rest.desired}` : ''}`;
  }
  return JSON.stringify(change);
}

/** Arguments of `runUntil`: until the promise is settled, or `isOver`. A rejection is thrown. */
function whenSettled(promise: Promise<unknown>, isOver: () => boolean): [() => boolean, number, { describe: string }] {
  let settled = false;
  let failure: { readonly error: unknown } | undefined;
  promise.then(
    () => {
      settled = true;
    },
    (error: unknown) => {
      failure = { error };
    },
  );
  const check = (): boolean => {
    if (failure) throw failure.error;
    return settled || isOver();
  };
  return [check, 3_600_000, { describe: 'the agent has started' }];
}
