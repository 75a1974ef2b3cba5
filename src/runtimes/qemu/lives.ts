/**
 * The running machines of a home: follows each from its start, or from when an agent found it, to its end, and
 * remembers what was seen.
 */
import { join } from 'node:path';
import { messageOf } from '../../core/errors.js';
import type { Log } from '../../core/ports/log.js';
import type { Folders } from '../host/folders.js';
import { oneAtATime } from '../host/one-at-a-time.js';
import { machineFiles } from './contracts.js';
import { forcedExitCode } from './judge.js';
import {
  ConsoleKeeper,
  adoptMachine,
  findMachine,
  QmpSession,
  type MachineDeps,
  type QmpEvent,
  type RunIdentity,
} from './machine/index.js';
import type { MachineView } from './observe.js';
import type { EndMark, StartedMark, VmRecord } from './record.js';
import { readStory } from './run-story.js';
import type { Kept, VmStore } from './store.js';
import type { VmNews } from './bus.js';

export interface LivesOptions {
  readonly deps: MachineDeps;
  readonly store: VmStore;
  readonly folders: Folders;
  readonly log: Log;
  readonly tell: (record: VmRecord, news: VmNews) => void;
  /** A command that only looks: nothing is followed and nothing is written. */
  readonly transient: boolean;
}

/** One machine that is followed. */
export interface Life {
  record: VmRecord;
  readonly run: RunIdentity;
  readonly session: QmpSession;
  readonly keeper: ConsoleKeeper;
  readonly unwatch: () => void;
  paused: boolean;
  /** When its program was reported started; null: not yet. */
  started: StartedMark | null;
  /** Looks for that report; what could not be written down is looked for again. */
  readonly lookForStart: () => Promise<void>;
  /** Set while Berth itself stops it: its end is judged when the stop is over. */
  stopping: Promise<unknown> | null;
  /** Berth asked its program to end. */
  wasAsked: boolean;
  /** Berth had to kill it. */
  wasForced: boolean;
  ended: Promise<void> | null;
}

export class Lives {
  readonly #options: LivesOptions;
  readonly #lives = new Map<string, Life>();
  /** VMs that are just being started, by id. */
  readonly #starting = new Set<string>();
  #isClosed = false;

  constructor(options: LivesOptions) {
    this.#options = options;
  }

  /** What is seen of a VM now. Follows it from here on if it runs. Never fails for one VM's sake. */
  async view(kept: Kept): Promise<MachineView> {
    const { deps, store, log, transient } = this.#options;
    const machine = store.machine(kept.id);
    try {
      // Nothing is written beside whoever starts it, nor by a command that only looks.
      const find = transient || this.#starting.has(kept.id) ? findMachine : adoptMachine;
      const found = await find(deps, machine);
      switch (found.state) {
        case 'none':
        case 'never-started':
          return { kind: 'new' };
        case 'running':
          if (kept.kind === 'whole') return await this.#viewUp(kept.record, found.run);
          return upWith(found.run);
        case 'ended':
          if (kept.kind === 'whole') return await this.#viewDown(kept.record, found.run);
          return { kind: 'down', startedAtMs: found.run.startedAtMs, end: undefined };
      }
    } catch (error) {
      log.warn({ vm: kept.id, err: messageOf(error) }, 'cannot be looked at');
      return { kind: 'unseen', problem: `its machine cannot be looked at: ${messageOf(error)}` };
    }
  }

  async #viewUp(record: VmRecord, run: RunIdentity): Promise<MachineView> {
    if (this.#starting.has(record.id)) return upWith(run);
    const life = this.follow(record, run);
    if (life && !life.started) await life.lookForStart();
    const started = life ? (life.started ?? undefined) : await this.#startByTheWay(record, run);
    return {
      kind: 'up',
      startedAtMs: run.startedAtMs,
      paused: life?.paused ?? false,
      started,
      problem: life?.session.problem ?? null,
    };
  }

