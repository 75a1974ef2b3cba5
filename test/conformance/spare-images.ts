/** Images and build contexts that a case may do away with. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';

export class SpareImages {
  readonly #made: BuiltImage[] = [];

  /** Different from all others. */
  async make(): Promise<BuiltImage> {
    const image = await ensureTestImage({ says: `spare-${this.#made.length + 1}` });
    this.#made.push(image);
    return image;
  }

  /** Those that are left. */
  async remove(): Promise<void> {
    for (const image of this.#made) await image.remove();
  }
}

/** A folder with a Containerfile over `base`, and something to copy. */
export async function makeBuildContext(folder: string, base: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'content'), Buffer.alloc(1_048_576));
  await writeFile(join(folder, 'Containerfile'), `FROM ${base}\nCOPY content /content\nENV BUILT=yes\n`);
  return folder;
}
