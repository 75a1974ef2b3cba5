/**
 * Reads tar archives by position, so that contents stay where they are, and writes their headers. Formats: ustar, pax
 * (IEEE Std 1003.1, pax) and GNU tar's long names; headers are decoded by the package `tar`.
 */
import type { FileHandle } from 'node:fs/promises';
import { Header, Pax } from 'tar';
import { BerthError } from '../../../core/errors.js';
import { fileError } from '../../host/folders.js';

/** One entry, with the place of its content. */
export interface TarEntry {
  /** As written: not clean, and not to be trusted. */
  readonly path: string;
  readonly kind: 'file' | 'hard-link' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the content, in bytes. */
  readonly size: number;
  /** Where the content begins in the file that holds the archive. */
  readonly offset: number;
  readonly mtimeS: number;
  readonly linkTarget: string;
  readonly major: number;
  readonly minor: number;
}

/** A part of a file. Bytes. */
export interface FilePlace {
  readonly offset: number;
  readonly size: number;
}

const blockBytes = 512;
const windowBytes = 256 * 1024;
/** Of a name or a pax header: PATH_MAX is 4096, and extended attributes may come along. */
const maxExtensionBytes = 1024 * 1024;

/** A file that is read here and there, mostly forwards: small reads are served from a window that was read ahead. */
export class ReadAhead {
  readonly #file: FileHandle;
  readonly #name: string;
  #window: Buffer = Buffer.alloc(0);
  #windowOffset = 0;

  constructor(file: FileHandle, name: string) {
    this.#file = file;
    this.#name = name;
  }

  /** The bytes there; fewer when the file ends before. They are the caller's to keep. */
  async read(offset: number, length: number): Promise<Buffer> {
    if (length > windowBytes / 2) return this.#readFile(offset, length);
    const from = offset - this.#windowOffset;
    if (from < 0 || from + length > this.#window.byteLength) {
      this.#window = await this.#readFile(offset, windowBytes);
      this.#windowOffset = offset;
    }
    const start = offset - this.#windowOffset;
    return this.#window.subarray(start, start + length);
  }

