/**
 * Components in memory, as of the revision they were last read at. Each read asks the file for its
 * revision first, and fetches what changed since: triggers raise it for whoever writes, so this is
 * never older than the file. It is what makes one edit cost the same among ten and ten thousand.
 */
import { formatKey, type ComponentKey } from '../core/names.js';
import { findValueProblems } from '../core/rules.js';
import type { ComponentRecord, ServiceRecord, StatusUpdate } from '../core/ports/registry.js';
import type { ComponentSpec } from '../core/spec.js';
import { sameStatus, type ComponentStatus } from '../core/status.js';
import type { Selectable } from 'kysely';
import { columnsOfRow, desiredOf, specOfColumns, type ComponentRow } from './component-columns.js';
import { RuleIndex } from './rule-index.js';
import { sql, type Session } from './session.js';
import { statusOfRow, type StatusRow } from './status-columns.js';
import type { ServiceTable } from './schema.js';

interface Entry {
  readonly key: ComponentKey;
  row: ComponentRow;
  spec: ComponentSpec;
  /** What the row alone breaks. */
  problem: string | null;
  status: ComponentStatus;
  /** False: `status` is that of a component without a row. */
  hasStatus: boolean;
  /** undefined: to be built anew. */
  record: ComponentRecord | undefined;
}

const none: readonly string[] = [];

const byKey = (a: Entry, b: Entry): number =>
  compare(a.key.service, b.key.service) || compare(a.key.component, b.key.component);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The record of a service's row. */
export function serviceOfRow(row: Selectable<ServiceTable>): ServiceRecord {
  return {
    name: row.name,
    node: row.node,
    active: row.active === 1,
    revision: row.revision,
    deleting: row.deleting_at !== null,
  };
}

export class RecordCache {
  readonly rules = new RuleIndex();
  readonly #entries = new Map<string, Entry>();
  readonly #services = new Map<string, ServiceRecord>();
  #revision = -1;
  #list: readonly ComponentRecord[] | undefined;
  #sorted: readonly Entry[] | undefined;
  /** The entries of each service in order; whoever adds or removes one forgets those of its service. */
  readonly #ofService = new Map<string, readonly Entry[]>();
  readonly #members = new Map<string, Set<Entry>>();
  /** By service: by name, the components that wait for it. Forgotten with the records that were built from it. */
  readonly #dependents = new Map<string, ReadonlyMap<string, readonly string[]>>();

  /** Forgets everything; the next read begins anew. */
  reset(): void {
    this.#revision = -1;
  }

