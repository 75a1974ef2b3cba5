/** What named volumes hold: one text each, kept apart for each runtime, so that a copy can be told from its original. */
import { BerthError } from '../../core/errors.js';
import type { Container, Realm } from './model.js';

export class VolumeStore {
  readonly #contents = new Map<string, string>();
  readonly #report: (detail: string) => void;

  /** `report` hears of what must never happen. */
  constructor(report: (detail: string) => void) {
    this.#report = report;
  }

  /** undefined: there is no such volume. */
  get(realm: Realm, name: string): string | undefined {
    return this.#contents.get(`${realm} ${name}`);
  }

  set(realm: Realm, name: string, content: string): void {
    this.#contents.set(`${realm} ${name}`, content);
  }

  delete(realm: Realm, name: string): void {
    this.#contents.delete(`${realm} ${name}`);
  }

  /** What runs adds to each named volume that it mounts. E_DRIVER_FAILED when it does not run. */
  append(container: Container, text: string): void {
    if (!container.run) throw new BerthError('E_DRIVER_FAILED', `${container.name} does not run: it writes nothing`);
    const realm = container.spec.runtime === 'container' ? 'container' : 'vm';
    const sources = container.spec.mounts.filter(({ kind }) => kind === 'named').map(({ source }) => source);
    for (const source of new Set(sources)) this.set(realm, source, `${this.get(realm, source) ?? ''}${text}`);
  }

  /** Whoever copies a volume calls this: nothing that mounts it may be up. */
  mustRest(name: string, workloads: Iterable<Container>): void {
    for (const { run, spec, name: user } of workloads) {
      if (run && spec.mounts.some(({ source }) => source === name)) {
        this.#report(`volume ${name} was copied while ${user} was up`);
      }
    }
  }
}