  /** The content at a place, in chunks. */
  async *stream(place: FilePlace): AsyncGenerator<Uint8Array, void, undefined> {
    let done = 0;
    while (done < place.size) {
      const chunk = await this.read(place.offset + done, Math.min(place.size - done, windowBytes));
      if (chunk.byteLength === 0) throw truncated(this.#name);
      done += chunk.byteLength;
      yield chunk;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #readFile(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let done = 0;
    try {
      while (done < length) {
        const { bytesRead } = await this.#file.read(buffer, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } catch (error) {
      throw fileError(error, `read ${this.#name}`);
    }
    return buffer.subarray(0, done);
  }
}

/** What is wrong with an image, in words. */
export function badImage(message: string): BerthError {
  return new BerthError('E_VM_IMAGE', message, {
    suggestion: 'save and load the image again, or build it anew; podman itself may not be able to read it either',
  });
}

function truncated(name: string): BerthError {
  return badImage(`${name} is cut off: it ends in the middle of a file`);
}

type Kinds = Readonly<Partial<Record<Header['type'], TarEntry['kind']>>>;
const kinds: Kinds = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Link: 'hard-link',
  Directory: 'directory',
  SymbolicLink: 'symlink',
  CharacterDevice: 'character-device',
  BlockDevice: 'block-device',
  FIFO: 'fifo',
};

/** What the headers before an entry say of it. */
interface Extension {
  path?: string | undefined;
  linkpath?: string | undefined;
  size?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  mtime?: Date | undefined;
}

type ExtensionReader = (text: string, before: Extension) => Extension;
const untilZero = (text: string): string => text.split('\0', 1)[0] ?? '';

/** Headers that speak of the entry after them. A global one says nothing that an image needs. */
const extensions: Readonly<Partial<Record<Header['type'], ExtensionReader>>> = {
  ExtendedHeader: (text, before) => {
    if (/^\d+ GNU\.sparse\./m.test(text)) throw badImage('a layer holds a sparse file in a form that is not supported');
    return { ...before, ...definedOf(Pax.parse(text)) };
  },
  OldExtendedHeader: (text, before) => ({ ...before, ...definedOf(Pax.parse(text)) }),
  GlobalExtendedHeader: (_text, before) => before,
  NextFileHasLongPath: (text, before) => ({ ...before, path: untilZero(text) }),
  OldGnuLongPath: (text, before) => ({ ...before, path: untilZero(text) }),
  NextFileHasLongLinkpath: (text, before) => ({ ...before, linkpath: untilZero(text) }),
};

function definedOf(pax: Pax): Extension {
  const { path, linkpath, size, uid, gid, mtime } = pax;
  return Object.fromEntries(
    Object.entries({ path, linkpath, size, uid, gid, mtime }).filter(([, value]) => value !== undefined),
  );
}

/** Linux has no others; what an archive makes up becomes root's. */
const idOf = (value: number | undefined): number =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= 0xfffffffe ? value : 0;

function entryOf(header: Header, extension: Extension, offset: number, size: number): TarEntry | undefined {
  const kind = kinds[header.type];
  if (kind === undefined) return undefined;
  const mtimeMs = (extension.mtime ?? header.mtime)?.getTime() ?? 0;
  return {
    path: extension.path ?? header.path ?? '',
    kind,
    mode: (header.mode ?? 0) & 0o7777,
    uid: idOf(extension.uid ?? header.uid),
    gid: idOf(extension.gid ?? header.gid),
    size: kind === 'file' ? size : 0,
    offset,
    mtimeS: Number.isFinite(mtimeMs) ? Math.trunc(mtimeMs / 1000) : 0,
    linkTarget: extension.linkpath ?? header.linkpath ?? '',
    major: header.devmaj,
    minor: header.devmin,
  };
}

/** The content's length as the archive says it; a link or a folder has none whatever it says. */
function sizeOf(header: Header, extension: Extension, name: string): number {
  const kind = kinds[header.type];
  if (kind !== undefined && kind !== 'file') return 0;
  const size = extension.size ?? header.size ?? 0;
  if (!Number.isSafeInteger(size) || size < 0) throw badImage(`${name} says that a file has ${size} bytes`);
  return size;
}

function decode(block: Buffer, name: string): Header | undefined {
  const header = new Header(block);
  if (header.nullBlock) return undefined;
  if (!header.cksumValid) throw badImage(`${name} is damaged: a header in it has a wrong checksum`);
  return header;
}

/**
 * The entries of the archive at `place`, in order. `name` says in messages what is read.
 * @throws BerthError `E_VM_IMAGE` for what is no archive, is damaged or cut off.
 */
export async function* readTar(
  file: ReadAhead,
  place: FilePlace,
  name: string,
): AsyncGenerator<TarEntry, void, undefined> {
  const end = place.offset + place.size;
  let position = place.offset;
  let extension: Extension = {};
  while (position + blockBytes <= end) {
    const block = await file.read(position, blockBytes);
    if (block.byteLength < blockBytes) throw truncated(name);
    const header = decode(block, name);
    if (!header) return;
    const size = sizeOf(header, extension, name);
    const offset = position + blockBytes;
    if (offset + size > end) throw truncated(name);
    position = offset + Math.ceil(size / blockBytes) * blockBytes;
    if (header.type === 'SparseFile') throw badImage(`${name} holds a sparse file in a form that is not supported`);
    const extend = extensions[header.type];
    if (extend) {
      if (size > maxExtensionBytes) throw badImage(`${name} holds a name of ${size} bytes`);
      extension = extend((await file.read(offset, size)).toString('utf8'), extension);
      continue;
    }
    const entry = entryOf(header, extension, offset, size);
    extension = {};
    if (entry) yield entry;
  }
  if (position < end) throw truncated(name);
}

const typeNames: Readonly<Record<TarEntry['kind'], Header['type']>> = {
  file: 'File',
  'hard-link': 'Link',
  directory: 'Directory',
  symlink: 'SymbolicLink',
  'character-device': 'CharacterDevice',
  'block-device': 'BlockDevice',
  fifo: 'FIFO',
};

/** The header, or headers, of an entry, its content to follow. */
export function tarHeader(entry: Omit<TarEntry, 'offset'>): Uint8Array {
  const fields = {
    path: entry.kind === 'directory' ? `${entry.path}/` : entry.path,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    linkpath: entry.linkTarget,
    devmaj: entry.major,
    devmin: entry.minor,
  };
  // In the plain header only, which holds times up to here: sqfstar refuses a pax header with a whole number of seconds.
  const mtime = new Date(Math.min(Math.max(entry.mtimeS, 0), 0o77777777777) * 1000);
  const header = new Header({ ...fields, mtime, type: typeNames[entry.kind] });
  const needsPax = header.encode();
  const block = header.block ?? Buffer.alloc(0);
  return needsPax ? Buffer.concat([new Pax(fields).encode(), block]) : block;
}

/** Zeros up to the next block after a content of `size` bytes. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((blockBytes - (size % blockBytes)) % blockBytes);
}

/** What ends an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * blockBytes);