  /** Brings the cache up to the file's revision, as `session` sees it. */
  sync(session: Session): void {
    const seen = session.prepare('select revision, feed_floor from meta').get() as MetaRow;
    if (seen.revision === this.#revision) return;
    session.snapshot(() => {
      const meta = session.prepare('select revision, feed_floor from meta').get() as MetaRow;
      const known = this.#revision;
      this.#revision = -1;
      const usable = known >= 0 && known >= meta.feed_floor && known <= meta.revision;
      if (!usable || !this.#advance(session, known, meta.revision)) this.#reload(session);
      this.#settleRules();
      this.#revision = meta.revision;
    });
  }

  /** The revision that this is of; -1: none. */
  get revision(): number {
    return this.#revision;
  }

  /** Takes in what a transaction that saw this revision has just written: most reads follow on such a write. */
  take(key: ComponentKey, status: ComponentStatus | undefined, events: number): void {
    if (status !== undefined) this.#setStatus(key, status);
    this.#revision += events + (status === undefined ? 0 : 1);
  }

  /** All records, ordered by service and component. */
  list(): readonly ComponentRecord[] {
    this.#sorted ??= [...this.#entries.values()].sort(byKey);
    this.#list ??= this.#sorted.map((entry) => this.#recordOf(entry));
    return this.#list;
  }

  /** The records of one service, ordered by component. */
  listOf(service: string): readonly ComponentRecord[] {
    return this.#entriesOf(service).map((entry) => this.#recordOf(entry));
  }

  /** False when the component is gone, or its spec is newer than what was decided upon. */
  isDue({ key, generation }: StatusUpdate): boolean {
    const entry = this.#entries.get(formatKey(key));
    return entry !== undefined && entry.row.generation <= generation;
  }

  /** True when it says something that the component's status does not. When it was last changed is no difference of its own. */
  isNewStatus(key: ComponentKey, status: ComponentStatus): boolean {
    const entry = this.#entries.get(formatKey(key));
    return entry === undefined || !entry.hasStatus || !sameStatus(status, entry.status);
  }

  get(key: ComponentKey): ComponentRecord | undefined {
    const entry = this.#entries.get(formatKey(key));
    return entry === undefined ? undefined : this.#recordOf(entry);
  }

  services(): readonly ServiceRecord[] {
    return [...this.#services.values()].sort((a, b) => compare(a.name, b.name));
  }

  #reload(session: Session): void {
    this.rules.clear();
    this.#entries.clear();
    this.#members.clear();
    this.#ofService.clear();
    this.#dependents.clear();
    this.#sorted = undefined;
    this.#services.clear();
    for (const row of session.all(sql.selectFrom('services').selectAll()))
      this.#services.set(row.name, serviceOfRow(row));
    for (const row of session.all(sql.selectFrom('components').selectAll())) this.#setRow(row);
    for (const row of session.all(sql.selectFrom('status').selectAll())) this.#setStatus(row, statusOfRow(row));
    this.#list = undefined;
  }

  /** Fetches what changed after `revision`; false when that cannot be told. Each change is in the log, so it says where to look. */
  #advance(session: Session, revision: number, newest: number): boolean {
    const logged = session
      .prepare('select entity, op, service, component from change_log where revision > ? order by revision')
      .all(revision) as readonly LoggedRow[];
    if (logged.length < newest - revision && !isAllLogged(session, revision, newest, logged.length)) return false;
    for (const row of logged) if (row.op === 'delete') this.#remove(row);
    const changed = new Set(logged.map(({ entity }) => entity));
    if (changed.has('service')) {
      for (const row of session.prepare('select * from services where revision > ?').all(revision)) {
        this.#setService(serviceOfRow(row as Selectable<ServiceTable>));
      }
    }
    if (changed.has('component')) {
      for (const row of session.prepare('select * from components where revision > ?').all(revision)) {
        this.#setRow(row as ComponentRow);
      }
    }
    if (changed.has('status')) {
      const of = session.prepare('select * from status where service = ? and component = ?');
      for (const { service, component } of statusesIn(logged)) {
        const row = of.get(service, component) as StatusRow | undefined;
        if (row !== undefined) this.#setStatus(row, statusOfRow(row));
      }
    }
    return !(changed.has('service') || changed.has('component')) || this.#isComplete(session);
  }

  #isComplete(session: Session): boolean {
    const counts = session
      .prepare('select (select count(*) from components) as components, (select count(*) from services) as services')
      .get() as { components: number; services: number };
    return counts.components === this.#entries.size && counts.services === this.#services.size;
  }

  #setService(service: ServiceRecord): void {
    this.#services.set(service.name, service);
    this.#list = undefined;
    for (const entry of this.#members.get(service.name) ?? []) entry.record = undefined;
  }

