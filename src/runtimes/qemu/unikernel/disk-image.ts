/** Ready disks: `image = "file:/path/to/disk.img"` boots without ops. */
import { constants } from 'node:fs';
import { chmod, copyFile, open, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { BerthError } from '../../../core/errors.js';
import { fileError } from '../../host/folders.js';
import type { ImageCache, UnikernelImage } from '../contracts.js';
import { describeDisk, diskFile } from './builder.js';
import { FileDigests, hashFile } from './file-digests.js';
import { hasBootSignature } from './ops.js';

export interface DiskImage {
  readonly path: string;
  /** `sha256:…` of the content. */
  readonly digest: string;
}

export interface DiskImages {
  /** What a reference names now. E_IMAGE_MISSING, E_VM_IMAGE when it is no raw disk that boots by BIOS. */
  read(reference: string): Promise<DiskImage>;
  /**
   * A copy of the disk under its digest: the user may write to the file. It is made once, and needs the file no more.
   * E_IMAGE_GONE when the file holds something else by now, E_IMAGE_MISSING, E_VM_IMAGE, E_DISK_FULL.
   */
  ensure(image: { readonly digest: string; readonly reference: string }, signal: AbortSignal): Promise<UnikernelImage>;
}

const scheme = 'file:';

/** True when a reference names a ready disk. */
export function isDiskReference(reference: string): boolean {
  return reference.startsWith(scheme);
}

export function createDiskImages(cache: ImageCache): DiskImages {
  const digests = new FileDigests();
  return {
    read: async (reference) => {
      const path = diskPath(reference);
      await checkDisk(path);
      return { path, digest: `sha256:${await digests.of(path).catch((error: unknown) => unreadable(path, error))}` };
    },
    ensure: async ({ digest, reference }, signal) => {
      const key = digest.replace(/^sha256:/, '');
      const make = (folder: string): Promise<void> => copyDisk(diskPath(reference), key, join(folder, diskFile));
      return describeDisk(await cache.ensure({ key, what: `${reference} for unikernel` }, make, signal));
    },
  };
}

/** The path in a reference. E_VM_IMAGE unless it is absolute and clean. */
function diskPath(reference: string): string {
  const path = reference.slice(scheme.length);
  const isClean = isAbsolute(path) && normalize(path) === path && !path.includes('\0') && !path.endsWith('/');
  if (isDiskReference(reference) && isClean && path !== '/') return path;
  throw new BerthError('E_VM_IMAGE', `${reference} does not name a disk`, {
    suggestion: 'write file: and an absolute path without . or ..: image = "file:/srv/disk.img"',
  });
}

async function checkDisk(path: string): Promise<void> {
  const stats = await stat(path).catch((error: unknown) => unreadable(path, error));
  if (!stats.isFile()) throw new BerthError('E_VM_IMAGE', `${path} is no regular file`);
  if (await hasBootSignature(path).catch((error: unknown) => unreadable(path, error))) return;
  const suggestion = (await isQcow2(path))
    ? `convert it first: qemu-img convert -O raw ${path} disk.img`
    : 'give a raw disk that boots by BIOS, as ops build makes it';
  throw new BerthError('E_VM_IMAGE', `${path} is no raw disk that boots: it has no boot signature`, { suggestion });
}

/** Source: QEMU docs/interop/qcow2.txt: magic "QFI\xfb". */
async function isQcow2(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === 'QFI\u00fb';
  } finally {
    await file.close();
  }
}

async function copyDisk(from: string, key: string, to: string): Promise<void> {
  await checkDisk(from);
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    // Whoever has the path may have written meanwhile: what counts is what the copy holds.
    if ((await hashFile(to)) !== key) {
      throw new BerthError('E_IMAGE_GONE', `${from} holds another disk than when it was applied`);
    }
    await chmod(to, 0o444);
  } catch (error) {
    throw fileError(error, `copy ${from}`);
  }
}

function unreadable(path: string, error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    throw new BerthError('E_IMAGE_MISSING', `there is no disk ${path}`, {
      cause: error,
      suggestion: 'make it, or correct the path',
    });
  }
  throw fileError(error, `read ${path}`);
}
