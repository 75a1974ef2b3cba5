/** Carries out changes of specs within one transaction. */
import { BerthError } from '../core/errors.js';
import { formatKey, workloadName, type ComponentKey } from '../core/names.js';
import type { Change, ChangeContext } from '../core/ports/registry.js';
import { diffSpecs } from '../core/spec-diff.js';
import type { ComponentSpec } from '../core/spec.js';
import {
  columnsOfRow,
  definitionColumns,
  definitionValues,
  specOfColumns,
  type ComponentRow,
} from './component-columns.js';
import { sql, type Session } from './session.js';
import { isConstraint, registryError } from './sqlite-errors.js';
import type { Transaction } from './writer.js';

const written = [...definitionColumns, 'source'];
const insertText = `insert into components (service, name, ${written.join(', ')})
  values (?, ?${', ?'.repeat(written.length)})`;
const updateText = `update components set ${written.map((column) => `${column} = ?`).join(', ')},
  image_refresh = ?, desired = ?, deleting_at = null where service = ? and name = ?`;

type PutComponent = Extract<Change, { kind: 'put-component' }>;
type PutSource = Extract<Change, { kind: 'put-source' }>;

/** What a set of changes touched, for the rules to look at. */
export interface Touched {
  /** Written, so that their own problems refuse the whole. */
  readonly components: readonly ComponentKey[];
  /** Lost a component, so that another's dependency may be missing now. */
  readonly services: ReadonlySet<string>;
}

/** Carries out one set of changes; sources come last, for they keep the revision after everything else. */
export function applyChanges(transaction: Transaction, changes: readonly Change[], context: ChangeContext): Touched {
  return new ChangeSet(transaction, context).apply(changes);
}

class ChangeSet {
  readonly #transaction: Transaction;
  readonly #session: Session;
  readonly #context: ChangeContext;
  readonly #components: ComponentKey[] = [];
  readonly #services = new Set<string>();
  #attributed = false;

  constructor(transaction: Transaction, context: ChangeContext) {
    this.#transaction = transaction;
    this.#session = transaction.session;
    this.#context = context;
  }

  apply(changes: readonly Change[]): Touched {
    for (const change of changes) if (change.kind !== 'put-source') this.#applyOne(change);
    for (const change of changes) if (change.kind === 'put-source') this.#putSource(change);
    return { components: this.#components, services: this.#services };
  }

  #applyOne(change: Exclude<Change, PutSource>): void {
    switch (change.kind) {
      case 'put-service':
        this.#putService(change.name, change.node, change.active);
        break;
      case 'put-component':
        this.#putComponent(change);
        break;
      case 'delete-component':
        this.#deleteComponent(change.key, change.ifGeneration);
        break;
      case 'delete-service':
        this.#deleteService(change.name);
        break;
      case 'set-desired':
        this.#setWish(change.key, 'desired', change.desired);
        break;
      case 'request-restart':
        this.#setWish(change.key, 'restart_token', this.#require(change.key).restart_token + 1);
        break;
      case 'delete-source':
        this.#deleteSource(change.service);
        break;
      case 'delete-volume':
        this.#deleteVolume(change.service, change.volume);
        break;
    }
  }

  #attribute(): void {
    if (this.#attributed) return;
    this.#transaction.attribute(this.#context);
    this.#attributed = true;
  }

