/** What runs inside a Linux microVM: its kernel, its first file system, its init, and what that is told. */
import { join } from 'node:path';
import type { Chance, Clock } from '../../../core/ports/clock.js';
import type { Log } from '../../../core/ports/log.js';
import { createFolders, type Folders } from '../../host/folders.js';
import type { Host } from '../../host/host.js';
import type { GuestBase, LinuxKernel, QemuSettings } from '../contracts.js';
import type { CacheGarbage } from '../images/index.js';
import { baseArchive, ensureBase } from './base.js';
import { guestGarbage } from './garbage.js';
import { findKernel, systemPlaces } from './kernel.js';
import { setUpKernel } from './set-up.js';

export { configArchive, kernelCommandLine } from './config.js';
export { cpioArchive, type CpioEntry } from './cpio.js';
export { leastMemoryMb } from './memory.js';
export { parseReport } from './report.js';
import { throwIfCancelled } from '../machine/deadline.js';

export interface GuestKitOptions {
  readonly host: Host;
  /** `BERTH_HOME/vm/kernel`: kernels of `berth vm setup`, and base archives. */
  readonly folder: string;
  readonly settings: Pick<QemuSettings, 'kernel' | 'kernelModules' | 'buildDeadlineMs'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Default: this machine's files. */
  readonly folders?: Folders;
}

export interface GuestKit {
  /** Kernel and base archive for the next boot. E_KERNEL_MISSING, E_RUNTIME_UNAVAILABLE, E_DISK_FULL. */
  base(signal: AbortSignal): Promise<GuestBase>;
  /** E_KERNEL_MISSING when there is none. */
  findKernel(): Promise<LinuxKernel>;
  /** Fetches a kernel into the home; `say` is told what is being done. E_KERNEL_MISSING, E_DISK_FULL. */
  setUp(say: (line: string) => void, signal: AbortSignal): Promise<LinuxKernel>;
  /** Kernels and base archives of the home that nothing uses. */
  garbage(): Promise<readonly CacheGarbage[]>;
  /** Removes one of them unless it is in use by now. */
  removeGarbage(id: string): Promise<void>;
}

export function createGuestKit(options: GuestKitOptions): GuestKit {
  const { host, folder, settings, clock, log } = options;
  const folders = options.folders ?? createFolders();
  const find = (): Promise<LinuxKernel> => findKernel(folders, settings, { folder, ...systemPlaces });
  /** One at a time: many VMs may ask for the first base at once. */
  let last: Promise<unknown> = Promise.resolve();

  const base = (signal: AbortSignal): Promise<GuestBase> => {
    const next = last.then(async () => {
      throwIfCancelled(signal);
      const base = await ensureBase({ host, folders, folder }, await find(), signal);
      log.debug({ archive: base.archive, kernel: base.kernel.version }, 'base of microVMs');
      return base;
    });
    last = next.catch(() => undefined);
    return next;
  };

  /** What serves now is no garbage; without a kernel nothing serves. */
  const garbage = async (): Promise<readonly CacheGarbage[]> => {
    const kernel = await find().catch(() => null);
    const archive = kernel && (await baseArchive({ host, folders, folder }, kernel).catch(() => null));
    return guestGarbage({ folders, folder }, kernel, archive);
  };

  return {
    findKernel: find,
    base,
    garbage,
    removeGarbage: async (id) => {
      const isGarbage = (await garbage()).some((item) => item.id === id);
      if (isGarbage) await folders.remove(join(folder, id));
    },
    setUp: async (say, signal) => {
      await setUpKernel({ host, folders, clock, folder, deadlineMs: settings.buildDeadlineMs }, say, signal);
      return find();
    },
  };
}
