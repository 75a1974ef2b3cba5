/**
 * The controller: changes of the registry and of the runtimes become keys in a queue; each activation
 * of a key re-reads the world, decides, writes status and events, and takes steps one at a time until
 * there is nothing left to do now.
 */
import { setMaxListeners } from 'node:events';
import {
  afterStep,
  decide,
  type Decision,
  type ReconcileSettings,
  type Step,
} from '../../reconcilers/component/index.js';
import { messageOf } from '../core/errors.js';
import type { NewEvent } from '../core/event.js';
import { readGoodSpec } from '../core/good-spec.js';
import { formatKey, hostName, parseKey, type ComponentKey } from '../core/names.js';
import type { ObservedWorkload } from '../core/observation.js';
import type { Chance, Clock } from '../core/ports/clock.js';
import type { EnvFileAccess } from '../core/ports/env-files.js';
import type { Log } from '../core/ports/log.js';
import type { ReconcileObserver } from '../core/ports/observer.js';
import type { ChangeContext, ComponentRecord, Registry } from '../core/ports/registry.js';
import type { DriverHealth, RuntimeListener, RuntimeView } from '../core/ports/view.js';
import { imagePinKey } from '../core/spec-diff.js';
import { Collector } from './collector.js';
import { Effects } from './effects.js';
import { EnvFiles } from './env-files.js';
import { FeedReader } from './feed-reader.js';
import { LedgerIndex } from './ledger-index.js';
import { isReallyMissing, isSeenSinceProofIsDue } from './sight.js';
import { Unwritten } from './unwritten.js';
import { VolumeMover } from './volume-mover.js';
import { WorkQueue } from './work-queue.js';
import { gatherWorld, orderMatters, type WorldOptions } from './world.js';

export interface ControllerOptions {
  readonly registry: Registry;
  readonly view: RuntimeView;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly files: EnvFileAccess;
  readonly settings: () => ControllerSettings;
  /** Absent: nobody counts. */
  readonly observer?: ReconcileObserver;
}

export interface ControllerSettings {
  readonly reconcile: ReconcileSettings;
  /** Components worked on at once. */
  readonly concurrency: number;
  /** Milliseconds between two looks at everything, changed or not. */
  readonly fullPassMs: number;
}

const context: ChangeContext = { actor: 'agent', request: null, message: null };
/** Steps that one activation may take before it goes to the back of the queue. */
const stepsAnActivation = 32;
/** After the registry refused a write, a key is looked at again so much later, in milliseconds. */
const refusedRetryMs = 500;

export class Controller implements RuntimeListener {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #effects: Effects;
  readonly #world: WorldOptions;
  readonly #feed: FeedReader;
  readonly #collector: Collector;
  readonly #mover: VolumeMover;
  readonly #abort = new AbortController();
  #cancelFullPass: (() => void) | undefined;

