/** Makes what boots a microVM of an OCI image: an archive for its memory, or a read-only disk. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { z } from 'zod';
import { BerthError } from '../../../core/errors.js';
import type { ImageSource } from '../../../core/ports/image-source.js';
import { fileError } from '../../host/folders.js';
import type { Host } from '../../host/host.js';
import type { Pipes } from '../../host/pipes.js';
import type { LinuxImage, QemuSettings } from '../contracts.js';
import { openImageTree, type OpenedImage } from './archive.js';
import type { CollectedImageCache } from './cache.js';
import { checkArchitecture } from './config.js';
import { cpioOf, tarOf } from './root.js';

export interface LinuxImageDeps {
  readonly cache: CollectedImageCache;
  readonly source: ImageSource;
  readonly host: Host;
  readonly pipes: Pipes;
  readonly settings: Pick<QemuSettings, 'initramfsLimitMb' | 'buildDeadlineMs'>;
}

/** An image by its digest; the reference is for people. */
export interface NamedImage {
  readonly digest: string;
  readonly reference: string;
}

/** Changes whenever the same image would give another result. */
const formatVersion = 1;
const mebibyte = 1024 * 1024;
const metaName = 'meta.json';
/** Accounts of an image; more than this is no list of accounts. */
const maxAccountBytes = 1024 * 1024;

const texts = z.array(z.string());
const metaSchema = z.object({
  root: z.enum(['initramfs', 'disk']),
  file: z.string(),
  unpackedBytes: z.number(),
  fileBytes: z.number(),
  config: z.object({
    architecture: z.string(),
    os: z.string(),
    env: z.record(z.string(), z.string()),
    entrypoint: texts,
    command: texts,
    workdir: z.string(),
    user: z.string(),
    stopSignal: z.string().nullable(),
  }),
  passwd: z.string(),
  group: z.string(),
});
type Meta = z.infer<typeof metaSchema>;

function keyOf(digest: string, initramfsLimitMb: number): string {
  return createHash('sha256')
    .update(JSON.stringify(['linux', formatVersion, digest, initramfsLimitMb]))
    .digest('hex');
}

/**
 * The bootable form of an image, made when it is not there yet. E_VM_IMAGE (damaged, another architecture),
 * E_IMAGE_MISSING, E_RUNTIME_UNAVAILABLE (a large image and no squashfs-tools), E_DISK_FULL, E_DRIVER_TIMEOUT.
 */
export async function ensureLinuxImage(
  deps: LinuxImageDeps,
  image: NamedImage,
  signal: AbortSignal,
): Promise<LinuxImage> {
  const key = keyOf(image.digest, deps.settings.initramfsLimitMb);
  const cached = await deps.cache.has(key);
  const ready = cached === undefined ? undefined : await readMeta(cached);
  if (ready) return ready;
  // Somebody took a file out of it: nothing can boot from it, so nothing is lost.
  if (cached !== undefined) await deps.cache.remove(key);
  const request = { key, what: `image of ${image.reference} for microvm` };
  const folder = await deps.cache.ensure(request, (fresh, life) => build(deps, image, fresh, life), signal);
  const made = await readMeta(folder);
  if (made) return made;
  throw new BerthError('E_DRIVER_FAILED', `${folder} is damaged: its files are not those that were built`, {
    suggestion: 'remove that folder; it is built anew then',
  });
}

