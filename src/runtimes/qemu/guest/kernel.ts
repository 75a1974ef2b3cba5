/** Which kernel boots microVMs: the one of the settings, else the home's own, else the newest of this machine. */
import { basename, join } from 'node:path';
import { BerthError } from '../../../core/errors.js';
import type { Folders } from '../../host/folders.js';
import type { LinuxKernel, QemuSettings } from '../contracts.js';

export interface KernelPlaces {
  /** `BERTH_HOME/vm/kernel`. */
  readonly folder: string;
  readonly boot: string;
  readonly modules: string;
}

/** Where Linux distributions keep kernels. */
export const systemPlaces = Object.freeze({ boot: '/boot', modules: '/lib/modules' });

/** A kernel of the home is in a folder of this name and its version. */
export const homePrefix = 'linux-';
export const homeImage = 'vmlinuz';
export const homeModules = 'modules';
const bootPrefix = 'vmlinuz-';

/** Higher versions first; numbers in them count as numbers. Pure. */
export function newestFirst(versions: readonly string[]): readonly string[] {
  const { compare } = new Intl.Collator('en', { numeric: true });
  return versions.toSorted((a, b) => compare(b, a));
}

/** E_KERNEL_MISSING, saying what is missing and what to do. */
export async function findKernel(
  folders: Folders,
  settings: Pick<QemuSettings, 'kernel' | 'kernelModules'>,
  places: KernelPlaces,
): Promise<LinuxKernel> {
  if (settings.kernel !== null) return kernelOfSetting(folders, settings.kernel, settings.kernelModules, places);
  const found = (await kernelOfHome(folders, places)) ?? (await kernelOfBoot(folders, places));
  if (found) return found;
  const message = `there is no kernel for microVMs: none in ${places.folder}, none with its modules in ${places.boot}`;
  throw new BerthError('E_KERNEL_MISSING', message);
}

async function kernelOfSetting(
  folders: Folders,
  image: string,
  modulesSetting: string | null,
  places: KernelPlaces,
): Promise<LinuxKernel> {
  if (!(await folders.facts(image))) {
    const suggestion = 'correct the setting kernel, or remove it and run: berth vm setup';
    throw new BerthError('E_KERNEL_MISSING', `the kernel of the settings does not exist: ${image}`, { suggestion });
  }
  const modules = modulesSetting ?? join(places.modules, basename(image).replace(/^vmlinu[xz]-/, ''));
  if (!(await isModuleFolder(folders, modules))) {
    const message = `the kernel ${image} has no modules in ${modules}`;
    const suggestion = 'set vm_kernel_modules to its folder, one like /lib/modules/VERSION';
    throw new BerthError('E_KERNEL_MISSING', message, { suggestion });
  }
  return { version: basename(modules), image, modules, origin: 'setting' };
}

async function kernelOfHome(folders: Folders, { folder }: KernelPlaces): Promise<LinuxKernel | undefined> {
  for (const name of newestFirst(await versionsIn(folders, folder, homePrefix))) {
    const image = join(folder, homePrefix + name, homeImage);
    const modules = join(folder, homePrefix + name, homeModules);
    if ((await folders.facts(image)) && (await isModuleFolder(folders, modules))) {
      return { version: name, image, modules, origin: 'home' };
    }
  }
  return undefined;
}

async function kernelOfBoot(folders: Folders, places: KernelPlaces): Promise<LinuxKernel | undefined> {
  for (const version of newestFirst(await versionsIn(folders, places.boot, bootPrefix))) {
    const modules = join(places.modules, version);
    if (await isModuleFolder(folders, modules)) {
      return { version, image: join(places.boot, bootPrefix + version), modules, origin: 'boot' };
    }
  }
  return undefined;
}

async function versionsIn(folders: Folders, folder: string, prefix: string): Promise<readonly string[]> {
  const names = await folders.list(folder);
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

async function isModuleFolder(folders: Folders, path: string): Promise<boolean> {
  return (await folders.facts(join(path, 'kernel')))?.isFolder === true;
}
