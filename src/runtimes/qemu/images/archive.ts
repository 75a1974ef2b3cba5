/**
 * Reads an image as `podman save --format docker-archive` writes it, without running or mounting anything. Contents
 * stay in the archive and are read by position; only compressed layers are unpacked, into the work folder.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { BerthError } from '../../../core/errors.js';
import { fileError } from '../../host/folders.js';
import type { ImageConfig, ImageTree, TreeEntry } from '../contracts.js';
import { readImageConfig } from './config.js';
import { copyOut } from './copy-out.js';
import { badImage, ReadAhead, readTar, type FilePlace, type TarEntry } from './tar.js';
import { imageLimits, LayeredTree, type Content } from './tree.js';

/** An image's tree whose contents can be read as streams. */
export interface OpenedImage extends ImageTree {
  /** The content of the file of exactly this name, in chunks. E_NOT_FOUND. */
  stream(path: string): AsyncIterable<Uint8Array>;
}

/** Of manifest.json and the config, each. */
const maxJsonBytes = 8 * 1024 * 1024;
/** Files of the archive itself: a few for each layer. */
const maxArchiveEntries = 16 * imageLimits.layers;

/** Source: github.com/moby/docker-image-spec, "Combined Image JSON + Filesystem Changeset Format". */
const manifestSchema = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()).nullish() })).min(1);

const archiveName = "the image's archive";

/** What stands in the archive itself: manifest, config, layers. */
class ArchiveIndex {
  readonly #entries = new Map<string, TarEntry>();
  readonly #file: ReadAhead;

  constructor(file: ReadAhead) {
    this.#file = file;
  }

