/** Podman's images for other drivers: what an image is made of, as a file. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { BerthError, isBerthError } from '../../core/errors.js';
import type { Driver } from '../../core/ports/driver.js';
import type { ImageSource } from '../../core/ports/image-source.js';
import { fileError } from '../host/folders.js';
import type { LibpodClient } from './client.js';

/** A driver that can also hand out its images. */
export interface ImageKeeper extends Driver {
  /** See `ImageSource.save`. */
  saveImage(digest: string, path: string, signal: AbortSignal): Promise<void>;
}

export interface SaveOptions {
  readonly client: () => LibpodClient;
  /** Milliseconds for one image: as long as for one pull. */
  readonly pullDeadlineMs: number;
}

/**
 * Writes the image to a new file; what fails leaves no file. Source: libpod's API, ImageGetLibpod.
 * E_IMAGE_MISSING, E_DISK_FULL, E_DRIVER_TIMEOUT.
 */
export async function saveImage(
  options: SaveOptions,
  digest: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.timeout(options.pullDeadlineMs);
  const life = AbortSignal.any([signal, deadline]);
  try {
    // First: an answer that nobody reads would hold its connection.
    const file = await open(path, 'wx', 0o600);
    try {
      await writeAll(await stream(options, digest, life), file);
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    if (signal.aborted) throw new BerthError('E_DRIVER_TIMEOUT', `saving the image ${digest} was cancelled`);
    if (deadline.aborted) {
      const text = `saving the image ${digest} took longer than ${options.pullDeadlineMs} ms`;
      throw new BerthError('E_DRIVER_TIMEOUT', text);
    }
    throw broken(error, digest);
  }
}

function stream({ client, pullDeadlineMs }: SaveOptions, digest: string, signal: AbortSignal) {
  return client().stream('GET', `/images/${digest.replace(/^sha256:/, '')}/get`, {
    what: `save the image ${digest}`,
    query: { format: 'docker-archive', compress: false },
    signal,
    deadlineMs: pullDeadlineMs,
  });
}

/**
 * Pulls chunk by chunk. The answer's body slows down with each pause that a pipe asks of it: to less than 1 MB/s for
 * an image of some hundreds of MB.
 */
async function writeAll(content: AsyncIterable<Uint8Array>, file: FileHandle): Promise<void> {
  for await (const chunk of content) await file.writeFile(chunk);
}

function broken(error: unknown, digest: string): BerthError {
  if (isBerthError(error)) {
    // Asked for by its digest: 404 has no other meaning, whatever the words.
    if (error.details['status'] !== 404) return error;
    return new BerthError('E_IMAGE_MISSING', `podman has no image ${digest}`, { cause: error });
  }
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  // Of the file that is written; all else is the connection.
  if (/^E[A-Z]+$/.test(code) && !['ECONNRESET', 'EPIPE'].includes(code)) return fileError(error, `save ${digest}`);
  return new BerthError('E_DRIVER_UNREACHABLE', `podman broke off the image ${digest}`, { cause: error });
}

/** The images of this driver's podman. */
export function createImageSource(driver: ImageKeeper): ImageSource {
  return {
    name: driver.name,
    resolve: (reference, signal) => driver.resolveImage(reference, signal),
    pull: (reference, policy, signal) => driver.pull(reference, policy, signal),
    build: (build, reference, signal) => driver.build(build, reference, signal),
    save: (digest, path, signal) => driver.saveImage(digest, path, signal),
  };
}
