/** What the driver of one home sees of a simulated host, and what of it it may touch. */
import { BerthError } from '../../core/errors.js';
import type { DriverSnapshot, ObservedWorkload } from '../../core/observation.js';
import type { Clock } from '../../core/ports/clock.js';
import type { Maker } from './container-spec.js';
import type { Engine } from './engine.js';
import type { SimulatedHost } from './host.js';
import { ownerOf } from './labels.js';
import type { Container } from './model.js';
import { observe } from './observe.js';

export interface SightOptions {
  readonly host: SimulatedHost;
  readonly engine: Engine;
  readonly maker: Maker;
  readonly clock: Clock;
  readonly imagesOf: string;
}

export class Sight {
  readonly #options: SightOptions;
  readonly #seen = new Map<string, { readonly version: number; readonly workload: ObservedWorkload }>();

  constructor(options: SightOptions) {
    this.#options = options;
  }

  get isVm(): boolean {
    return this.#options.maker.realm === 'vm';
  }

  /** Machines have no names but those of their home: a driver sees no other home's. */
  shows(container: Container): boolean {
    return !this.isVm || ownerOf(container.spec.labels)?.homeId === this.#options.maker.homeId;
  }

  /** E_WORKLOAD_MISSING when there is none, or none to be seen. */
  shown(nativeId: string): Container {
    const container = this.#options.engine.get(nativeId);
    if (!this.shows(container)) throw noSuchMachine(nativeId);
    return container;
  }

  /** To be told to touch what it does not see is as wrong, though it does nothing. */
  hides(call: string, container: Container): boolean {
    if (this.shows(container)) return false;
    const { host, maker } = this.#options;
    host.reportForeignTouched(call, maker.homeId, container);
    return true;
  }

  /** E_DRIVER_FAILED. */
  mustBeOurs(call: string, container: Container): void {
    const { host, maker } = this.#options;
    if (ownerOf(container.spec.labels)?.homeId === maker.homeId) return;
    host.reportForeignTouched(call, maker.homeId, container);
    throw new BerthError(
      'E_DRIVER_FAILED',
      `${call}: container ${container.name} is not of this home; it was left alone`,
    );
  }

  snapshot(): DriverSnapshot {
    const { host, engine, maker, clock, imagesOf } = this.#options;
    const workloads: ObservedWorkload[] = [];
    for (const container of engine.all()) if (this.shows(container)) workloads.push(this.observe(container));
    if (this.#seen.size > 2 * workloads.length + 100) this.#seen.clear();
    const images = imagesOf === maker.driver ? host.images.references() : new Map<string, string>();
    return { driver: maker.driver, workloads, images, takenAtMs: clock.now() };
  }

  /** Made once for each version of a container: a pass over thousands must cost little. */
  observe(container: Container): ObservedWorkload {
    const seen = this.#seen.get(container.id);
    if (seen?.version === container.version) return seen.workload;
    const { driver, homeId } = this.#options.maker;
    const workload = observe(container, { driver, homeId });
    this.#seen.set(container.id, { version: container.version, workload });
    return workload;
  }
}

export function noSuchMachine(nativeId: string): BerthError {
  return new BerthError('E_WORKLOAD_MISSING', `there is no virtual machine ${nativeId}`);
}