  constructor(options: ControllerOptions) {
    const { registry, view, clock, chance, log } = options;
    this.#options = options;
    // Each call under way listens to it, and there may be as many as the queue lets through.
    setMaxListeners(0, this.#abort.signal);
    const ledger = new LedgerIndex(registry);
    this.#mover = new VolumeMover({ registry, view, clock, log, context });
    this.#effects = new Effects({ registry, view, ledger, mover: this.#mover });
    this.#world = {
      registry,
      view,
      clock,
      chance,
      ledger,
      envFiles: new EnvFiles(options.files),
      settings: () => options.settings().reconcile,
    };
    this.#queue = new WorkQueue({
      clock,
      concurrency: () => options.settings().concurrency,
      work: (key) => this.#work(key),
      onTurn: (lateMs) => options.observer?.turn(lateMs),
    });
    this.#feed = new FeedReader({
      registry,
      clock,
      log,
      onKeys: (keys) => {
        for (const key of keys) this.#queue.add(key);
      },
      onService: (service) => this.#enqueueService(service),
      onGap: () => this.#enqueueAll(),
    });
    this.#collector = new Collector({
      registry,
      view,
      clock,
      log,
      context,
      mover: this.#mover,
      signal: this.#abort.signal,
    });
  }

  /** Looks at everything once, then follows the registry. Call it when each driver has answered or failed once. */
  async start(): Promise<void> {
    await this.#feed.start();
    await this.#enqueueAll();
    await this.#collect();
    this.#armFullPass();
  }

  /** Takes no more work, cancels what is under way, and resolves when it has ended. */
  async close(): Promise<void> {
    this.#cancelFullPass?.();
    this.#abort.abort();
    await this.#feed.close();
    await this.#queue.close();
  }

  /** Keys that wait or are worked on. */
  get queueDepth(): number {
    return this.#queue.size;
  }

  /** The monitor saw these workloads change. */
  onWorkloads(workloads: readonly ObservedWorkload[]): void {
    const { registry } = this.#options;
    const strangers = workloads.some((workload) => workload.owner?.homeId !== registry.homeId);
    for (const { owner } of workloads) if (owner?.homeId === registry.homeId) this.#queue.add(formatKey(owner));
    if (strangers) this.#inBackground(() => this.#enqueueNamed(workloads));
  }

  /** A driver began or ceased to answer, or tags moved. */
  onAll(): void {
    this.#inBackground(() => this.#enqueueAll());
  }

  /** A driver was listed; its freshness is kept, and what nobody wants is collected. */
  onHealth(health: DriverHealth): void {
    const row = {
      driver: health.name,
      lastGoodAtMs: health.lastGoodAtMs,
      error: health.error,
      since: health.failingSinceMs,
    };
    this.#inBackground(() => this.#options.registry.setFreshness([row]));
    if (health.answering) this.#inBackground(() => this.#collect());
  }

  /** What fails of it is tried again after the next list; it keeps no agent from starting. */
  async #collect(): Promise<void> {
    await this.#collector.collect().catch((error: unknown) => {
      this.#options.log.warn({ err: messageOf(error) }, 'nothing more is collected for now');
    });
  }

  /** One activation. Never rejects: whatever went wrong is logged and tried again. */
  async #work(keyText: string): Promise<number | null> {
    const key = parseKey(keyText);
    if (!key || this.#isClosed()) return null;
    const { clock, observer } = this.#options;
    const beganMs = clock.monotonic();
    try {
      const comeBackMs = await this.#reconcile(key);
      observer?.looked(clock.monotonic() - beganMs, 'done');
      return comeBackMs;
    } catch (error) {
      if (this.#isClosed()) return null;
      observer?.looked(clock.monotonic() - beganMs, 'put-off');
      this.#options.log.warn({ err: messageOf(error), key: keyText }, 'put off');
      return this.#options.clock.now() + refusedRetryMs;
    }
  }

  #isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  async #reconcile(key: ComponentKey): Promise<number | null> {
    const unwritten = new Unwritten(this.#options.registry, context);
    try {
      return await this.#stepByStep(key, unwritten);
    } finally {
      await unwritten.write();
    }
  }

  async #stepByStep(key: ComponentKey, unwritten: Unwritten): Promise<number | null> {
    const sight = { ...this.#world, beforeAsking: () => unwritten.write() };
    for (let count = 0; count < stepsAnActivation; count += 1) {
      const row = await this.#options.registry.component(key);
      if (!row) return null;
      const record = await unwritten.over(row);
      if (!(await isSeenSinceProofIsDue(sight, record))) return this.#options.clock.now() + refusedRetryMs;
      const siblings = orderMatters(record) ? await this.#options.registry.components({ service: key.service }) : [];
      const decision = decide(await gatherWorld(this.#world, record, siblings));
      if (!(await isReallyMissing(sight, record, decision.step))) continue;
      await this.#keepData(record, decision);
      await this.#write(record, decision, unwritten);
      if (!decision.step) return decision.requeueAtMs;
      if (!(await this.#take(record, decision, decision.step, unwritten))) return null;
    }
    return this.#options.clock.now();
  }

  /** A workload that is about to be called good keeps the data that it has: before that is written, so it is never lost. */
  async #keepData(record: ComponentRecord, { status }: Decision): Promise<void> {
    const { goodSpec, goodGeneration, goodDigest, nativeId } = status;
    const { goodGeneration: generation, goodDigest: digest } = record.status;
    if (goodSpec === null || nativeId === null || (goodGeneration === generation && goodDigest === digest)) return;
    const { volumes } = readGoodSpec(goodSpec);
    if (volumes.length === 0) return;
    const { registry, view } = this.#options;
    const workloads = view.workloadsOf(record.key, hostName(registry.namePrefix, record.workload, 'main'));
    const driver = workloads.find((workload) => workload.nativeId === nativeId)?.driver;
    if (driver !== undefined) {
      await this.#mover.settle({ key: record.key, nativeId, driver, volumes });
    }
  }

  /** Writes the decision, and what came of the step before it. */
  async #write(record: ComponentRecord, decision: Decision, unwritten: Unwritten): Promise<void> {
    if (decision.irregular !== null) this.#options.log.error({ key: formatKey(record.key) }, decision.irregular);
    const earlier = unwritten.take();
    if (!decision.changed && !earlier) return;
    const { status } = decision;
    const events = [...(earlier ?? []), ...decision.events];
    this.#options.log.debug(
      { key: formatKey(record.key), phase: status.phase, step: decision.step?.kind },
      status.reason,
    );
    const { phase, ready, observed } = record.status;
    const isNews = phase !== status.phase || ready !== status.ready || observed !== status.observed;
    try {
      await this.#options.registry.updateStatus(
        [{ key: record.key, generation: record.generation, status, events }],
        context,
      );
    } finally {
      // Also when it is said to have failed: it may have been kept, and is no news at the next try.
      if (isNews) this.#tellNeighbours(record);
    }
  }

  /** Takes one step and keeps what came of it. Answers false when the component is no more. */
  async #take(record: ComponentRecord, decision: Decision, step: Step, unwritten: Unwritten): Promise<boolean> {
    const { clock, chance, settings } = this.#options;
    if (step.kind === 'purge') {
      await this.#purge(record);
      return false;
    }
    const result = await this.#effects.perform(record, step, this.#abort.signal);
    if (step.kind === 'remove') this.#inBackground(() => this.#mover.sweep(this.#abort.signal));
    if (this.#abort.signal.aborted && !result.ok) return false;
    const outcome = afterStep({
      key: record.key,
      before: record.status,
      status: decision.status,
      step,
      result,
      imagePinKey: imagePinKey(record.spec, record.imageRefresh),
      nowMs: clock.now(),
      chance: chance.random(),
      settings: settings().reconcile,
    });
    unwritten.keep({ key: record.key, generation: record.generation, ...outcome });
    return true;
  }

  async #purge(record: ComponentRecord): Promise<void> {
    const { registry } = this.#options;
    const event: NewEvent = {
      ...record.key,
      severity: 'info',
      reason: 'Deleted',
      message: 'it is deleted; its named volumes stay',
    };
    await registry.purgeComponent(record.key, [event], context);
    await this.#enqueueService(record.key.service);
    await this.#collector.serviceChanged(record.key.service);
  }

  /** Those that wait for this component, or that it waits for, look again. */
  #tellNeighbours({ key: { service }, spec, dependents }: ComponentRecord): void {
    for (const component of [...spec.dependsOn, ...dependents]) this.#queue.add(formatKey({ service, component }));
  }

  async #enqueueService(service: string): Promise<void> {
    const records = await this.#options.registry.components({ service });
    for (const { key } of records) this.#queue.add(formatKey(key));
    if (records.length === 0) await this.#collector.serviceChanged(service);
  }

  async #enqueueAll(): Promise<void> {
    for (const { key } of await this.#options.registry.components()) this.#queue.add(formatKey(key));
  }

  /** Somebody's workload came, went or changed its name: whoever wants that name looks again. */
  async #enqueueNamed(workloads: readonly ObservedWorkload[]): Promise<void> {
    const names = new Set(workloads.map((workload) => workload.name));
    const { namePrefix } = this.#options.registry;
    for (const { key, workload } of await this.#options.registry.components()) {
      if (names.has(`${namePrefix}${workload}`)) this.#queue.add(formatKey(key));
    }
  }

  #armFullPass(): void {
    this.#cancelFullPass = this.#options.clock.after(this.#options.settings().fullPassMs, () => {
      this.onAll();
      this.#inBackground(() => this.#options.registry.compact());
      this.#armFullPass();
    });
  }

  #inBackground(task: () => Promise<void>): void {
    if (this.#abort.signal.aborted) return;
    task().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#options.log.warn({ err: messageOf(error) }, 'put off');
    });
  }
}
