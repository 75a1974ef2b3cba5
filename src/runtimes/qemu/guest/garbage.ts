/** Kernels and base archives that the next boot does not use, and that no VM was made from. */
import { join } from 'node:path';
import type { CacheGarbage } from '../images/index.js';
import type { Folders } from '../../host/folders.js';
import type { LinuxKernel } from '../contracts.js';
import { homeImage, homePrefix } from './kernel.js';

export interface GuestFiles {
  readonly folders: Folders;
  /** `BERTH_HOME/vm/kernel`. */
  readonly folder: string;
}

const basePattern = /^base-[0-9a-f]+\.cpio\.gz$/;

/** What can go while this kernel and this base archive serve; null: there is none. */
export async function guestGarbage(
  { folders, folder }: GuestFiles,
  kernel: LinuxKernel | null,
  archive: string | null,
): Promise<readonly CacheGarbage[]> {
  const found: CacheGarbage[] = [];
  for (const name of await folders.list(folder)) {
    const path = join(folder, name);
    const isKernel = name.startsWith(homePrefix);
    const facts = await folders.facts(isKernel ? join(path, homeImage) : path);
    const isServing = isKernel ? kernel?.image === join(path, homeImage) : archive === path;
    if (!facts || isServing || facts.links > 1 || (!isKernel && !basePattern.test(name))) continue;
    const what = isKernel
      ? `guest kernel ${name.slice(homePrefix.length)}`
      : 'base of microVMs for another kernel or busybox';
    found.push({ id: name, what, bytes: facts.bytes, usedAtMs: facts.modifiedAtMs });
  }
  return found;
}
