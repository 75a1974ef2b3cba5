/** Makes the disk of a unikernel from an OCI image: at most once for the same program, files, arguments and tools. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../../../core/errors.js';
import type { Chance, Clock } from '../../../core/ports/clock.js';
import type { ImageSource } from '../../../core/ports/image-source.js';
import type { Log } from '../../../core/ports/log.js';
import { fileError } from '../../host/folders.js';
import type { MachineHost } from '../../host/machine-host.js';
import {
  userNetwork,
  type ImageCache,
  type ImageTree,
  type QemuSettings,
  type UnikernelImage,
  type UnikernelRequest,
} from '../contracts.js';
import { opsConfig, unusableText } from './config.js';
import { FileDigests } from './file-digests.js';
import { findLibraries } from './libraries.js';
import { findOps, type OpsTool } from './ops-home.js';
import { runOpsBuild } from './ops.js';
import { resolveProgram } from './program.js';
import { stageRoot } from './staging.js';

export interface UnikernelBuilderOptions {
  readonly host: MachineHost;
  readonly cache: ImageCache;
  readonly source: Pick<ImageSource, 'save'>;
  readonly openTree: (archivePath: string, workFolder: string, signal: AbortSignal) => Promise<ImageTree>;
  readonly settings: Pick<QemuSettings, 'ops' | 'nanosKernel' | 'nanosBoot' | 'buildDeadlineMs'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

export interface UnikernelBuilder {
  /**
   * The disk for a request, from the cache or built. E_VM_IMAGE (the image lacks something, or Nanos cannot run it),
   * E_OPS, E_RUNTIME_UNAVAILABLE, E_IMAGE_MISSING, E_DISK_FULL, E_DRIVER_TIMEOUT when the signal fired.
   */
  ensure(request: UnikernelRequest, signal: AbortSignal): Promise<UnikernelImage>;
}

/** Name of the raw disk in its cache folder. */
export const diskFile = 'disk.img';
/** Rises when the same request would make another disk. */
const recipe = 1;

export function createUnikernelBuilder(options: UnikernelBuilderOptions): UnikernelBuilder {
  const digests = new FileDigests();
  return {
    ensure: async (request, signal) => {
      const bad = unusableText([...request.argv, ...Object.entries(request.env).flat(), ...request.files]);
      if (bad !== undefined)
        throw new BerthError('E_VM_IMAGE', `a zero byte in ${JSON.stringify(bad)} cannot be passed on`);
      const tool = await findOps(options.host, options.settings);
      const key = await cacheKey(request, tool, digests);
      const what = `${request.imageRef} for unikernel`;
      const folder = await options.cache.ensure(
        { key, what },
        (fresh, abort) => makeDisk(options, { request, tool, folder: fresh }, abort),
        signal,
      );
      return describeDisk(folder);
    },
  };
}

/** The disk in a cache folder. */
export async function describeDisk(folder: string): Promise<UnikernelImage> {
  const { size: fileBytes } = await stat(join(folder, diskFile));
  return { folder, file: diskFile, fileBytes };
}

async function cacheKey(request: UnikernelRequest, tool: OpsTool, digests: FileDigests): Promise<string> {
  const { imageDigest, argv, env, files } = request;
  const tools = await Promise.all([tool.ops, tool.kernel, tool.boot].map((path) => digests.of(path))).catch(
    (error: unknown): never => {
      throw fileError(error, 'read ops and its kernel');
    },
  );
  const sortedEnv = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  const all = [recipe, imageDigest, argv, sortedEnv, [...files].sort(), userNetwork, tools, tool.version];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

interface Making {
  readonly request: UnikernelRequest;
  readonly tool: OpsTool;
  /** Fresh and empty; holds nothing but the disk in the end. */
  readonly folder: string;
}

async function makeDisk(options: UnikernelBuilderOptions, making: Making, signal: AbortSignal): Promise<void> {
  const { clock, settings, log } = options;
  const startedAt = clock.monotonic();
  const deadline = new AbortController();
  const stopTimer = clock.after(settings.buildDeadlineMs, () => {
    deadline.abort();
  });
  const { imageRef } = making.request;
  try {
    const work = join(making.folder, 'work');
    await mkdir(work, { mode: 0o700 });
    const disk = await build(options, making, work, { signal, deadline: deadline.signal, startedAt });
    // Its folder is the agent's alone; QEMU, under a user of its own, gets a second name of it.
    await chmod(disk, 0o444);
    await rename(disk, join(making.folder, diskFile));
    await rm(work, { recursive: true, force: true });
    log.info({ image: imageRef, tookMs: Math.round(clock.monotonic() - startedAt) }, 'built a unikernel');
  } catch (error) {
    if (deadline.signal.aborted && !signal.aborted && !isOpsError(error)) {
      const message = `the unikernel of ${imageRef} was not built within ${settings.buildDeadlineMs} ms`;
      throw new BerthError('E_OPS', message, { cause: error });
    }
    throw fileError(error, `build the unikernel of ${imageRef}`);
  } finally {
    stopTimer();
  }
}

const isOpsError = (error: unknown): boolean => error instanceof BerthError && error.code === 'E_OPS';

interface Limits {
  readonly signal: AbortSignal;
  readonly deadline: AbortSignal;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
}

async function build(
  options: UnikernelBuilderOptions,
  { request, tool }: Making,
  work: string,
  limits: Limits,
): Promise<string> {
  const { host, clock, source, settings, chance } = options;
  const either = AbortSignal.any([limits.signal, limits.deadline]);
  const archive = join(work, 'image.tar');
  await source.save(request.imageDigest, archive, either);
  const unpacked = join(work, 'unpacked');
  await mkdir(unpacked, { mode: 0o700 });
  const tree = await options.openTree(archive, unpacked, either);
  const root = join(work, 'root');
  try {
    const { argv, env, files } = request;
    const { workdir } = tree.config;
    const program = await resolveProgram(tree, argv, env);
    const needed = await findLibraries(tree, program, env);
    const staged = await stageRoot({ tree, program, needed, files, workdir }, root, either);
    const folder = join(work, 'ops');
    await mkdir(folder, { mode: 0o700 });
    const { kernel, boot } = tool;
    const config = opsConfig({ argv, env, workdir, network: userNetwork, kernel, boot, ...staged });
    const deadlineMs = Math.max(1, settings.buildDeadlineMs - (clock.monotonic() - limits.startedAt));
    const name = `berth-${chance.id().replaceAll(/[^0-9a-z-]/gi, '')}`;
    return await runOpsBuild(
      { host, clock },
      { tool, folder, root, program: program.path, config, name, deadlineMs: Math.round(deadlineMs) },
      limits.signal,
    );
  } finally {
    await tree.close();
  }
}
