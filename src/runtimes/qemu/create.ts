/**
 * Makes a VM that is not started yet: what boots is taken from the cache, or built, and everything that QEMU will
 * need is put into the VM's own folder.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../../core/errors.js';
import { shortHash } from '../../core/hash.js';
import { hostName, volumeName, workloadName } from '../../core/names.js';
import type { ObservedMount } from '../../core/observation.js';
import type { CreateRequest } from '../../core/ports/driver.js';
import { effectiveLimits, formatPort, parsePort, parseVolume, vmDefaults } from '../../core/spec.js';
import { fileError, type Folders } from '../host/folders.js';
import {
  emptyImageConfig,
  rootSerial,
  userNetwork,
  type GuestBase,
  type GuestConfig,
  type ImageConfig,
  type LinuxImage,
  type PortForward,
  type UnikernelImage,
  type UnikernelRequest,
} from './contracts.js';
import { configArchive, leastMemoryMb } from './guest/index.js';
import { resolveArgv, resolveUser } from './images/index.js';
import type { VmRecord } from './record.js';

/** Where what boots comes from. */
export interface BootSources {
  readonly base: (signal: AbortSignal) => Promise<GuestBase>;
  readonly linuxImage: (image: { digest: string; reference: string }, signal: AbortSignal) => Promise<LinuxImage>;
  readonly unikernel: (request: UnikernelRequest, signal: AbortSignal) => Promise<UnikernelImage>;
  /** The OCI image's own words, without making anything bootable of it. */
  readonly imageConfig: (image: { digest: string; reference: string }, signal: AbortSignal) => Promise<ImageConfig>;
  /** A ready disk (`file:…`) by its digest. */
  readonly diskImage: (image: { digest: string; reference: string }, signal: AbortSignal) => Promise<UnikernelImage>;
}

export interface MakerOptions {
  readonly folders: Folders;
  readonly homeId: string;
  readonly namePrefix: string;
  readonly sources: BootSources;
  /** Which user id a VM's QEMU runs under. */
  readonly uidOf: (id: string) => number | null;
  readonly now: () => number;
}

/** A request with its texts read. */
interface Wanted {
  readonly request: CreateRequest;
  readonly id: string;
  readonly name: string;
  readonly memoryMb: number;
  readonly vcpus: number;
  readonly volumes: VmRecord['volumes'];
  readonly mounts: readonly ObservedMount[];
}

/** The parts of a record that depend on how it boots. */
type Bootable = Pick<VmRecord, 'boot' | 'disks'> & { readonly image: ImageConfig };

export class VmMaker {
  readonly #options: MakerOptions;

  constructor(options: MakerOptions) {
    this.#options = options;
  }

  /** The name on the host that a request asks for. */
  nameOf(request: CreateRequest): string {
    return hostName(this.#options.namePrefix, workloadName(request.service, request.spec.name), request.role);
  }

  /**
   * Finds or builds what boots. Slow the first time, and nothing of the VM is on disk yet: the answer fills its
   * machine folder. E_VM_IMAGE, E_VM_MEMORY, E_KERNEL_MISSING, E_OPS, E_IMAGE_MISSING, E_DISK_FULL.
   */
  async prepare(
    request: CreateRequest,
    id: string,
    signal: AbortSignal,
  ): Promise<(machineFolder: string) => Promise<VmRecord>> {
    const wanted = this.#read(request, id);
    const boot =
      request.spec.runtime === 'unikernel'
        ? await this.#prepareUnikernel(wanted, signal)
        : await this.#prepareLinux(wanted, signal);
    return async (folder) => this.#record(wanted, await boot(folder));
  }

  #read(request: CreateRequest, id: string): Wanted {
    const { spec, service } = request;
    const limits = effectiveLimits(spec);
    const mounts = spec.volumes.map(parseVolume).filter((mount) => mount !== undefined);
    const host = mounts.find((mount) => mount.kind === 'host');
    if (host) {
      throw new BerthError('E_NOT_SUPPORTED', `a virtual machine cannot mount the host's folder ${host.source}`, {
        suggestion: 'use a named volume, or runtime = "container"',
      });
    }
    if (spec.runtime === 'unikernel' && mounts.length > 0) {
      throw new BerthError('E_NOT_SUPPORTED', 'a unikernel has no volumes here', {
        suggestion: 'use runtime = "microvm" for a program that keeps data',
      });
    }
    const named = mounts.map((mount, index) => ({
      ...mount,
      name: volumeName(this.#options.homeId, service, mount.source),
      serial: `vol${String(index)}`,
    }));
    return {
      request,
      id,
      name: this.nameOf(request),
      memoryMb: limits.memoryMb ?? vmDefaults.memoryMb,
      vcpus: limits.vcpus ?? vmDefaults.vcpus,
      volumes: named.map(({ name, serial, sizeMb }) => ({
        name,
        serial,
        file: `${serial}.ext4`,
        sizeMb: sizeMb ?? vmDefaults.volumeSizeMb,
      })),
      mounts: named.map(({ name, target, readOnly }) => ({ kind: 'named', source: name, target, readOnly })),
    };
  }

  async #prepareLinux(wanted: Wanted, signal: AbortSignal): Promise<(folder: string) => Promise<Bootable>> {
    const { sources, folders } = this.#options;
    const { spec, imageDigest } = wanted.request;
    const base = await sources.base(signal);
    const image = await sources.linuxImage({ digest: imageDigest, reference: spec.image }, signal);
    checkMemory(wanted, leastMemoryMb({ base, image }));
    const config = await configArchive(guestConfig(wanted, image));
    return async (folder) => {
      const rootFile = join(image.folder, image.file);
      const isDisk = image.root === 'disk';
      await folders.share(base.kernel.image, join(folder, 'kernel'));
      await joinFiles(join(folder, 'initrd'), [base.archive, ...(isDisk ? [] : [rootFile]), config]);
      // An archive is in the initrd by now; its second name keeps it from being collected while this VM exists.
      await folders.share(rootFile, join(folder, isDisk ? 'root.squashfs' : 'root.cpio.gz'));
      return {
        image: image.config,
        boot: { kind: 'linux', kernel: 'kernel', initrd: 'initrd' },
        disks: [
          ...(isDisk
            ? [{ file: 'root.squashfs', serial: rootSerial, format: 'raw', access: 'read-only' } as const]
            : []),
          ...wanted.volumes.map(({ file, serial }, index) => ({
            file,
            serial,
            format: 'raw' as const,
            access: wanted.mounts[index]?.readOnly === true ? ('read-only' as const) : ('write' as const),
          })),
        ],
      };
    };
  }