  async load(bytes: number, signal: AbortSignal): Promise<void> {
    for await (const entry of readTar(this.#file, { offset: 0, size: bytes }, archiveName)) {
      checkAborted(signal);
      this.#entries.set(posix.normalize(entry.path), entry);
      if (this.#entries.size > maxArchiveEntries)
        throw badImage(`${archiveName} holds more than ${maxArchiveEntries} files`);
    }
  }

  /** The file of this name; links within the archive are followed. */
  file(name: string): TarEntry {
    let path = posix.normalize(name);
    for (let links = 0; links <= imageLimits.links; links += 1) {
      const entry = this.#entries.get(path);
      if (entry?.kind === 'file') return entry;
      if (entry?.kind === 'symlink') path = posix.join(posix.dirname(path), entry.linkTarget);
      else if (entry?.kind === 'hard-link') path = posix.normalize(entry.linkTarget);
      else break;
    }
    throw badImage(`${archiveName} is not complete: ${name} is missing`);
  }

  async text(name: string): Promise<string> {
    const { offset, size } = this.file(name);
    if (size > maxJsonBytes) throw badImage(`${archiveName}: ${name} has ${size} bytes`);
    return (await this.#file.read(offset, size)).toString('utf8');
  }

  /** Config and layers, the lowest first. */
  async manifest(): Promise<{ readonly config: string; readonly layers: readonly string[] }> {
    const parsed = manifestSchema.safeParse(parseJson(await this.text('manifest.json')));
    const image = parsed.data?.[0];
    if (!image) throw badImage(`${archiveName} cannot be understood: its manifest.json is none`);
    const layers = image.Layers ?? [];
    if (layers.length > imageLimits.layers) throw badImage(`the image has more than ${imageLimits.layers} layers`);
    return { config: image.Config, layers };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function checkAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new BerthError('E_DRIVER_TIMEOUT', 'reading the image was cancelled', { cause: signal.reason });
}

/** The first bytes of compressed files. Sources: RFC 1952, RFC 8878. */
const magics = { gzip: Buffer.from([0x1f, 0x8b]), zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) };

/** A layer as it can be read: where its tar is. */
interface Layer {
  readonly source: number;
  readonly place: FilePlace;
}

/** The files that contents are read from: the archive, and layers that had to be unpacked. */
class Sources {
  readonly #archivePath: string;
  readonly #workFolder: string;
  readonly #files: ReadAhead[] = [];
  readonly #made: string[] = [];

  constructor(archivePath: string, workFolder: string) {
    this.#archivePath = archivePath;
    this.#workFolder = workFolder;
  }

  async open(path: string): Promise<{ readonly file: ReadAhead; readonly source: number; readonly bytes: number }> {
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw fileError(error, `open ${path}`);
    });
    const file = new ReadAhead(handle, archiveName);
    const source = this.#files.push(file) - 1;
    return { file, source, bytes: (await handle.stat()).size };
  }

  at(source: number): ReadAhead {
    const file = this.#files[source];
    if (!file) throw new Error(`there is no source ${source}`);
    return file;
  }

  async layer(entry: TarEntry, number: number, signal: AbortSignal): Promise<Layer> {
    const head = await this.at(0).read(entry.offset, Math.min(entry.size, 4));
    if (head.subarray(0, 4).equals(magics.zstd)) {
      throw badImage('a layer of the image is compressed by zstd, which is not supported here');
    }
    if (!head.subarray(0, 2).equals(magics.gzip)) return { source: 0, place: entry };
    const path = join(this.#workFolder, `layer-${number}.tar`);
    this.#made.push(path);
    await this.#unpack(entry, path, signal);
    const { source, bytes } = await this.open(path);
    return { source, place: { offset: 0, size: bytes } };
  }

  async close(): Promise<void> {
    for (const file of this.#files.splice(0)) await file.close().catch(() => undefined);
    for (const path of this.#made.splice(0)) await rm(path, { force: true }).catch(() => undefined);
  }

  async #unpack({ offset, size }: FilePlace, path: string, signal: AbortSignal): Promise<void> {
    const from = createReadStream(this.#archivePath, { start: offset, end: offset + size - 1 });
    const to = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    try {
      await pipeline(from, createGunzip(), to, { signal });
    } catch (error) {
      checkAborted(signal);
      const { code } = error as NodeJS.ErrnoException;
      // Zlib's own codes: Z_DATA_ERROR, Z_BUF_ERROR.
      if (code?.startsWith('Z_')) throw badImage(`a layer of the image is damaged: ${(error as Error).message}`);
      throw fileError(error, 'unpack a layer of the image');
    }
  }
}

async function mergeLayers(
  index: ArchiveIndex,
  sources: Sources,
  layers: readonly string[],
  signal: AbortSignal,
): Promise<LayeredTree> {
  const tree = new LayeredTree();
  for (const [at, name] of layers.entries()) {
    const layer = await sources.layer(index.file(name), at + 1, signal);
    const words = `layer ${at + 1} of the image`;
    for await (const entry of readTar(sources.at(layer.source), layer.place, words)) {
      checkAborted(signal);
      tree.apply(entry, at + 1, layer.source);
    }
  }
  return tree;
}

function totalOf(tree: LayeredTree): number {
  let bytes = 0;
  for (const { size, hardLinkTo } of tree.entries()) bytes += hardLinkTo === undefined ? size : 0;
  return bytes;
}

function notFound(path: string): BerthError {
  return new BerthError('E_NOT_FOUND', `the image has no file ${path}`, {
    suggestion: 'look at the path; it is one inside the image',
  });
}

class OpenedArchive implements OpenedImage {
  readonly config: ImageConfig;
  readonly totalBytes: number;
  readonly #tree: LayeredTree;
  readonly #sources: Sources;

  constructor(config: ImageConfig, tree: LayeredTree, sources: Sources) {
    this.config = config;
    this.#tree = tree;
    this.#sources = sources;
    this.totalBytes = totalOf(tree);
  }

  entries(): Iterable<TreeEntry> {
    return this.#tree.entries();
  }

  find(path: string): TreeEntry | undefined {
    return this.#tree.find(path)?.entry;
  }

  async read(path: string, maxBytes = Number.MAX_SAFE_INTEGER): Promise<Uint8Array> {
    const content = this.#tree.find(path)?.content;
    if (!content) throw notFound(path);
    const chunks: Uint8Array[] = [];
    const size = Math.min(content.size, maxBytes);
    for await (const chunk of this.#stream({ ...content, size })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  stream(path: string): AsyncIterable<Uint8Array> {
    const content = this.#tree.at(path)?.content;
    if (!content) throw notFound(path);
    return this.#stream(content);
  }

  async copyOut(path: string, toFolder: string, signal: AbortSignal): Promise<void> {
    const found = this.#tree.find(path);
    if (!found) throw notFound(path);
    await copyOut({ tree: this, from: found.entry.path, as: posix.join('/', path), toFolder }, signal);
  }

  close(): Promise<void> {
    return this.#sources.close();
  }

  #stream(content: Content): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#sources.at(content.source).stream(content);
  }
}

/**
 * Opens the archive of one image. `workFolder` takes what has to be unpacked, until `close`.
 * @throws BerthError `E_VM_IMAGE` for an archive that is damaged, cut off, or that no honest tool writes;
 * `E_DISK_FULL`; `E_DRIVER_TIMEOUT` when the signal fired.
 */
export async function openImageTree(
  archivePath: string,
  workFolder: string,
  signal: AbortSignal,
): Promise<OpenedImage> {
  const sources = new Sources(archivePath, workFolder);
  try {
    const { file, bytes } = await sources.open(archivePath);
    const index = new ArchiveIndex(file);
    await index.load(bytes, signal);
    const manifest = await index.manifest();
    const config = readImageConfig(await index.text(manifest.config));
    return new OpenedArchive(config, await mergeLayers(index, sources, manifest.layers, signal), sources);
  } catch (error) {
    await sources.close();
    throw error;
  }
}
