/** Everything that a VM can be booted from, and what of it this node has. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BerthError, messageOf } from '../../core/errors.js';
import type { Garbage } from '../../core/observation.js';
import type { Chance, Clock } from '../../core/ports/clock.js';
import type { Capability } from '../../core/ports/driver.js';
import type { ImageSource } from '../../core/ports/image-source.js';
import type { Log } from '../../core/ports/log.js';
import type { PullPolicy } from '../../core/spec.js';
import type { Folders } from '../host/folders.js';
import type { MachineHost } from '../host/machine-host.js';
import type { Pipes } from '../host/pipes.js';
import type { ImageConfig, QemuSettings } from './contracts.js';
import type { BootSources } from './create.js';
import { createGuestKit, type GuestKit } from './guest/index.js';
import {
  createImageCache,
  isCacheKey,
  ensureLinuxImage,
  openImageTree,
  withOpenImage,
  type CollectedImageCache,
  type NamedImage,
} from './images/index.js';
import { Accelerators, machineCapabilities } from './machine/index.js';
import {
  createDiskImages,
  createUnikernelBuilder,
  isDiskReference,
  opsCapability,
  type DiskImages,
} from './unikernel/index.js';

export interface BootPartsOptions {
  /** `BERTH_HOME/vm`. */
  readonly root: string;
  readonly host: MachineHost;
  readonly folders: Folders;
  readonly pipes: Pipes;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly source: ImageSource;
  readonly settings: QemuSettings;
}

const configFile = 'config.json';

export class BootParts {
  readonly sources: BootSources;
  readonly #options: BootPartsOptions;
  readonly #cache: CollectedImageCache;
  readonly #guest: GuestKit;
  readonly #disks: DiskImages;
  readonly #accelerators: Accelerators;

  constructor(options: BootPartsOptions) {
    const { root, host, settings, clock, chance, log, source, pipes } = options;
    this.#options = options;
    this.#cache = createImageCache({ host, folder: join(root, 'images'), clock, chance, log });
    this.#guest = createGuestKit({ host, folder: join(root, 'kernel'), settings, clock, chance, log });
    this.#disks = createDiskImages(this.#cache);
    this.#accelerators = new Accelerators({ host, clock, chance, settings, folder: root });
    const cache = this.#cache;
    const unikernels = createUnikernelBuilder({
      ...{ host, cache, source, settings, clock, chance, log },
      openTree: openImageTree,
    });
    this.sources = {
      base: (signal) => this.#guest.base(signal),
      linuxImage: (image, signal) => ensureLinuxImage({ cache, source, host, pipes, settings }, image, signal),
      unikernel: (request, signal) => unikernels.ensure(request, signal),
      imageConfig: (image, signal) => this.#imageConfig(image, signal),
      diskImage: (image, signal) => this.#disks.ensure(image, signal),
    };
  }

  /** What builders of a killed agent left half made. */
  sweep(): Promise<void> {
    return this.#cache.sweep();
  }

  async resolveImage(reference: string, signal: AbortSignal): Promise<string | undefined> {
    if (!isDiskReference(reference)) return this.#options.source.resolve(reference, signal);
    return (await this.#disks.read(reference)).digest;
  }

  async pull(reference: string, policy: PullPolicy, signal: AbortSignal): Promise<string> {
    if (!isDiskReference(reference)) return this.#options.source.pull(reference, policy, signal);
    return (await this.#disks.read(reference)).digest;
  }

  /** How machines are run here: asked once, and anew after a reboot or another QEMU. */
  accelerator(signal: AbortSignal): Promise<'kvm' | 'tcg'> {
    return this.#accelerators.choose(signal);
  }

  /** E_RUNTIME_UNAVAILABLE with the remedy, where no machine could be started. */
  async mustServe(): Promise<void> {
    const { host, settings } = this.#options;
    const named = settings.qemu;
    const found = named === null ? await host.findProgram('qemu-system-x86_64') : (await host.exists(named)) && named;
    if (found) return;
    const what = named === null ? 'QEMU is not installed here' : `there is no QEMU at ${named} (setting vm_qemu)`;
    throw new BerthError('E_RUNTIME_UNAVAILABLE', what, {
      suggestion: named === null ? 'apt-get install qemu-system-x86' : 'correct the setting, or take it out',
    });
  }

  async capabilities(signal: AbortSignal): Promise<readonly Capability[]> {
    const { host, clock, settings, root } = this.#options;
    const parts = await Promise.all([
      machineCapabilities({ host, clock, settings }, this.#accelerators, signal),
      this.#kernelCapability().then((item) => [item]),
      Promise.all([
        this.#program('squashfs', 'sqfstar', 'squashfs-tools', 'large images become disks'),
        this.#program('volumes', 'mke2fs', 'e2fsprogs', 'named volumes become disks'),
      ]),
      opsCapability(
        { host, clock, settings, folder: join(root, 'images'), deadlineMs: settings.callDeadlineMs },
        signal,
      ).then((item) => [item]),
    ]);
    return parts.flat();
  }

  async #kernelCapability(): Promise<Capability> {
    try {
      const kernel = await this.#guest.findKernel();
      return { name: 'kernel', ok: true, detail: `${kernel.version}, ${kernel.image}`, remedy: null };
    } catch (error) {
      return { name: 'kernel', ok: false, detail: messageOf(error), remedy: 'run: berth vm setup' };
    }
  }

  async #program(name: string, program: string, debianPackage: string, what: string): Promise<Capability> {
    const path = await this.#options.host.findProgram(program);
    if (path) return { name, ok: true, detail: `${what} with ${path}`, remedy: null };
    return { name, ok: false, detail: `${program} is missing`, remedy: `apt-get install ${debianPackage}` };
  }

  /** Built images and guest kernels that no VM was made from. */
  async garbage(): Promise<readonly Omit<Garbage, 'driver'>[]> {
    const [images, guests] = await Promise.all([this.#cache.garbage(), this.#guest.garbage()]);
    return [...images, ...guests];
  }

  async removeGarbage(id: string): Promise<void> {
    const isGuest = (await this.#guest.garbage()).some((item) => item.id === id);
    if (isGuest) await this.#guest.removeGarbage(id);
    else if (isCacheKey(id)) await this.#cache.remove(id);
  }

  /** A few lines of an image, kept: saving it whole for them takes a while. */
  async #imageConfig(image: NamedImage, signal: AbortSignal): Promise<ImageConfig> {
    const { source, folders } = this.#options;
    const key = createHash('sha256').update(`config ${image.digest}`).digest('hex');
    const what = `config of ${image.reference}`;
    const folder = await this.#cache.ensure(
      { key, what },
      (fresh, life) =>
        withOpenImage(source, image, fresh, life, (tree) =>
          folders.write(join(fresh, configFile), JSON.stringify(tree.config)),
        ),
      signal,
    );
    const text = await folders.read(join(folder, configFile));
    if (text === undefined) throw new BerthError('E_DRIVER_FAILED', `the ${what} is gone from the cache`);
    return JSON.parse(text) as ImageConfig;
  }
}
