/**
 * The runtime proper: what Podman would do with a container, at one instant and with its rules. It knows
 * nothing of homes, calls or faults; drivers and the by-hand interface both go through it.
 */
import { BerthError } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import type { Behaviour, Program, RunFacts } from './behaviour.js';
import { LogBook } from './log-book.js';
import type { Actor, Container, ContainerSpec, Realm, SimulatedImage } from './model.js';
import type { PortTable } from './port-table.js';
import { Run } from './run.js';

export interface EngineOptions {
  readonly realm: Realm;
  readonly clock: Clock;
  /** Those of the host: all its runtimes share them. */
  readonly ports: PortTable;
  /** How long a machine takes to begin its program, unless its behaviour says; milliseconds. */
  readonly bootMs: () => number;
  /** A program begins. */
  readonly onProgram: (container: Container, behaviour: Behaviour) => void;
  /** A fresh native id. */
  readonly newId: () => string;
  readonly programOf: (image: SimulatedImage) => Program;
  /** Hears of everything that is done, right after it is. */
  readonly onAction: (by: Actor, action: string, container: Container, detail: string) => void;
}

const signalExit = { TERM: 143, KILL: 137 } as const;

export class Engine {
  readonly #options: EngineOptions;
  readonly #containers = new Map<string, Container>();
  readonly #names = new Map<string, Container>();
  readonly #up = new Set<Container>();
  #addresses = 1;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  get #ports(): PortTable {
    return this.#options.ports;
  }

  all(): IterableIterator<Container> {
    return this.#containers.values();
  }

  list(): readonly Container[] {
    return [...this.all()];
  }

  /** By id or by name. */
  find(idOrName: string): Container | undefined {
    return this.#containers.get(idOrName) ?? this.#names.get(idOrName);
  }

  /** E_WORKLOAD_MISSING. */
  get(idOrName: string): Container {
    const container = this.find(idOrName);
    if (!container) throw new BerthError('E_WORKLOAD_MISSING', `no container with name or ID "${idOrName}" found`);
    return container;
  }

  /** Another program of the host takes a port (`127.0.0.1:8080:8080/tcp`). E_PORT_TAKEN. */
  occupyPort(port: string): void {
    this.#ports.bind('another program', [port]);
  }

  freePort(port: string): void {
    this.#ports.release('another program', [port]);
  }

  /** E_NAME_TAKEN. */
  create(spec: ContainerSpec, by: Actor): Container {
    this.#mustBeFree(spec.name);
    const container: Container = {
      id: this.#options.newId(),
      spec,
      name: spec.name,
      state: 'created',
      createdAtMs: this.#options.clock.now(),
      startedAtMs: null,
      programStartedAtMs: this.#options.realm === 'vm' ? null : undefined,
      finishedAtMs: null,
      exitCode: null,
      oomKilled: false,
      memoryMb: spec.memoryMb,
      vcpus: spec.vcpus,
      starts: 0,
      address: null,
      problem: null,
      run: null,
      log: new LogBook(this.#options.realm === 'vm'),
      version: 0,
    };
    this.#containers.set(container.id, container);
    this.#names.set(container.name, container);
    this.#changed(by, 'create', container, spec.imageRef);
    return container;
  }

  /** What runs is left alone. E_PORT_TAKEN, E_DRIVER_FAILED. */
  start(container: Container, by: Actor): void {
    if (container.state === 'running') return;
    if (container.state !== 'created' && container.state !== 'exited') throw improper(container, 'started');
    const behaviour = this.#behaviourOf(container);
    if (behaviour.startError !== undefined) {
      throw new BerthError('E_DRIVER_FAILED', `OCI runtime error: ${behaviour.startError}`);
    }
    this.#ports.bind(container.id, container.spec.ports);
    container.starts += 1;
    container.state = 'running';
    container.startedAtMs = this.#options.clock.now();
    container.finishedAtMs = null;
    container.exitCode = null;
    container.oomKilled = false;
    container.address = this.#nextAddress();
    this.#up.add(container);
    this.#boot(container, behaviour);
    this.#changed(by, 'start', container, `start ${container.starts}`);
  }

  /** Asks it to end and kills it after `graceMs`. Resolves once it is down; at once when it does not run. */
  async stop(container: Container, graceMs: number, by: Actor): Promise<void> {
    if (container.state === 'paused') this.unpause(container, by);
    const { run } = container;
    if (!run) return;
    if (container.state === 'running') {
      container.state = 'stopping';
      this.#changed(by, 'stop', container, `grace ${graceMs} ms`);
      // Without a grace Podman kills at once and sends no SIGTERM.
      if (graceMs > 0) this.#terminate(container, run, by);
    }
    if (graceMs > 0) run.schedule(graceMs, () => this.#kill(container, run, by));
    else this.#kill(container, run, by);
    await run.ended;
  }

  /** Sends a signal to what runs. E_DRIVER_FAILED when it does not. */
  kill(container: Container, signal: keyof typeof signalExit, by: Actor): void {
    const { run } = container;
    if (!run) throw improper(container, 'killed');
    if (signal === 'TERM') this.#terminate(container, run, by);
    else this.#kill(container, run, by);
  }

  /** E_DRIVER_FAILED when it does not run. */
  pause(container: Container, by: Actor): void {
    if (container.state !== 'running') throw improper(container, 'paused');
    container.run?.suspend();
    container.state = 'paused';
    this.#changed(by, 'pause', container, '');
  }

  /** What is not paused is left alone. */
  unpause(container: Container, by: Actor): void {
    if (container.state !== 'paused') return;
    container.run?.resume();
    container.state = 'running';
    this.#changed(by, 'unpause', container, '');
  }

  /** E_NAME_TAKEN. The name that it has already is left alone. */
  rename(container: Container, name: string, by: Actor): void {
    if (container.name === name) return;
    this.#mustBeFree(name);
    const before = container.name;
    this.#names.delete(before);
    this.#names.set(name, container);
    container.name = name;
    this.#changed(by, 'rename', container, `was ${before}`);
  }

  /** Until its next start, as Podman 4.3 does. E_DRIVER_FAILED when it does not run. */
  update(container: Container, memoryMb: number | null, vcpus: number | null, by: Actor): void {
    if (!container.run) throw improper(container, 'updated');
    container.memoryMb = memoryMb;
    container.vcpus = vcpus;
    this.#changed(by, 'update', container, `memory ${memoryMb ?? 'max'} MiB, vcpus ${vcpus ?? 'max'}`);
  }

  /** Kills what runs, then removes it. */
  remove(container: Container, by: Actor): void {
    if (container.run) this.#die(container, this.#exitOfKill(by), by);
    container.state = 'removing';
    this.#containers.delete(container.id);
    this.#names.delete(container.name);
    this.#changed(by, 'remove', container, '');
  }

  /** The machine lost its power and came back: nothing runs, and nobody wrote down how it ended. */
  powerLoss(): void {
    for (const container of [...this.#up]) {
      this.#down(container);
      container.exitCode = null;
      container.finishedAtMs = null;
      container.version += 1;
    }
  }

  /** As if whoever made it had put other labels on it: no runtime changes those of a workload. */
  relabel(container: Container, labels: ContainerSpec['labels']): void {
    container.spec = { ...container.spec, labels: { ...container.spec.labels, ...labels } };
    container.version += 1;
  }

  /** Marks what the runtime cannot tell about a workload; null: it can again. */
  setProblem(container: Container, problem: string | null): void {
    container.problem = problem;
    container.version += 1;
  }

  #behaviourOf(container: Container): Behaviour {
    const program = this.#options.programOf(container.spec.image);
    if (typeof program !== 'function') return program;
    const { command, env, memoryMb } = container.spec;
    const facts: RunFacts = { command, env, memoryMb, startNumber: container.starts + 1 };
    return program(facts);
  }

  /** A machine takes its time before its program begins; a container is its program. */
  #boot(container: Container, behaviour: Behaviour): void {
    const { clock, realm, bootMs } = this.#options;
    const run = new Run(behaviour, clock);
    container.run = run;
    container.log.begin();
    if (realm === 'container') {
      this.#begin(container, run);
      return;
    }
    container.programStartedAtMs = null;
    if (behaviour.neverBoots === true) return;
    run.schedule(behaviour.bootMs ?? bootMs(), () => {
      container.programStartedAtMs = clock.now();
      this.#begin(container, run);
      this.#changed('self', 'program-started', container, '');
    });
  }

  #begin(container: Container, run: Run): void {
    const { clock, onProgram } = this.#options;
    const { behaviour } = run;
    onProgram(container, behaviour);
    for (const { afterMs, stream = 'stdout', text } of behaviour.output ?? []) {
      run.schedule(afterMs, () => {
        container.log.write(stream, text, clock.now());
      });
    }
    if (behaviour.exitAfterMs === undefined) return;
    run.schedule(behaviour.exitAfterMs, () => {
      container.oomKilled = behaviour.oomKilled === true;
      this.#die(container, behaviour.exitCode ?? 0, 'self');
    });
  }

  #terminate(container: Container, run: Run, by: Actor): void {
    const { ignoresTerm = false, wedged = false, termDelayMs = 0, termExitCode = signalExit.TERM } = run.behaviour;
    if (ignoresTerm || wedged) return;
    if (termDelayMs === 0) this.#die(container, termExitCode, by);
    else run.schedule(termDelayMs, () => this.#die(container, termExitCode, by));
  }

  #kill(container: Container, run: Run, by: Actor): void {
    if (run.behaviour.wedged !== true) this.#die(container, this.#exitOfKill(by), by);
  }

  /** Of a machine that another hand kills nobody knows how its program ended. */
  #exitOfKill(by: Actor): number | null {
    return this.#options.realm === 'vm' && by === 'hand' ? null : signalExit.KILL;
  }

  #die(container: Container, exitCode: number | null, by: Actor): void {
    if (!this.#up.has(container)) return;
    this.#down(container);
    container.exitCode = exitCode;
    container.finishedAtMs = this.#options.clock.now();
    this.#changed(by, 'died', container, `exit ${exitCode ?? 'unknown'}`);
  }

  #down(container: Container): void {
    this.#up.delete(container);
    this.#ports.release(container.id, container.spec.ports);
    container.log.end(this.#options.clock.now());
    container.run?.end();
    container.run = null;
    container.state = 'exited';
    container.address = null;
    container.memoryMb = container.spec.memoryMb;
    container.vcpus = container.spec.vcpus;
  }

  #mustBeFree(name: string): void {
    const holder = this.#names.get(name);
    if (!holder) return;
    throw new BerthError('E_NAME_TAKEN', `the container name "${name}" is already in use by ${holder.id}`, {
      details: { name, holder: holder.id },
    });
  }

  #nextAddress(): string {
    this.#addresses += 1;
    return `10.89.${(this.#addresses >> 8) & 255}.${this.#addresses & 255}`;
  }

  #changed(by: Actor, action: string, container: Container, detail: string): void {
    container.version += 1;
    this.#options.onAction(by, action, container, detail);
  }
}

function improper(container: Container, what: string): BerthError {
  const message = `container ${container.name} cannot be ${what} in state ${container.state}: container state improper`;
  return new BerthError('E_DRIVER_FAILED', message);
}
