/**
 * Writes cpio archives of the `newc` kind, which the kernel unpacks as its first file system. Source: the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst.
 *
 * An initrd may hold several archives in a row, each compressed on its own. Compress every one of them: a plain one
 * that follows a compressed one is skipped without a word.
 */
import { BerthError } from '../../../core/errors.js';

interface CpioCommon {
  /** With or without a leading slash; `/` is the root itself. */
  readonly path: string;
  /** Permission bits, set-id bits included. */
  readonly mode: number;
  /** Default: 0. */
  readonly uid?: number;
  /** Default: 0. */
  readonly gid?: number;
  /** Seconds since the epoch. Default: 0, so that the same files make the same archive. */
  readonly mtimeS?: number;
  /** Hard links to this file follow. Default: false. */
  readonly hasLinks?: boolean;
}

/** One file of an archive. A folder must come before what is in it. */
export type CpioEntry = CpioCommon &
  (
    | { readonly kind: 'file'; readonly content: Uint8Array }
    /** Of exactly `size` bytes, read when its turn comes. */
    | { readonly kind: 'file'; readonly size: number; readonly content: AsyncIterable<Uint8Array> }
    /** A further name of a file that came before, under this name. */
    | { readonly kind: 'hard-link'; readonly linkTarget: string }
    | { readonly kind: 'directory' }
    | { readonly kind: 'symlink'; readonly linkTarget: string }
    | { readonly kind: 'fifo' }
    | { readonly kind: 'character-device' | 'block-device'; readonly major: number; readonly minor: number }
  );

/** The kind bits of `st_mode`. Source: man 7 inode. */
const kindBits: Readonly<Record<CpioEntry['kind'], number>> = {
  fifo: 0o010000,
  'character-device': 0o020000,
  'hard-link': 0o100000,
  directory: 0o040000,
  'block-device': 0o060000,
  file: 0o100000,
  symlink: 0o120000,
};

const alignment = 4;
const headerBytes = 110;
const largestNumber = 0xffffffff;
/** PATH_MAX of Linux; the kernel skips what has a longer name. */
const largestNameBytes = 4096;
const trailerName = 'TRAILER!!!';

/**
 * The archive, trailer included, in chunks; a large file's content passes through as it is read.
 * @throws BerthError `E_VM_IMAGE` for a file or name that the format cannot hold; an Error when a file's content is
 * shorter or longer than its `size`.
 */
export async function* encodeCpio(
  entries: Iterable<CpioEntry> | AsyncIterable<CpioEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0;
  const linked = new Map<string, number>();
  for await (const entry of entries) {
    count += 1;
    if (entry.hasLinks) linked.set(entry.path, count);
    const inode = entry.kind === 'hard-link' ? inodeOfLink(entry, linked) : count;
    const small = smallContentOf(entry);
    const size = small ? small.byteLength : sizeOf(entry);
    yield headerOf(entry, inode, size);
    if (small) {
      if (size > 0) yield small;
    } else if (entry.kind === 'file') {
      yield* exactly(entry.content as AsyncIterable<Uint8Array>, size, entry.path);
    }
    yield* paddingOf(size);
  }
  yield header({
    name: trailerName,
    inode: 0,
    mode: 0,
    uid: 0,
    gid: 0,
    mtimeS: 0,
    size: 0,
    links: 1,
    major: 0,
    minor: 0,
  });
}

/** The whole archive at once: for small ones. Throws what `encodeCpio` throws. */
export async function cpioArchive(entries: Iterable<CpioEntry>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeCpio(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function inodeOfLink(entry: CpioEntry & { readonly kind: 'hard-link' }, linked: ReadonlyMap<string, number>): number {
  const inode = linked.get(entry.linkTarget);
  if (inode === undefined) throw new Error(`${entry.path}: no file ${entry.linkTarget} came before it`);
  return inode;
}

/** What an entry holds in memory already; undefined for content that is still to be read. */
function smallContentOf(entry: CpioEntry): Uint8Array | undefined {
  if (entry.kind === 'symlink') return Buffer.from(entry.linkTarget);
  if (entry.kind !== 'file') return new Uint8Array(0);
  return entry.content instanceof Uint8Array ? entry.content : undefined;
}

function sizeOf(entry: CpioEntry): number {
  return 'size' in entry ? entry.size : 0;
}

async function* exactly(
  content: AsyncIterable<Uint8Array>,
  size: number,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let written = 0;
  for await (const chunk of content) {
    written += chunk.byteLength;
    if (written > size) throw new Error(`${path}: more than the ${size} bytes that were announced`);
    yield chunk;
  }
  if (written < size) throw new Error(`${path}: ends after ${written} of the ${size} bytes that were announced`);
}

interface HeaderFields {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeS: number;
  readonly size: number;
  /** Above 1: entries with one inode number are one file, whose content comes with the first. */
  readonly links: number;
  readonly major: number;
  readonly minor: number;
}

function headerOf(entry: CpioEntry, inode: number, size: number): Uint8Array {
  const name = entry.path.replace(/^\/+/, '') || '.';
  if (size > largestNumber) {
    throw new BerthError('E_VM_IMAGE', `${entry.path}: ${size} bytes are more than an initramfs can hold in one file`);
  }
  const device = 'major' in entry ? entry : { major: 0, minor: 0 };
  return header({
    name,
    inode,
    mode: kindBits[entry.kind] | (entry.mode & 0o7777),
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    // The field has 32 bits; what is outside is shown as the nearest time.
    mtimeS: Math.min(Math.max(Math.trunc(entry.mtimeS ?? 0), 0), largestNumber),
    size,
    links: entry.kind === 'hard-link' || entry.hasLinks ? 2 : 1,
    major: device.major,
    minor: device.minor,
  });
}

/** Header and name, padded. */
function header(fields: HeaderFields): Uint8Array {
  const name = Buffer.from(`${fields.name}\0`);
  if (name.byteLength > largestNameBytes) {
    throw new BerthError('E_VM_IMAGE', `a file's name is longer than ${largestNameBytes} bytes: ${fields.name}`);
  }
  const { inode, mode, uid, gid, links, mtimeS, size, major, minor } = fields;
  const numbers = [inode, mode, uid, gid, links, mtimeS, size, 0, 0, major, minor, name.byteLength, 0];
  const text = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`;
  const result = Buffer.alloc(aligned(headerBytes + name.byteLength));
  result.write(text, 'latin1');
  result.set(name, headerBytes);
  return result;
}

function* paddingOf(size: number): Generator<Uint8Array, void, undefined> {
  const missing = aligned(size) - size;
  if (missing > 0) yield new Uint8Array(missing);
}

function aligned(size: number): number {
  return Math.ceil(size / alignment) * alignment;
}
