/** What the registry of a home claims, read with no code of Berth's: the rows as they stand, in one transaction. */
import { join } from 'node:path';
import Database from 'better-sqlite3';

export interface BookedComponent {
  readonly service: string;
  readonly name: string;
  readonly workload: string;
  readonly runtime: string;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly generation: number;
  /** null: no agent has looked at it yet. */
  readonly status: BookedStatus | null;
}

export interface BookedStatus {
  readonly phase: string;
  readonly observed: string;
  readonly ready: boolean;
  readonly observedGeneration: number;
  readonly nativeId: string | null;
  /** Unix milliseconds. */
  readonly startedAtMs: number | null;
  readonly imageDigest: string | null;
  readonly failures: number;
  /** Unix milliseconds. */
  readonly nextTryAtMs: number | null;
}

export interface BookedObject {
  readonly driver: string;
  readonly kind: string;
  readonly name: string;
  readonly service: string;
  readonly nativeId: string | null;
}

export interface BookedHolder {
  readonly service: string;
  readonly volume: string;
  readonly driver: string;
  readonly state: string;
}

export interface BookedChange {
  readonly revision: number;
  readonly entity: string;
  readonly service: string | null;
  readonly component: string | null;
  readonly op: string;
  /** JSON. */
  readonly before: string | null;
  readonly after: string | null;
}

/** A row by its columns, lists and maps as JSON text. */
export type Row = Readonly<Record<string, unknown>>;

export interface Books {
  readonly homeId: string;
  readonly prefix: string;
  readonly revision: number;
  readonly feedFloor: number;
  readonly services: readonly string[];
  readonly components: readonly BookedComponent[];
  /** The same, with every column. */
  readonly componentRows: readonly Row[];
  readonly ledger: readonly BookedObject[];
  readonly holders: readonly BookedHolder[];
  readonly changes: readonly BookedChange[];
  readonly eventRevisions: readonly number[];
  /** Unix milliseconds of the last good answer, by driver. */
  readonly lastGoodAtMs: ReadonlyMap<string, number | null>;
  /** Says SQLite's own check; `ok`. */
  readonly integrity: string;
}

/** Reads `registry.db` of a home. Throws while somebody holds it exclusively. */
export function readBooks(home: string): Books {
  const db = new Database(join(home, 'registry.db'), { readonly: true, fileMustExist: true, timeout: 5_000 });
  try {
    return db.transaction(() => readAll(db))();
  } finally {
    db.close();
  }
}

function readAll(db: Database.Database): Books {
  const rows = (query: string): Row[] => db.prepare(query).all() as Row[];
  const [meta = {}] = rows('select * from meta');
  const statuses = new Map(rows('select * from status').map((row) => [keyOf(row, 'component'), row]));
  const componentRows = rows('select * from components order by service, name');
  return {
    homeId: text(meta['home_id']),
    prefix: text(meta['name_prefix']),
    revision: Number(meta['revision']),
    feedFloor: Number(meta['feed_floor']),
    services: rows('select name from services').map((row) => text(row['name'])),
    components: componentRows.map((row) => componentOf(row, statuses.get(keyOf(row, 'name')))),
    componentRows,
    ledger: rows('select driver, kind, name, service, native_id as nativeId from ledger') as unknown as BookedObject[],
    holders: rows('select service, volume, driver, state from volume_holders') as unknown as BookedHolder[],
    changes: rows(
      'select revision, entity, service, component, op, before, after from change_log order by revision',
    ) as unknown as BookedChange[],
    eventRevisions: rows('select revision from events').map((row) => Number(row['revision'])),
    lastGoodAtMs: new Map(
      rows('select driver, last_good_at from freshness').map((row) => [
        text(row['driver']),
        row['last_good_at'] as number | null,
      ]),
    ),
    integrity: text(db.pragma('integrity_check', { simple: true })),
  };
}

function componentOf(row: Row, status: Row | undefined): BookedComponent {
  return {
    service: text(row['service']),
    name: text(row['name']),
    workload: text(row['workload']),
    runtime: text(row['runtime']),
    ports: JSON.parse(text(row['ports'])) as string[],
    volumes: JSON.parse(text(row['volumes'])) as string[],
    env: JSON.parse(text(row['env'])) as Record<string, string>,
    generation: Number(row['generation']),
    status: status ? statusOf(status) : null,
  };
}

function statusOf(row: Row): BookedStatus {
  return {
    phase: text(row['phase']),
    observed: text(row['observed']),
    ready: row['ready'] === 1,
    observedGeneration: Number(row['observed_generation']),
    nativeId: row['native_id'] as string | null,
    startedAtMs: row['started_at'] as number | null,
    imageDigest: row['image_digest'] as string | null,
    failures: Number(row['failures']),
    nextTryAtMs: row['next_try_at'] as number | null,
  };
}

const keyOf = (row: Row, column: string): string => `${text(row['service'])}/${text(row[column])}`;

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`a text was expected in the registry, not ${String(value)}`);
  return value;
}
