/** What is done to VMs that exist: start, stop, pause undone, new names, removal. */
import { join } from 'node:path';
import { BerthError } from '../../core/errors.js';
import { hostName, workloadName, type WorkloadRole } from '../../core/names.js';
import type { Chance } from '../../core/ports/clock.js';
import type { Folders } from '../host/folders.js';
import type { EventBus } from './bus.js';
import { machineFiles, type MachineSpec } from './contracts.js';
import { kernelCommandLine } from './guest/index.js';
import type { Life, Lives } from './lives.js';
import {
  adoptMachine,
  launchMachine,
  stopMachine,
  throwIfCancelled,
  type MachineDeps,
  type RunIdentity,
} from './machine/index.js';
import type { VmRecord } from './record.js';
import { nameOf, wholeOf, type VmStore } from './store.js';
import type { VmVolumes } from './volumes.js';

export interface ActsOptions {
  readonly deps: MachineDeps;
  readonly folders: Folders;
  readonly store: VmStore;
  readonly volumes: VmVolumes;
  readonly lives: Lives;
  readonly bus: EventBus;
  readonly chance: Chance;
  readonly namePrefix: string;
  readonly accelerator: (signal: AbortSignal) => Promise<'kvm' | 'tcg'>;
}

export class VmActs {
  readonly #options: ActsOptions;
  /** One start or stop at a time for a VM: the next begins when the one before is over. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(options: ActsOptions) {
    this.#options = options;
  }

  /** Nobody waits any more for what takes its time; it goes on. */
  close(): void {
    this.#closing.abort();
  }

  async start(nativeId: string, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    const { store } = this.#options;
    const record = wholeOf(await store.find(nativeId), nativeId);
    await this.#inTurn(record.id, () => this.#start(record, signal));
  }

  async #start(record: VmRecord, signal: AbortSignal): Promise<void> {
    const { deps, store, lives, bus, volumes, folders } = this.#options;
    throwIfCancelled(signal);
    const folder = store.machine(record.id);
    const found = await adoptMachine(deps, folder);
    if (found.state === 'running') {
      lives.follow(record, found.run);
      return;
    }
    await lives.settle(record.id);
    for (const volume of record.volumes) {
      await volumes.grow(volume.name, volume.sizeMb);
      await volumes.attach(volume.name, join(folder, volume.file), record.uid);
    }
    const consoleLog = await folders.facts(join(folder, machineFiles.consoleLog));
    await store.markBegun(record.id, { consoleBytes: consoleLog?.bytes ?? 0 });
    const spec = machineSpec(record, await this.#options.accelerator(signal), this.#options.chance.id());
    const run = await lives.start(record, () => launchMachine(deps, { folder, spec, uid: record.uid }, signal));
    bus.tell(record, { action: 'start', atMs: run.startedAtMs });
  }

