/** sha256 of files, each computed once for as long as the file stays as it is. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

interface Known {
  readonly state: string;
  readonly digest: Promise<string>;
}

const limit = 256;

export class FileDigests {
  readonly #known = new Map<string, Known>();

  /** Lower-case hexadecimal. Throws what the file system throws. */
  async of(path: string): Promise<string> {
    const { size, mtimeNs, ctimeNs, ino, dev } = await stat(path, { bigint: true });
    const state = [size, mtimeNs, ctimeNs, ino, dev].join(' ');
    const before = this.#known.get(path);
    if (before?.state === state) return before.digest;
    const digest = hashFile(path);
    if (this.#known.size >= limit) this.#known.clear();
    this.#known.set(path, { state, digest });
    digest.catch(() => this.#known.delete(path));
    return digest;
  }
}

/** sha256 of a file's content, read in pieces; lower-case hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
