/** The VMs of a home on disk: a folder each, which appears and goes in one piece. */
import { join } from 'node:path';
import { BerthError } from '../../core/errors.js';
import type { Folders } from '../host/folders.js';
import {
  ownerOf,
  readBegun,
  readEnd,
  readOwner,
  readRecord,
  readStarted,
  recordFiles,
  type BegunMark,
  type EndMark,
  type StartedMark,
  type VmOwner,
  type VmRecord,
} from './record.js';

/** A VM as it is kept: its record, or, where that cannot be read, whose it is. */
export type Kept =
  | { readonly kind: 'whole'; readonly id: string; readonly record: VmRecord }
  | { readonly kind: 'broken'; readonly id: string; readonly owner: VmOwner | undefined };

interface CacheEntry {
  readonly modifiedAtMs: number;
  readonly record: VmRecord;
}

/** Twelve hexadecimal digits: short, as a socket's path must be. */
const idPattern = /^[0-9a-f]{12}$/;
const freshPrefix = '.new-';
const gonePrefix = '.gone-';

export class VmStore {
  readonly #folders: Folders;
  /** `BERTH_HOME/vm/run`. */
  readonly #root: string;
  readonly #cache = new Map<string, CacheEntry>();
  #isClosed = false;

  constructor(folders: Folders, root: string) {
    this.#folders = folders;
    this.#root = root;
  }

  /** The folder of a VM. */
  folder(id: string): string {
    return join(this.#root, id);
  }

  /** QEMU's working directory. */
  machine(id: string): string {
    return join(this.#root, id, recordFiles.machine);
  }

  /** From now on nobody finds or adds a VM here; what is followed already is still written down. */
  close(): void {
    this.#isClosed = true;
  }

  /** E_DRIVER_UNREACHABLE once it is closed. */
  mustBeOpen(): void {
    if (this.#isClosed) throw new BerthError('E_DRIVER_UNREACHABLE', 'the driver was closed');
  }

  async ids(): Promise<readonly string[]> {
    this.mustBeOpen();
    return (await this.#folders.list(this.#root)).filter((name) => idPattern.test(name));
  }

  /** undefined: there is no such VM. */
  async load(id: string): Promise<Kept | undefined> {
    const path = join(this.folder(id), recordFiles.record);
    const facts = await this.#folders.facts(path);
    const cached = this.#cache.get(id);
    if (facts && cached?.modifiedAtMs === facts.modifiedAtMs) return { kind: 'whole', id, record: cached.record };
    const record = facts ? readRecord(await this.#folders.read(path)) : undefined;
    if (facts && record) {
      this.#cache.set(id, { modifiedAtMs: facts.modifiedAtMs, record });
      return { kind: 'whole', id, record };
    }
    this.#cache.delete(id);
    if (!(await this.#folders.facts(this.folder(id)))) return undefined;
    return { kind: 'broken', id, owner: readOwner(await this.#folders.read(join(this.folder(id), recordFiles.owner))) };
  }

  /** All of them; what one lacks never hides another. */
  async all(): Promise<readonly Kept[]> {
    const kept = await Promise.all((await this.ids()).map((id) => this.load(id)));
    return kept.filter((item) => item !== undefined);
  }

  /** By id, or by the name on the host. */
  async find(idOrName: string): Promise<Kept | undefined> {
    this.mustBeOpen();
    if (idPattern.test(idOrName)) {
      const kept = await this.load(idOrName);
      if (kept) return kept;
    }
    return (await this.all()).find((item) => nameOf(item) === idOrName);
  }

  /**
   * Makes a VM's folder: `fill` puts into the machine folder what QEMU needs, then the VM appears in one piece.
   * Whatever fails leaves nothing.
   */
  async add(id: string, fill: (machineFolder: string) => Promise<VmRecord>): Promise<VmRecord> {
    const fresh = join(this.#root, `${freshPrefix}${id}`);
    const machine = join(fresh, recordFiles.machine);
    try {
      await this.#folders.make(machine);
      const record = await fill(machine);
      await this.#folders.write(join(fresh, recordFiles.owner), JSON.stringify(ownerOf(record)));
      await this.#folders.write(join(fresh, recordFiles.record), JSON.stringify(record));
      await this.#folders.rename(fresh, this.folder(id));
      return record;
    } catch (error) {
      await this.#folders.remove(fresh);
      throw error;
    }
  }

  async rename(record: VmRecord, name: string): Promise<void> {
    const folder = this.folder(record.id);
    await this.#folders.write(join(folder, recordFiles.record), JSON.stringify({ ...record, name }));
    await this.#folders.write(join(folder, recordFiles.owner), JSON.stringify({ ...ownerOf(record), name }));
  }

  /** It is gone at once; its files follow. */
  async remove(id: string): Promise<void> {
    this.#cache.delete(id);
    if (!idPattern.test(id) || !(await this.#folders.facts(this.folder(id)))) return;
    const gone = join(this.#root, `${gonePrefix}${id}`);
    await this.#folders.remove(gone);
    try {
      await this.#folders.rename(this.folder(id), gone);
    } catch (error) {
      // Somebody else was quicker: gone is gone.
      if (await this.#folders.facts(this.folder(id))) throw error;
    }
    await this.#folders.remove(gone);
  }

  /** What an agent that was killed left half made or half removed. Only the one agent of a home calls this, before it acts. */
  async sweep(): Promise<void> {
    for (const name of await this.#folders.list(this.#root)) {
      if (name.startsWith(freshPrefix) || name.startsWith(gonePrefix))
        await this.#folders.remove(join(this.#root, name));
    }
  }

  /** How the run with this token went; marks of earlier runs do not count. */
  async marks(id: string, uuid: string): Promise<{ readonly started?: StartedMark; readonly end?: EndMark }> {
    const folder = this.folder(id);
    const [started, end] = await Promise.all([
      this.#folders.read(join(folder, recordFiles.started)).then(readStarted),
      this.#folders.read(join(folder, recordFiles.end)).then(readEnd),
    ]);
    return { ...(started?.uuid === uuid ? { started } : {}), ...(end?.uuid === uuid ? { end } : {}) };
  }

  /** What the latest start noted. */
  async begun(id: string): Promise<BegunMark | undefined> {
    return readBegun(await this.#folders.read(join(this.folder(id), recordFiles.begun)));
  }

  async markBegun(id: string, mark: BegunMark): Promise<void> {
    await this.#folders.write(join(this.folder(id), recordFiles.begun), JSON.stringify(mark));
  }

  async markStarted(id: string, mark: StartedMark): Promise<void> {
    await this.#folders.write(join(this.folder(id), recordFiles.started), JSON.stringify(mark));
  }

  async markEnd(id: string, mark: EndMark): Promise<void> {
    await this.#folders.write(join(this.folder(id), recordFiles.end), JSON.stringify(mark));
  }
}

/** The name on the host; the id when even that is lost. */
export function nameOf(kept: Kept): string {
  return kept.kind === 'whole' ? kept.record.name : (kept.owner?.name ?? kept.id);
}

/** The record, or what to say to somebody who wants to act on a VM without one. */
export function wholeOf(kept: Kept | undefined, idOrName: string): VmRecord {
  if (kept?.kind === 'whole') return kept.record;
  if (!kept) throw new BerthError('E_WORKLOAD_MISSING', `there is no virtual machine ${idOrName}`);
  throw new BerthError('E_DRIVER_FAILED', `the record of the virtual machine ${nameOf(kept)} cannot be read`, {
    suggestion: 'look at its vm.json in the folder vm/run of the home; restore it or remove the folder',
  });
}