  #setRow(row: ComponentRow): void {
    const key = { service: row.service, component: row.name };
    const { spec, problem } = specOfColumns(columnsOfRow(row));
    const text = formatKey(key);
    const entry = this.#entries.get(text);
    this.#list = undefined;
    const whole = problem ?? findValueProblems(row.service, spec)[0]?.message ?? null;
    if (entry === undefined) {
      this.#add({
        key,
        row,
        spec,
        problem: whole,
        status: statusOfRow(undefined),
        hasStatus: false,
        record: undefined,
      });
    } else Object.assign(entry, { row, spec, problem: whole, record: undefined });
    const deleting = row.deleting_at !== null;
    this.rules.set({ service: row.service, spec, generation: row.generation, deleting });
  }

  #setStatus(key: ComponentKey, status: ComponentStatus): void {
    const entry = this.#entries.get(formatKey(key));
    if (entry === undefined) return;
    entry.status = status;
    entry.hasStatus = true;
    entry.record = undefined;
    this.#list = undefined;
  }

  #add(entry: Entry): void {
    const { service } = entry.key;
    this.#entries.set(formatKey(entry.key), entry);
    const members = this.#members.get(service);
    if (members) members.add(entry);
    else this.#members.set(service, new Set([entry]));
    this.#ofService.delete(service);
    this.#sorted = undefined;
  }

  #entriesOf(service: string): readonly Entry[] {
    const known = this.#ofService.get(service);
    if (known) return known;
    const members = this.#members.get(service);
    // Whoever asks for services that there are not must not fill the memory.
    if (members === undefined) return [];
    const entries = [...members].sort(byKey);
    this.#ofService.set(service, entries);
    return entries;
  }

  #remove({ entity, service, component }: LoggedRow): void {
    this.#list = undefined;
    this.#sorted = undefined;
    if (entity === 'service') this.#services.delete(service);
    if (entity !== 'component' || component === null) return;
    const key = formatKey({ service, component });
    const entry = this.#entries.get(key);
    const members = this.#members.get(service);
    if (entry) members?.delete(entry);
    if (members?.size === 0) this.#members.delete(service);
    this.#ofService.delete(service);
    this.#entries.delete(key);
    this.rules.delete({ service, component });
  }

  /** What clashes with something else, or no longer does, has another record. */
  #settleRules(): void {
    for (const key of this.rules.takeAffected()) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      entry.record = undefined;
      this.#dependents.delete(entry.key.service);
    }
  }

  #dependentsIn(service: string): ReadonlyMap<string, readonly string[]> {
    const known = this.#dependents.get(service);
    if (known) return known;
    const dependents = new Map<string, string[]>();
    for (const { spec } of this.#entriesOf(service)) {
      for (const name of spec.dependsOn) dependents.set(name, [...(dependents.get(name) ?? []), spec.name]);
    }
    this.#dependents.set(service, dependents);
    return dependents;
  }

  #recordOf(entry: Entry): ComponentRecord {
    entry.record ??= this.#build(entry);
    return entry.record;
  }

  #build({ key, row, spec, problem, status }: Entry): ComponentRecord {
    const deleting = row.deleting_at !== null;
    // Only a client without foreign keys can leave a component without its service.
    const service = this.#services.get(key.service) ?? {
      name: key.service,
      node: 'local',
      active: true,
      revision: 0,
      deleting: false,
    };
    return {
      key,
      workload: row.workload,
      spec,
      // What is to go needs no sound definition.
      invalid: deleting ? null : (problem ?? this.rules.faultOf(key)?.message ?? null),
      service,
      desired: desiredOf(row),
      restartToken: row.restart_token,
      imageRefresh: row.image_refresh,
      deleting,
      generation: row.generation,
      revision: Math.max(row.revision, service.revision),
      source: row.source,
      dependents: this.#dependentsIn(key.service).get(key.component) ?? none,
      status,
    };
  }
}

/** Each component whose status changed, once. */
function statusesIn(logged: readonly LoggedRow[]): Iterable<ComponentKey> {
  const keys = new Map<string, ComponentKey>();
  for (const { entity, service, component } of logged) {
    if (entity !== 'status' || component === null) continue;
    const key = { service, component };
    keys.set(formatKey(key), key);
  }
  return keys.values();
}

/** False when somebody without the triggers raised the revision: then the log does not say where to look. */
function isAllLogged(session: Session, revision: number, newest: number, logged: number): boolean {
  const events = session.prepare('select count(*) as count from events where revision > ?').get(revision) as {
    count: number;
  };
  return logged + events.count >= newest - revision;
}

interface MetaRow {
  readonly revision: number;
  readonly feed_floor: number;
}

interface LoggedRow {
  readonly op: string;
  readonly entity: string;
  readonly service: string;
  readonly component: string | null;
}
