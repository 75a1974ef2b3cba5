/** Writes a part of an image into a host folder, and nothing outside of it, whatever links the image holds. */
import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, realpath, rm, symlink } from 'node:fs/promises';
import { join, posix, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../../../core/errors.js';
import { fileError } from '../../host/folders.js';
import type { TreeEntry } from '../contracts.js';
import { badImage } from './tar.js';

export interface CopyRequest {
  readonly tree: {
    entries(): Iterable<TreeEntry>;
    find(path: string): TreeEntry | undefined;
    stream(path: string): AsyncIterable<Uint8Array>;
  };
  /** The entry's real path in the tree. */
  readonly from: string;
  /** The path below `toFolder` at which it is put. */
  readonly as: string;
  readonly toFolder: string;
}

const isBelow = (path: string, folder: string): boolean =>
  path === folder || folder === '/' || path.startsWith(`${folder}/`);

/** See ImageTree.copyOut. */
export async function copyOut(request: CopyRequest, signal: AbortSignal): Promise<void> {
  const { tree, from, as, toFolder } = request;
  try {
    await mkdir(toFolder, { recursive: true });
    const root = await realpath(toFolder);
    for (const entry of tree.entries()) {
      if (!isBelow(entry.path, from)) continue;
      if (signal.aborted) throw new BerthError('E_DRIVER_TIMEOUT', `copying ${as} out of the image was cancelled`);
      const path = posix.join(as, entry.path.slice(from === '/' ? 0 : from.length));
      await writeEntry(request, entry, root, path, signal);
    }
  } catch (error) {
    throw fileError(error, `copy ${as} out of the image`);
  }
}

async function writeEntry(
  request: CopyRequest,
  entry: TreeEntry,
  root: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  switch (entry.kind) {
    case 'directory':
      await makeFolder(root, path);
      return;
    case 'file': {
      const target = await freePlace(root, path);
      const content = Readable.from(request.tree.stream(entry.path));
      await pipeline(content, createWriteStream(target, { flags: 'wx', mode: 0o600 }), { signal });
      await chmod(target, 0o600 | (entry.mode & 0o755));
      return;
    }
    case 'symlink':
      await writeLink(request, entry, root, path);
      return;
    case 'fifo':
    case 'character-device':
    case 'block-device':
      return;
  }
}

/** Relative, to where the link leads in the tree: neither an absolute target nor one that climbs gets out. */
async function writeLink(request: CopyRequest, entry: TreeEntry, root: string, path: string): Promise<void> {
  const { tree, from, as } = request;
  const target = tree.find(entry.path);
  if (!target) return;
  const place = await freePlace(root, path);
  const copied = isBelow(target.path, from)
    ? posix.join(as, target.path.slice(from === '/' ? 0 : from.length))
    : target.path;
  const folder = await realpath(join(place, '..'));
  await symlink(relative(folder, join(root, copied)) || '.', place);
}

/** Host path of a name that is free now, in a folder that is really below `root`. */
async function freePlace(root: string, path: string): Promise<string> {
  const folder = await makeFolder(root, posix.dirname(path));
  const place = join(folder, posix.basename(path));
  await rm(place, { recursive: true, force: true });
  return place;
}

/** Makes what is missing, part by part; links in the way are followed only while they stay below `root`. */
async function makeFolder(root: string, path: string): Promise<string> {
  let folder = root;
  for (const part of path.split('/').filter((one) => one !== '')) {
    const next = join(folder, part);
    const found = await lstat(next).catch(() => undefined);
    if (!found) await mkdir(next);
    folder = found?.isSymbolicLink() ? await realpath(next) : next;
    if (!isBelow(folder, root)) throw badImage(`${path} leads out of the folder that it is copied to`);
  }
  return folder;
}
