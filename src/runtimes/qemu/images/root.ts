/** An image's tree as the archive that boots: for a guest's memory, or for the maker of its disk. */
import type { TreeEntry } from '../contracts.js';
import { encodeCpio, type CpioEntry } from '../guest/cpio.js';
import type { OpenedImage } from './archive.js';
import { tarEnd, tarHeader, tarPadding, type TarEntry } from './tar.js';

/** Where init lives in the guest: an image has no say there. */
const reserved = '/.berth';
const isReserved = (path: string): boolean => path === reserved || path.startsWith(`${reserved}/`);

/** Small chunks are joined up to this size: each costs a step of its own further on. */
const joinedBytes = 128 * 1024;

/** What goes into the guest: all but what stands where init lives. */
export function* rootEntries(tree: Pick<OpenedImage, 'entries'>): Generator<TreeEntry, void, undefined> {
  const moved = new Map<string, string>();
  for (const entry of tree.entries()) {
    if (isReserved(entry.path)) continue;
    const { hardLinkTo, ...file } = entry;
    if (hardLinkTo === undefined || !isReserved(hardLinkTo)) {
      yield entry;
      continue;
    }
    // The name that came first is left out: the next one takes its place.
    const first = moved.get(hardLinkTo);
    if (first === undefined) moved.set(hardLinkTo, entry.path);
    yield first === undefined ? file : { ...file, hardLinkTo: first };
  }
}

async function* joined(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    bytes += chunk.byteLength;
    if (bytes < joinedBytes) continue;
    yield Buffer.concat(waiting);
    [waiting, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

function cpioEntry(tree: OpenedImage, entry: TreeEntry): CpioEntry {
  const { path, mode, uid, gid, mtimeS, kind } = entry;
  const common = { path, mode, uid, gid, mtimeS };
  if (entry.hardLinkTo !== undefined) return { ...common, kind: 'hard-link', linkTarget: entry.hardLinkTo };
  switch (kind) {
    case 'file':
      return { ...common, kind, size: entry.size, content: tree.stream(path) };
    case 'symlink':
      return { ...common, kind, linkTarget: entry.linkTarget };
    case 'character-device':
    case 'block-device':
      return { ...common, kind, major: entry.device?.major ?? 0, minor: entry.device?.minor ?? 0 };
    case 'directory':
    case 'fifo':
      return { ...common, kind };
  }
}

/** A `newc` archive of the image, for the kernel. */
export function cpioOf(tree: OpenedImage): AsyncGenerator<Uint8Array, void, undefined> {
  const linked = new Set<string | undefined>();
  for (const { hardLinkTo } of rootEntries(tree)) linked.add(hardLinkTo);
  function* converted(): Generator<CpioEntry, void, undefined> {
    for (const entry of rootEntries(tree)) yield { ...cpioEntry(tree, entry), hasLinks: linked.has(entry.path) };
  }
  return joined(encodeCpio(converted()));
}

function tarEntry(entry: TreeEntry): Omit<TarEntry, 'offset'> {
  const { path, kind, mode, uid, gid, mtimeS, hardLinkTo } = entry;
  const { major, minor } = entry.device ?? { major: 0, minor: 0 };
  const common = { path: path.slice(1), mode, uid, gid, mtimeS, major, minor };
  if (hardLinkTo !== undefined) return { ...common, kind: 'hard-link', size: 0, linkTarget: hardLinkTo.slice(1) };
  return { ...common, kind, size: entry.size, linkTarget: entry.linkTarget };
}

async function* rawTar(tree: OpenedImage): AsyncGenerator<Uint8Array, void, undefined> {
  for (const entry of rootEntries(tree)) {
    // Whoever makes a file system of it takes the root for granted, and has no name for it.
    if (entry.path === '/') continue;
    const record = tarEntry(entry);
    yield tarHeader(record);
    if (record.kind !== 'file') continue;
    yield* tree.stream(entry.path);
    yield tarPadding(record.size);
  }
  yield tarEnd;
}

/** A tar archive of the image, but for the root itself. */
export function tarOf(tree: OpenedImage): AsyncGenerator<Uint8Array, void, undefined> {
  return joined(rawTar(tree));
}
