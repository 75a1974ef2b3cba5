/** What a person, or another program, does on the host behind Berth's back. Takes effect at once. */
import type { Engine } from './engine.js';
import type { ImageStore } from './image-store.js';
import type { ContainerSpec, ImageDefinition } from './model.js';
import type { VolumeStore } from './volume-store.js';

/** Every method takes a native id or a name, and fails with E_WORKLOAD_MISSING when there is none. */
export class Hand {
  readonly #engine: Engine;
  readonly #images: ImageStore;
  readonly #volumes: VolumeStore;

  constructor(engine: Engine, images: ImageStore, volumes: VolumeStore) {
    this.#engine = engine;
    this.#images = images;
    this.#volumes = volumes;
  }

  /** What runs writes: `text` is added to the content of each named volume that it mounts. */
  write(idOrName: string, text: string): void {
    this.#volumes.append(this.#engine.get(idOrName), text);
  }

  kill(idOrName: string, signal: 'TERM' | 'KILL' = 'KILL'): void {
    this.#engine.kill(this.#engine.get(idOrName), signal, 'hand');
  }

  /** Resolves once it is down. */
  async stop(idOrName: string, graceMs = 10_000): Promise<void> {
    await this.#engine.stop(this.#engine.get(idOrName), graceMs, 'hand');
  }

  start(idOrName: string): void {
    this.#engine.start(this.#engine.get(idOrName), 'hand');
  }

  pause(idOrName: string): void {
    this.#engine.pause(this.#engine.get(idOrName), 'hand');
  }

  unpause(idOrName: string): void {
    this.#engine.unpause(this.#engine.get(idOrName), 'hand');
  }

  remove(idOrName: string): void {
    this.#engine.remove(this.#engine.get(idOrName), 'hand');
  }

  rename(idOrName: string, name: string): void {
    this.#engine.rename(this.#engine.get(idOrName), name, 'hand');
  }

  /** As `podman update`: until the next start. Mebibytes and cores; null: unlimited. */
  updateLimits(idOrName: string, memoryMb: number | null, vcpus: number | null): void {
    this.#engine.update(this.#engine.get(idOrName), memoryMb, vcpus, 'hand');
  }

  /** Another version of Berth made it, with labels of its own; those that are not named stay. */
  relabel(idOrName: string, labels: ContainerSpec['labels']): void {
    this.#engine.relabel(this.#engine.get(idOrName), labels);
  }

  /** What the runtime cannot tell of it, in its words; null: it can again. */
  obscure(idOrName: string, problem: string | null): void {
    this.#engine.setProblem(this.#engine.get(idOrName), problem);
  }

  /** Makes a tag name another image; answers the new digest. */
  retag(reference: string, definition: ImageDefinition = {}): string {
    return this.#images.add(reference, definition);
  }

  /** As `podman rmi --force`: the containers that were made from it go with it; machines have a copy of their own. */
  removeImage(digest: string): void {
    for (const container of this.#engine.list()) {
      if (container.spec.image.digest === digest) this.#engine.remove(container, 'hand');
    }
    this.#images.remove(digest);
  }

  /** A container that bears no label of any home, running. Answers its native id. E_NAME_TAKEN, E_PORT_TAKEN. */
  runForeign(name: string, options: Partial<Omit<ContainerSpec, 'name'>> = {}): string {
    const reference = 'localhost/foreign:1';
    const image = options.image ?? this.#images.get(this.#images.resolve(reference) ?? this.#images.add(reference));
    const spec: ContainerSpec = {
      runtime: 'container',
      labels: {},
      imageRef: reference,
      env: image.env,
      command: image.command,
      user: image.user,
      ports: [],
      mounts: [],
      network: null,
      memoryMb: null,
      vcpus: null,
      ...options,
      image,
      name,
    };
    const container = this.#engine.create(spec, 'hand');
    this.#engine.start(container, 'hand');
    return container.id;
  }

  /** Another program takes a port of the host (`127.0.0.1:8080:8080/tcp`, the second number is idle). E_PORT_TAKEN. */
  occupyPort(port: string): void {
    this.#engine.occupyPort(port);
  }

  freePort(port: string): void {
    this.#engine.freePort(port);
  }
}