async function readMeta(folder: string): Promise<LinuxImage | undefined> {
  const text = await readFile(join(folder, metaName), 'utf8').catch(() => '');
  const meta = metaSchema.safeParse(parseJson(text)).data;
  if (!meta) return undefined;
  const facts = await stat(join(folder, meta.file)).catch(() => undefined);
  return facts?.size === meta.fileBytes ? { folder, ...meta } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function build(deps: LinuxImageDeps, image: NamedImage, folder: string, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.timeout(deps.settings.buildDeadlineMs);
  try {
    await withOpenImage(deps.source, image, folder, AbortSignal.any([signal, deadline]), (tree, life) =>
      writeRoot(deps, image, { tree, folder }, life),
    );
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error;
    const text = `making ${image.reference} bootable took longer than ${deps.settings.buildDeadlineMs} ms`;
    throw new BerthError('E_DRIVER_TIMEOUT', text, { cause: error });
  }
}

/** Calls `use` with the opened image; what that needs on disk is in a folder below `folder`, and gone afterwards. */
export async function withOpenImage<T>(
  source: ImageSource,
  image: NamedImage,
  folder: string,
  signal: AbortSignal,
  use: (tree: OpenedImage, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const work = join(folder, '.work');
  try {
    await mkdir(work, { mode: 0o700 });
    const archive = join(work, 'image.tar');
    await source.save(image.digest, archive, signal);
    const tree = await openImageTree(archive, work, signal);
    try {
      checkArchitecture(tree.config, process.arch, image.reference);
      return await use(tree, signal);
    } finally {
      await tree.close();
    }
  } catch (error) {
    throw fileError(error, `read the image ${image.reference}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface RootPlace {
  readonly tree: OpenedImage;
  readonly folder: string;
}

async function writeRoot(
  deps: LinuxImageDeps,
  image: NamedImage,
  place: RootPlace,
  signal: AbortSignal,
): Promise<void> {
  const { tree, folder } = place;
  const root = tree.totalBytes <= deps.settings.initramfsLimitMb * mebibyte ? 'initramfs' : 'disk';
  const file = root === 'initramfs' ? 'root.cpio.gz' : 'root.squashfs';
  const path = join(folder, file);
  if (root === 'initramfs') await writeArchive(tree, path, signal);
  else await writeDisk(deps, image, tree, path, signal);
  // Nobody changes it, and QEMU reads it under another user.
  await chmod(path, 0o444);
  const meta: Meta = {
    root,
    file,
    unpackedBytes: tree.totalBytes,
    fileBytes: (await stat(path)).size,
    config: { ...tree.config, entrypoint: [...tree.config.entrypoint], command: [...tree.config.command] },
    passwd: await accountsOf(tree, '/etc/passwd'),
    group: await accountsOf(tree, '/etc/group'),
  };
  await writeFile(join(folder, metaName), `${JSON.stringify(meta, null, 2)}\n`, { mode: 0o600 });
}

async function accountsOf(tree: OpenedImage, path: string): Promise<string> {
  if (tree.find(path)?.kind !== 'file') return '';
  return Buffer.from(await tree.read(path, maxAccountBytes)).toString('utf8');
}

async function writeArchive(tree: OpenedImage, path: string, signal: AbortSignal): Promise<void> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  const input = Readable.from(cpioOf(tree), { objectMode: false });
  await pipeline(input, gzip, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
}

/**
 * Contents are not compressed: packing them takes fifty times as long, and unpacking them is the guest's work, slow
 * without KVM. The rest is packed by gzip, which every kernel that knows squashfs can read.
 */
const diskOptions = ['-comp', 'gzip', '-noD', '-noF', '-no-xattrs', '-mkfs-time', '0', '-quiet', '-no-progress'];

/** sqfstar does not take the root's own attributes from the archive. */
function rootOptions(tree: OpenedImage): readonly string[] {
  const { mode, uid, gid, mtimeS } = tree.find('/') ?? { mode: 0o755, uid: 0, gid: 0, mtimeS: 0 };
  const time = String(Math.max(mtimeS, 0));
  const owner = ['-root-uid', String(uid), '-root-gid', String(gid)];
  return ['-root-mode', mode.toString(8), ...owner, '-root-time', time];
}

async function writeDisk(
  deps: LinuxImageDeps,
  image: NamedImage,
  tree: OpenedImage,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const { reference } = image;
  const program = await deps.host.findProgram('sqfstar');
  if (!program) {
    const size = Math.ceil(tree.totalBytes / mebibyte);
    throw new BerthError(
      'E_RUNTIME_UNAVAILABLE',
      `${reference} (${size} MB) needs a disk, and sqfstar is not installed`,
      {
        suggestion: 'install the package squashfs-tools, or use a smaller image',
      },
    );
  }
  const argv = [program, ...diskOptions, ...rootOptions(tree), path];
  const timeoutMs = deps.settings.buildDeadlineMs;
  const result = await deps.pipes.feed(argv, tarOf(tree), { timeoutMs, signal });
  if (result.exitCode === 0) return;
  if (result.cancelled) throw new BerthError('E_DRIVER_TIMEOUT', `making a disk of ${reference} was cancelled`);
  const how = result.timedOut ? `took longer than ${timeoutMs} ms` : `failed: ${result.output}`;
  const code = /no space left on device/i.test(result.output) ? 'E_DISK_FULL' : 'E_DRIVER_FAILED';
  throw new BerthError(code, `making a disk of ${reference} ${how}`, { details: { output: result.output } });
}
