/** Local images and their tags, the registry they are pulled from, and the contexts they are built from. */
import { BerthError } from '../../core/errors.js';
import { shortHash } from '../../core/hash.js';
import type { Program } from './behaviour.js';
import type { ImageDefinition, SimulatedImage } from './model.js';

/** What building a context gives: an image, or the end of the log of a build that fails. */
export type BuildResult = ImageDefinition | { readonly fails: string };

/** Tells the host that a tag or an image changed, in Podman's words. */
export type ImageListener = (action: string, reference: string, digest: string) => void;

export class ImageStore {
  readonly #images = new Map<string, SimulatedImage>();
  readonly #removed = new Map<string, SimulatedImage>();
  readonly #tags = new Map<string, string>();
  readonly #remote = new Map<string, SimulatedImage>();
  readonly #builds = new Map<string, BuildResult>();
  readonly #built = new Map<BuildResult, string>();
  readonly #notify: ImageListener;
  #made = 0;

  constructor(notify: ImageListener) {
    this.#notify = notify;
  }

  /** A local image under a reference, which it takes from the image that had it. Answers its digest. */
  add(reference: string, definition: ImageDefinition = {}): string {
    const image = this.#make(definition);
    this.#images.set(image.digest, image);
    this.tag(reference, image.digest);
    return image.digest;
  }

  /** Makes `reference` name an image that is here. E_IMAGE_MISSING. */
  tag(reference: string, digest: string): void {
    this.#tags.set(reference, this.get(digest).digest);
    this.#notify('tag', reference, digest);
  }

  untag(reference: string): void {
    const digest = this.#tags.get(reference);
    if (digest !== undefined && this.#tags.delete(reference)) this.#notify('untag', reference, digest);
  }

  /** Removes an image and its tags, as `podman rmi --force` does; what was made from it stays. */
  remove(digest: string): void {
    for (const [reference, tagged] of this.#tags) if (tagged === digest) this.#tags.delete(reference);
    const image = this.#images.get(digest);
    if (!image) return;
    this.#removed.set(digest, image);
    this.#images.delete(digest);
    this.#notify('remove', digest, digest);
  }

  /** Puts an image where it can be pulled from. Answers its digest. */
  publish(reference: string, definition: ImageDefinition = {}): string {
    const image = this.#make(definition);
    this.#remote.set(reference, image);
    return image.digest;
  }

  /** What building the context at `path` gives from now on. */
  setBuild(path: string, result: BuildResult): void {
    this.#builds.set(path, result);
  }

  /** Sets what the programs of an image do from their next start on. E_IMAGE_MISSING. */
  setProgram(referenceOrDigest: string, program: Program): void {
    const image = this.get(this.resolve(referenceOrDigest) ?? referenceOrDigest);
    this.#images.set(image.digest, { ...image, program });
  }

  /** What the programs of an image do now; that of the workload's own copy when the image is gone. */
  programOf(image: SimulatedImage): Program {
    return (this.#images.get(image.digest) ?? image).program;
  }

  /** What a tag names; a digest names itself while its image is here. */
  resolve(reference: string): string | undefined {
    return this.#images.has(reference) ? reference : this.#tags.get(reference);
  }

  /** E_IMAGE_MISSING. */
  get(digest: string): SimulatedImage {
    const image = this.#images.get(digest);
    if (!image) throw new BerthError('E_IMAGE_MISSING', `${digest}: image not known`);
    return image;
  }

  /** Each tag with the digest that it names, and each digest with itself. */
  references(): ReadonlyMap<string, string> {
    return new Map([...this.#tags, ...[...this.#images.keys()].map((digest): [string, string] => [digest, digest])]);
  }

  /** As `get`, also when it was removed since: whoever built something of it knows it. E_IMAGE_MISSING. */
  recall(digest: string): SimulatedImage {
    return this.#removed.get(digest) ?? this.get(digest);
  }

  /** Fetches from the registry. E_IMAGE_PULL. */
  pull(reference: string): string {
    const image = this.#remote.get(reference);
    if (!image) throw new BerthError('E_IMAGE_PULL', `initializing source docker://${reference}: not found`);
    if (!this.#images.has(image.digest)) this.#images.set(image.digest, image);
    this.#notify('pull', reference, image.digest);
    if (this.#tags.get(reference) !== image.digest) this.tag(reference, image.digest);
    return image.digest;
  }

  /** E_BUILD_FAILED. Building the same thing again gives the same image, as layer caches do. */
  build(context: string, reference: string): string {
    const result = this.#builds.get(context);
    if (!result || 'fails' in result) {
      throw new BerthError('E_BUILD_FAILED', result?.fails ?? `${context}: no such directory`);
    }
    const known = this.#tags.get(reference);
    const cached = this.#built.get(result);
    const digest = cached !== undefined && this.#images.has(cached) ? cached : this.#keepBuilt(result);
    if (known !== digest) this.tag(reference, digest);
    return digest;
  }

  #keepBuilt(definition: ImageDefinition): string {
    const image = this.#make(definition);
    this.#images.set(image.digest, image);
    this.#built.set(definition, image.digest);
    return image.digest;
  }

  #make(definition: ImageDefinition): SimulatedImage {
    this.#made += 1;
    const digits = [0, 1, 2, 3].map((part) => shortHash(`image ${this.#made}.${part}`)).join('');
    const { env = {}, command = [], user = '', program = {}, noBoot = null } = definition;
    return { digest: `sha256:${digits}`, env: { PATH: '/usr/bin:/bin', ...env }, command, user, program, noBoot };
  }
}