  /** Succeeds for what is down or gone. */
  async stop(nativeId: string, graceMs: number, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    const kept = await this.#options.store.find(nativeId);
    if (!kept) return;
    const record = wholeOf(kept, nativeId);
    const either = AbortSignal.any([signal, this.#closing.signal]);
    await this.#inTurn(record.id, () => this.#stop(record, graceMs, either));
  }

  async #stop(record: VmRecord, graceMs: number, signal: AbortSignal): Promise<void> {
    const { deps, store, lives } = this.#options;
    const folder = store.machine(record.id);
    const found = await adoptMachine(deps, folder);
    if (found.state !== 'running') return;
    const life = this.#follow(record, found.run);
    life.wasAsked = true;
    const stopping = stopMachine(deps, { folder, run: found.run, session: life.session, graceMs }, signal).then(
      ({ forced }) => {
        life.wasForced = forced;
      },
    );
    life.stopping = stopping.catch(() => undefined);
    await stopping;
    await lives.settle(record.id);
  }

  async unpause(nativeId: string, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    const { store, deps } = this.#options;
    const record = wholeOf(await store.find(nativeId), nativeId);
    await this.#inTurn(record.id, async () => {
      const found = await adoptMachine(deps, store.machine(record.id));
      if (found.state !== 'running') throw new BerthError('E_WORKLOAD_MISSING', `${record.name} does not run`);
      const life = this.#follow(record, found.run);
      await life.session.execute('cont', {}, signal);
      life.paused = false;
    });
  }

  /** E_DRIVER_UNREACHABLE once the driver is closed: it lets go of all machines then, and drives none. */
  #follow(record: VmRecord, run: RunIdentity): Life {
    const { store, lives } = this.#options;
    const life = lives.follow(record, run);
    if (life) return life;
    store.mustBeOpen();
    throw new BerthError('E_INTERNAL', 'a command that only looks drives no machine');
  }

  async rename(
    nativeId: string,
    service: string,
    component: string,
    role: WorkloadRole,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, bus, deps, namePrefix } = this.#options;
    throwIfCancelled(signal);
    const record = wholeOf(await store.find(nativeId), nativeId);
    const name = hostName(namePrefix, workloadName(service, component), role);
    if (record.name === name) return;
    await this.#inTurn('names', async () => {
      const holder = await store.find(name);
      if (holder) throw new BerthError('E_NAME_TAKEN', `the name ${name} is held by the virtual machine ${holder.id}`);
      await store.rename(record, name);
    });
    this.#options.lives.renamed({ ...record, name });
    bus.tell({ ...record, name }, { action: 'rename', atMs: deps.clock.now() });
  }

  /** Kills it if it runs; nothing of it is left but its named volumes. */
  async remove(nativeId: string, signal: AbortSignal): Promise<void> {
    const { store, deps, lives, bus } = this.#options;
    throwIfCancelled(signal);
    const kept = await store.find(nativeId);
    if (!kept) return;
    if (kept.kind === 'whole') await this.#cutGrace(kept.record, signal);
    await this.#inTurn(kept.id, async () => {
      const folder = store.machine(kept.id);
      const found = await adoptMachine(deps, folder);
      if (found.state === 'running' && kept.kind === 'broken') wholeOf(kept, nameOf(kept));
      if (found.state === 'running' && kept.kind === 'whole') await this.#stop(kept.record, 0, signal);
      lives.forget(kept.id);
      await store.remove(kept.id);
    });
    if (kept.kind !== 'whole') return;
    bus.tell(kept.record, {
      action: 'remove',
      atMs: deps.clock.now(),
      claim: { state: 'gone', exitCode: null },
    });
  }

  /** A stop that waits for a program to end has its turn; nobody has to wait for that program any more. */
  async #cutGrace(record: VmRecord, signal: AbortSignal): Promise<void> {
    const { deps, store, lives } = this.#options;
    const folder = store.machine(record.id);
    const session = lives.stoppedBy(record.id);
    const found = session ? await adoptMachine(deps, folder) : undefined;
    if (!session || found?.state !== 'running' || found.run.uuid !== session.run.uuid) return;
    await stopMachine(deps, { folder, run: found.run, session, graceMs: 0 }, signal);
  }

  /** Runs `work` when nothing else of this kind is under way. */
  async #inTurn<T>(turn: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(turn) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    this.#turns.set(turn, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(turn) === mine) this.#turns.delete(turn);
    }
  }
}

/** The machine of one run. What boots by BIOS needs a PC; `microvm` is for KVM alone: see docs/decisions. */
function machineSpec(record: VmRecord, accel: 'kvm' | 'tcg', uuid: string): MachineSpec {
  const { boot } = record;
  const machine = accel === 'kvm' && boot.kind === 'linux' ? 'microvm' : 'q35';
  return {
    name: record.name,
    uuid,
    accel,
    machine,
    memoryMb: record.memoryMb,
    vcpus: record.vcpus,
    boot: boot.kind === 'linux' ? { ...boot, commandLine: kernelCommandLine(accel) } : boot,
    disks: record.disks,
    network: { kind: 'user', mac: record.mac, forwards: record.forwards },
    report: boot.kind === 'linux' ? 'virtio-port' : 'debug-port',
  };
}