  /** A command that only looks takes the word of the guest as it stands. */
  async #startByTheWay(record: VmRecord, run: RunIdentity): Promise<{ uuid: string; atMs: number } | undefined> {
    const { started } = await this.#options.store.marks(record.id, run.uuid);
    if (started) return started;
    return (await readStory(this.#options, record, false)).started
      ? { uuid: run.uuid, atMs: run.startedAtMs }
      : undefined;
  }

  async #viewDown(record: VmRecord, run: RunIdentity): Promise<MachineView> {
    const life = this.#lives.get(record.id);
    if (life?.run.uuid === run.uuid) await this.#end(life);
    const { end } = await this.#options.store.marks(record.id, run.uuid);
    return { kind: 'down', startedAtMs: run.startedAtMs, end: end ?? (await this.#endUnseen(record)) };
  }

  /** Nobody was there to see it: the guest's last word has the time at which it was written. */
  async #endUnseen(record: VmRecord): Promise<Omit<EndMark, 'uuid' | 'atMs'> & { readonly atMs: number | null }> {
    const { store, folders } = this.#options;
    const told = await this.#judge(record, null);
    const report = await folders.facts(join(store.machine(record.id), machineFiles.report));
    return { ...told, atMs: told.exitCode === null ? null : (report?.modifiedAtMs ?? null) };
  }

  /**
   * Starts a VM by `launch`, and follows it from then on. Whoever looks meanwhile does not: QEMU talks to one at a time,
   * and `launch` would wait in vain for its greeting.
   */
  async start(record: VmRecord, launch: () => Promise<RunIdentity>): Promise<RunIdentity> {
    this.#starting.add(record.id);
    const run = await launch().finally(() => this.#starting.delete(record.id));
    this.follow(record, run);
    return run;
  }

  /** Follows a machine that runs; undefined for a command that only looks, and for a look that outlives the driver. */
  follow(record: VmRecord, run: RunIdentity): Life | undefined {
    const { deps, store, transient } = this.#options;
    if (transient || this.#isClosed) return undefined;
    const known = this.#lives.get(record.id);
    if (known?.run.uuid === run.uuid) return known;
    if (known) this.#letGo(known);
    const folder = store.machine(record.id);
    const session = new QmpSession(deps, {
      folder,
      run,
      onEvent: (event) => this.#onEvent(record.id, run, event),
      onEnded: () => this.#inBackground(record.id, () => this.#end(life)),
    });
    const keeper = new ConsoleKeeper(deps, { folder, limitMb: record.logLimitMb });
    const lookAgain = (): void => {
      if (!life.started) this.#inBackground(record.id, life.lookForStart);
    };
    const life: Life = {
      ...{ record, run, session, keeper },
      lookForStart: oneAtATime(() => this.#lookForStart(life)),
      unwatch: deps.host.watchFolder(folder, lookAgain) ?? (() => undefined),
      ...{
        paused: false,
        started: null,
        stopping: null,
        wasAsked: false,
        wasForced: false,
        ended: null,
      },
    };
    this.#lives.set(record.id, life);
    session.start();
    keeper.start();
    lookAgain();
    return life;
  }

  /** What a machine is driven by that is being stopped; undefined: it is not. */
  stoppedBy(id: string): QmpSession | undefined {
    const life = this.#lives.get(id);
    return life?.stopping ? life.session : undefined;
  }

  /** Its end is known, written down and told when this returns. */
  async settle(id: string): Promise<void> {
    const life = this.#lives.get(id);
    if (life) await this.#end(life);
  }

  /** The name of a VM that is followed has changed. */
  renamed(record: VmRecord): void {
    const life = this.#lives.get(record.id);
    if (life) life.record = record;
  }

  forget(id: string): void {
    const life = this.#lives.get(id);
    if (life) this.#letGo(life);
  }

  close(): void {
    this.#isClosed = true;
    for (const life of this.#lives.values()) this.#letGo(life);
  }

  #letGo(life: Life): void {
    life.unwatch();
    life.keeper.close();
    life.session.close();
    if (this.#lives.get(life.record.id) === life) this.#lives.delete(life.record.id);
  }

  #onEvent(id: string, run: RunIdentity, { event, atMs }: QmpEvent): void {
    const life = this.#lives.get(id);
    if (life?.run.uuid !== run.uuid) return;
    if (event === 'STOP' && !life.paused) {
      life.paused = true;
      this.#tell(life, { action: 'pause', atMs, claim: { state: 'paused', exitCode: null } });
    } else if (event === 'RESUME' && life.paused) {
      life.paused = false;
      this.#tell(life, { action: 'unpause', atMs });
    }
  }

  async #lookForStart(life: Life): Promise<void> {
    const { store, deps } = this.#options;
    const { record, run } = life;
    const { started } = await store.marks(record.id, run.uuid);
    life.started ??= started ?? null;
    if (life.started || !(await readStory(this.#options, record, false)).started) return;
    const mark = { uuid: run.uuid, atMs: deps.clock.now() };
    await store.markStarted(record.id, mark);
    life.started = mark;
    this.#tell(life, { action: 'ready', atMs: mark.atMs });
  }

  /** Once for each life, however many learn of the end. */
  #end(life: Life): Promise<void> {
    // What failed is tried again by whoever looks next.
    life.ended ??= this.#endOnce(life).catch((error: unknown) => {
      life.ended = null;
      throw error;
    });
    return life.ended;
  }

  async #endOnce(life: Life): Promise<void> {
    await life.stopping;
    await life.keeper.finish();
    const { record, run } = life;
    const { store, deps } = this.#options;
    if (!(await store.load(record.id))) {
      this.#tell(life, { action: 'remove', atMs: deps.clock.now(), claim: { state: 'gone', exitCode: null } });
      this.#letGo(life);
      return;
    }
    const known = await store.marks(record.id, run.uuid);
    const end = known.end ?? { uuid: run.uuid, ...(await this.#judge(record, life)), atMs: deps.clock.now() };
    if (!known.end) await this.#keepEnd(record, end);
    const { atMs, exitCode, problem } = end;
    const attributes = {
      ...(exitCode === null ? {} : { containerExitCode: String(exitCode) }),
      ...(problem === null ? {} : { problem }),
    };
    // Also when another agent of the home was quicker to write it down: whoever listens here has not heard it yet.
    this.#tell(life, { action: 'died', atMs, attributes, claim: { state: 'exited', exitCode } });
    this.#letGo(life);
  }

  /** A full disk must not hide that it ended: the guest's own word is still there. */
  async #keepEnd(record: VmRecord, mark: EndMark): Promise<void> {
    const { store, log } = this.#options;
    await store.markEnd(record.id, mark).catch((error: unknown) => {
      log.warn({ vm: record.id, err: messageOf(error) }, 'how it ended cannot be written down');
    });
  }

  async #judge(record: VmRecord, life: Life | null): Promise<Pick<EndMark, 'exitCode' | 'problem'>> {
    const { exitCode, problem } = await readStory(this.#options, record, life?.wasAsked ?? false);
    const forced = life?.wasForced === true && exitCode === null;
    return {
      exitCode: forced ? forcedExitCode : exitCode,
      problem: forced ? null : problem,
    };
  }

  #tell(life: Life, news: VmNews): void {
    this.#options.tell(life.record, news);
  }

  #inBackground(id: string, task: () => Promise<void>): void {
    task().catch((error: unknown) => {
      this.#options.log.warn({ vm: id, err: messageOf(error) }, 'put off');
    });
  }
}

/** A machine of which nothing is known but that it runs. */
function upWith({ startedAtMs }: RunIdentity): MachineView {
  return { kind: 'up', startedAtMs, paused: false, started: undefined, problem: null };
}