  #find(key: ComponentKey): ComponentRow | undefined {
    return this.#session
      .prepare('select * from components where service = ? and name = ?')
      .get(key.service, key.component) as ComponentRow | undefined;
  }

  #require(key: ComponentKey): ComponentRow {
    const row = this.#find(key);
    if (row === undefined) throw new BerthError('E_NOT_FOUND', `there is no component ${formatKey(key)}`);
    return row;
  }

  #putService(name: string, node: string, active: boolean): void {
    const row = this.#session.get(
      sql.selectFrom('services').select(['node', 'active', 'deleting_at']).where('name', '=', name),
    );
    const wanted = { node, active: active ? 1 : 0, deleting_at: null };
    if (row?.node === node && row.active === wanted.active && row.deleting_at === null) return;
    this.#attribute();
    this.#guard(`service ${name}`, () => {
      if (row === undefined) this.#session.run(sql.insertInto('services').values({ name, ...wanted }));
      else this.#session.run(sql.updateTable('services').set(wanted).where('name', '=', name));
    });
  }

  #putComponent(change: PutComponent): void {
    const key = { service: change.service, component: change.spec.name };
    const row = this.#find(key);
    checkGeneration(key, row, change.spec, change.ifGeneration);
    this.#components.push(key);
    const values = [...definitionValues(change.spec), change.source];
    if (row === undefined) {
      this.#refuseNameCollision(key);
      this.#attribute();
      this.#guard(formatKey(key), () => {
        this.#session.prepare(insertText).run(key.service, key.component, ...values);
      });
      return;
    }
    const refresh = change.refreshImage === true;
    const revive = row.deleting_at !== null;
    if (!refresh && !revive && row.source === change.source && means(row, change.spec)) return;
    this.#attribute();
    // What is made again is a new one, though the old one has not gone yet: it is wanted, asks for its image anew, and
    // has a generation that neither completed nor failed.
    const desired = revive ? 'running' : row.desired;
    this.#guard(formatKey(key), () => {
      this.#session
        .prepare(updateText)
        .run(...values, row.image_refresh + (refresh || revive ? 1 : 0), desired, key.service, key.component);
      if (revive) this.#reviveService(key.service);
    });
  }

  /** A service of which a component is wanted is not being deleted. */
  #reviveService(name: string): void {
    this.#session.run(
      sql
        .updateTable('services')
        .set({ deleting_at: null })
        .where('name', '=', name)
        .where('deleting_at', 'is not', null),
    );
  }

  #refuseNameCollision(key: ComponentKey): void {
    const workload = workloadName(key.service, key.component);
    const holder = this.#session.prepare('select * from components where workload = ?').get(workload) as
      ComponentRow | undefined;
    if (holder === undefined) return;
    const other = { service: holder.service, component: holder.name };
    throw new BerthError(
      'E_NAME_COLLISION',
      `the workload of ${formatKey(key)} would be named "${workload}", which is the name of ${formatKey(other)}'s`,
      {
        details: { key, other, workload },
        ...(holder.deleting_at === null
          ? {}
          : { suggestion: `${formatKey(other)} is being deleted: try again when it is gone` }),
      },
    );
  }

  #deleteComponent(key: ComponentKey, ifGeneration: number | undefined): void {
    const row = this.#require(key);
    checkGeneration(key, row, undefined, ifGeneration);
    if (row.deleting_at !== null) return;
    this.#services.add(key.service);
    this.#attribute();
    this.#session.run(
      sql
        .updateTable('components')
        .set({ deleting_at: this.#transaction.nowMs })
        .where('service', '=', key.service)
        .where('name', '=', key.component),
    );
  }

  #deleteService(name: string): void {
    const row = this.#session.get(sql.selectFrom('services').select('name').where('name', '=', name));
    if (row === undefined) throw new BerthError('E_NOT_FOUND', `there is no service ${name}`);
    this.#attribute();
    const set = { deleting_at: this.#transaction.nowMs };
    this.#session.run(sql.updateTable('services').set(set).where('name', '=', name).where('deleting_at', 'is', null));
    this.#session.run(
      sql.updateTable('components').set(set).where('service', '=', name).where('deleting_at', 'is', null),
    );
  }

  #setWish(key: ComponentKey, column: 'desired' | 'restart_token', value: string | number): void {
    if (this.#require(key)[column] === value) return;
    this.#attribute();
    this.#session
      .prepare(`update components set ${column} = ? where service = ? and name = ?`)
      .run(value, key.service, key.component);
  }

  #putSource({ source }: PutSource): void {
    const appliedRevision = this.#transaction.revision();
    const known = this.#session.get(sql.selectFrom('sources').selectAll().where('service', '=', source.service));
    if (
      known?.path === source.path &&
      known.content_hash === source.contentHash &&
      known.applied_revision === appliedRevision
    ) {
      return;
    }
    this.#transaction.touch();
    const values = { path: source.path, content_hash: source.contentHash, applied_revision: appliedRevision };
    this.#session.run(
      sql
        .insertInto('sources')
        .values({ service: source.service, ...values })
        .onConflict((conflict) => conflict.column('service').doUpdateSet(values)),
    );
  }

  #deleteSource(service: string): void {
    this.#transaction.touch();
    this.#session.run(sql.deleteFrom('sources').where('service', '=', service));
  }

  #deleteVolume(service: string, volume: string): void {
    this.#transaction.touch();
    this.#session.run(
      sql
        .insertInto('volumes_to_remove')
        .values({ service, volume, marked_at: this.#transaction.nowMs })
        .onConflict((conflict) => conflict.columns(['service', 'volume']).doNothing()),
    );
  }

  /** Names the row that a CHECK refused. */
  #guard(what: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!isConstraint(error)) throw error;
      throw new BerthError('E_DEFINITION', `${what}: ${registryError(error, '').message}`, { cause: error });
    }
  }
}

/** True when the row already says what the spec says, however it spells it. */
function means(row: ComponentRow, spec: ComponentSpec): boolean {
  const stored = specOfColumns(columnsOfRow(row));
  return stored.problem === null && diffSpecs(stored.spec, spec).length === 0;
}

function checkGeneration(
  key: ComponentKey,
  row: ComponentRow | undefined,
  wanted: ComponentSpec | undefined,
  expected: number | undefined,
): void {
  if (expected === undefined) return;
  const actual = row?.generation ?? 0;
  const gone = row !== undefined && row.deleting_at !== null && expected === 0;
  if (actual === expected || gone) return;
  const difference = row && wanted ? diffSpecs(specOfColumns(columnsOfRow(row)).spec, wanted) : [];
  const message =
    row === undefined
      ? `${formatKey(key)} no longer exists; the edit was based on generation ${expected}`
      : expected === 0
        ? `${formatKey(key)} exists already, at generation ${actual}`
        : `${formatKey(key)} is at generation ${actual}; the edit was based on ${expected}`;
  throw new BerthError('E_CONFLICT', message, { details: { key, expected, actual, difference } });
}
