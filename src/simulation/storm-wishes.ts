/** What a storm asks of the registry, and what must therefore be in it. */
import { isBerthError } from '../core/errors.js';
import type { Change, ComponentRecord } from '../core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../core/spec.js';
import { editBySql } from '../registry/index.js';
import { demand } from './demand.js';
import type { SimulatedHome } from './home.js';
import { stormComponents, type Act, type Edit } from './schedule.js';

type Wish = Pick<ComponentSpec, 'name' | 'runtime' | 'image' | 'memoryMb'> & Partial<ComponentSpec>;
/** What may be in the registry of a component: one thing, or two when nobody knows whether a change was kept. */
type Wishes = readonly (Wish | null)[];

/** The service that storms are about. */
export const stormService = 'shop';
const service = stormService;

export class StormWishes {
  readonly #home: SimulatedHome;
  readonly #wishes = new Map<string, Wishes>();

  constructor(home: SimulatedHome) {
    this.#home = home;
  }

  /** One container each. */
  async begin(): Promise<void> {
    for (const name of stormComponents) {
      const dependsOn = name === 'web' ? ['db'] : [];
      await this.#put({
        name,
        runtime: 'container',
        image: 'localhost/app:1',
        memoryMb: null,
        dependsOn,
        ...held(name),
      });
    }
  }

  /** What was wished for last, once more: all of it runs, and can. */
  async askAgain(): Promise<void> {
    for (const [name, [wish]] of this.#wishes) {
      if (!wish) continue;
      // What never stays up and was never good would back off for ever.
      const image = wish.image === 'localhost/bad:1' ? 'localhost/app:1' : wish.image;
      await this.#put({ ...wish, image, dependsOn: name === 'web' ? ['db'] : [] });
      await this.#home.change([{ kind: 'set-desired', key: { service, component: name }, desired: 'running' }]);
    }
  }

  /** What was acknowledged is in the registry. */
  async demandKept(): Promise<void> {
    const { registry, clock } = this.#home;
    let records: readonly ComponentRecord[];
    try {
      records = await clock.settle(registry.components({ service }));
    } catch (error) {
      if (isBerthError(error, 'E_REGISTRY_IO', 'E_REGISTRY_BUSY')) return;
      throw error;
    }
    for (const [name, wishes] of this.#wishes) {
      const found = records.find(({ key, deleting }) => key.component === name && !deleting);
      const kept = wishes.find((wish) => isWhatIsThere(wish, found));
      const words = `spec-lost: ${name} is ${JSON.stringify(found?.spec ?? null)}, asked for was ${JSON.stringify(wishes)}`;
      demand(kept !== undefined, words);
      this.#wishes.set(name, [kept]);
    }
  }

  /** Answers false for what is none of a user's. */
  async perform(act: Act): Promise<boolean> {
    switch (act.kind) {
      case 'edit':
        await this.#edit(act);
        return true;
      case 'sql-edit':
        await this.#sqlEdit(act);
        return true;
      case 'sql-break':
        await this.#sqlBreak(act.component);
        return true;
      case 'delete':
        await this.#delete(act.component, act.bySql);
        return true;
      case 'desired':
        await this.#command({ kind: 'set-desired', key: { service, component: act.component }, desired: act.desired });
        return true;
      case 'restart':
        await this.#command({ kind: 'request-restart', key: { service, component: act.component } });
        return true;
      default:
        return false;
    }
  }

  async #edit({ component, runtime, image, turn, memoryMb, port }: Edit): Promise<void> {
    await this.#put({
      ...this.#last(component),
      name: component,
      runtime,
      image,
      memoryMb,
      env: { TURN: String(turn) },
      ports: port === null ? [] : [`127.0.0.1:${String(port)}:80`],
      ...(runtime === 'unikernel' ? { volumes: [] } : held(component)),
    });
  }

  async #put(wish: Wish): Promise<void> {
    await this.#try(wish.name, wish, () => this.#home.put({ [service]: [wish] }));
  }

  async #sqlEdit({ component, turn, memoryMb }: Extract<Act, { readonly kind: 'sql-edit' }>): Promise<void> {
    const last = this.#last(component);
    if (!last) return;
    const memory = memoryMb === null ? 'null' : String(memoryMb);
    const set = `env = json_object('TURN', '${String(turn)}'), memory_mb = ${memory}`;
    await this.#try(component, { ...last, env: { TURN: String(turn) }, memoryMb }, () =>
      this.#sql(`update components set ${set} where service = '${service}' and name = '${component}'`),
    );
  }

  async #sqlBreak(component: string): Promise<void> {
    const last = this.#last(component);
    if (!last) return;
    await this.#try(component, { ...last, dependsOn: ['nobody'] }, () =>
      this.#sql(
        `update components set depends_on = '["nobody"]' where service = '${service}' and name = '${component}'`,
      ),
    );
  }

  async #delete(component: string, bySql: boolean): Promise<void> {
    if (!this.#last(component)) return;
    await this.#try(component, null, () =>
      bySql
        ? this.#sql(`delete from components where service = '${service}' and name = '${component}'`)
        : this.#home.change([{ kind: 'delete-component', key: { service, component } }]),
    );
  }

  async #sql(text: string): Promise<void> {
    this.#home.tell('user', text);
    await this.#home.byUser(() => {
      editBySql(this.#home.registry, text);
    });
  }

  async #command(change: Change & { readonly key: { readonly component: string } }): Promise<void> {
    const wish = this.#last(change.key.component);
    if (wish) await this.#try(change.key.component, wish, () => this.#home.change([change]));
  }

  #last(component: string): Wish | undefined {
    return this.#wishes.get(component)?.[0] ?? undefined;
  }

  /** A change that meets a failing disk may have been kept all the same. */
  async #try(component: string, wish: Wish | null, change: () => Promise<void>): Promise<void> {
    const before = this.#wishes.get(component) ?? [null];
    try {
      await change();
      this.#wishes.set(component, [wish]);
    } catch (error) {
      if (!isBerthError(error)) throw error;
      this.#home.tell('user', `refused: ${error.code}`);
      // What the disk says leaves it open; what breaks a rule is refused as a whole.
      if (isBerthError(error, 'E_REGISTRY_IO', 'E_DISK_FULL')) this.#wishes.set(component, [...before, wish]);
    }
  }
}

/** A unikernel has no volume; what it held before waits for a runtime that mounts it. */
function held(name: string): Pick<ComponentSpec, 'volumes'> {
  return { volumes: [`${name}-data:/data`] };
}

function isWhatIsThere(wish: Wish | null, found: ComponentRecord | undefined): boolean {
  if (wish === null || found === undefined) return wish === null && found === undefined;
  const wanted = { ...componentDefaults, ...wish };
  const { spec } = found;
  return (
    spec.image === wanted.image &&
    spec.runtime === wanted.runtime &&
    spec.memoryMb === wanted.memoryMb &&
    JSON.stringify(spec.env) === JSON.stringify(wanted.env) &&
    JSON.stringify(spec.ports) === JSON.stringify(wanted.ports) &&
    JSON.stringify(spec.dependsOn) === JSON.stringify(wanted.dependsOn)
  );
}