  async #prepareUnikernel(wanted: Wanted, signal: AbortSignal): Promise<(folder: string) => Promise<Bootable>> {
    const { sources, folders } = this.#options;
    const { spec, imageDigest, env } = wanted.request;
    const ready = spec.image.startsWith('file:');
    const named = { digest: imageDigest, reference: spec.image };
    if (ready && (spec.command !== null || Object.keys(env).length > 0)) {
      throw new BerthError('E_VM_IMAGE', `${spec.image} is a ready disk: its program and environment are in it`, {
        suggestion: 'take command, env, env_file and secret_file out, or give an OCI image instead',
      });
    }
    const config = ready ? emptyImageConfig : await sources.imageConfig(named, signal);
    const disk = ready
      ? await sources.diskImage(named, signal)
      : await sources.unikernel(
          {
            imageDigest,
            imageRef: spec.image,
            argv: resolveArgv(config, spec.command),
            env: { ...config.env, ...env },
            files: spec.files,
          },
          signal,
        );
    return async (folder) => {
      await folders.share(join(disk.folder, disk.file), join(folder, 'disk.img'));
      return {
        image: config,
        boot: { kind: 'bios' },
        disks: [{ file: 'disk.img', serial: rootSerial, format: 'raw', access: 'snapshot' }],
      };
    };
  }

  #record(wanted: Wanted, { image, boot, disks }: Bootable): VmRecord {
    const { homeId, uidOf, now } = this.#options;
    const { request, id, name } = wanted;
    const { spec, service, generation, specHash } = request;
    const ports = spec.ports.map(parsePort).filter((port) => port !== undefined);
    return {
      version: 1,
      id,
      name,
      homeId,
      service,
      component: spec.name,
      generation,
      specHash,
      runtime: spec.runtime,
      imageDigest: request.imageDigest,
      imageRef: spec.image,
      createdAtMs: now(),
      config: {
        env: { ...image.env, ...request.env },
        command: [...(spec.command ?? image.command)],
        user: spec.user ?? image.user,
        ports: ports.map(formatPort).sort(),
        mounts: [...wanted.mounts].sort((a, b) => (a.target < b.target ? -1 : 1)),
        image: { env: { ...image.env }, command: [...image.command], user: image.user },
        runtimeEnv: [],
      },
      memoryMb: wanted.memoryMb,
      vcpus: wanted.vcpus,
      logLimitMb: spec.logLimitMb,
      uid: uidOf(id),
      boot,
      disks,
      volumes: wanted.volumes,
      mac: macOf(homeId, name),
      forwards: ports.map(({ protocol, hostIp, hostPort, port }): PortForward => ({
        protocol,
        hostIp,
        hostPort,
        guestPort: port,
      })),
    };
  }
}

function guestConfig(wanted: Wanted, image: LinuxImage): GuestConfig {
  const { spec, env } = wanted.request;
  return {
    hostname: spec.name,
    argv: resolveArgv(image.config, spec.command),
    env: { ...image.config.env, ...env },
    workdir: image.config.workdir,
    user: resolveUser(image, spec.user ?? image.config.user),
    stopSignal: image.config.stopSignal,
    network: userNetwork,
    root: image.root,
    mounts: wanted.mounts.map(({ target, readOnly }, index) => ({
      serial: wanted.volumes[index]?.serial ?? '',
      target,
      readOnly,
    })),
  };
}

function checkMemory({ request, memoryMb }: Wanted, leastMb: number): void {
  if (memoryMb >= leastMb) return;
  const message = `${request.spec.image} needs ${leastMb} MiB to boot as a microVM, and has ${memoryMb} MiB`;
  throw new BerthError('E_VM_MEMORY', message, { suggestion: `set memory_mb = ${leastMb} or more` });
}

/** Locally administered, the same for a workload whenever it is made. The prefix is QEMU's own. */
function macOf(homeId: string, name: string): string {
  const hash = shortHash(`${homeId} ${name}`);
  return ['52', '54', '00', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4, 6)].join(':');
}

/** One file of several: an initrd is a row of archives (kernel Documentation/admin-guide/initrd.rst). */
async function joinFiles(to: string, parts: readonly (string | Uint8Array)[]): Promise<void> {
  // It holds the environment, secrets included: nobody but the VM's own user reads it.
  const file = await open(to, 'wx', 0o400);
  try {
    for (const part of parts) {
      if (typeof part === 'string') {
        for await (const chunk of createReadStream(part)) await file.writeFile(chunk as Uint8Array);
      } else await file.writeFile(part);
    }
  } catch (error) {
    throw fileError(error, 'put the initrd together');
  } finally {
    await file.close();
  }
}
