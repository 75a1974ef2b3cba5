/** A registry of any earlier version, filled at random by plain SQL, comes to the newest one with every row as it was. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { migrateRegistry, openRegistry } from '../../src/registry/index.js';
import { migrationsFolder, readMigrations } from '../../src/registry/migrations.js';
import { realChance, realClock } from '../support/real-clock.js';

const migrations = readMigrations(migrationsFolder());
const newest = migrations.length;

type Row = Readonly<Record<string, unknown>>;
/** The rows of every table, without an order. */
type Content = Readonly<Record<string, readonly string[]>>;

const services = ['shop', 'blog', 'a-b'] as const;
const names = ['web', 'db', 'shop', 'c'] as const;
const text = fc.string({ unit: 'grapheme', maxLength: 8 }).map((value) => value.replaceAll('\0', ''));
const json = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<string> => arbitrary.map((value) => JSON.stringify(value));
const perhaps = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

/** Columns by the migration that brought them: whatever an old client could write. */
const columns: Readonly<Record<string, readonly [since: number, arbitrary: fc.Arbitrary<unknown>]>> = {
  image: [1, fc.constantFrom('localhost/web:1', 'redis')],
  build: [1, perhaps(json(fc.record({ context: fc.constant('/srv/web') })))],
  pull: [1, fc.constantFrom('missing', 'always', 'never')],
  update_policy: [1, fc.constantFrom('pinned', 'auto')],
  command: [1, perhaps(json(fc.array(text, { maxLength: 3 })))],
  env: [1, json(fc.dictionary(fc.constantFrom('A', 'B', 'C'), text))],
  env_file: [1, fc.constantFrom('[]', '["/srv/x.env"]')],
  secret_file: [1, fc.constantFrom('[]', '["/srv/x.secrets"]')],
  ports: [1, fc.constantFrom('[]', '["8080:80"]')],
  volumes: [1, fc.constantFrom('[]', '["data:/data"]')],
  user: [1, perhaps(fc.constantFrom('1000:1000'))],
  restart: [1, fc.constantFrom('always', 'on-failure', 'never')],
  ready_timeout_s: [1, fc.integer({ min: 1, max: 3_600 })],
  log_limit_mb: [1, fc.integer({ min: 1, max: 102_400 })],
  stop_timeout_s: [1, fc.integer({ min: 0, max: 3_600 })],
  reconcile: [1, fc.constantFrom('auto', 'observe', 'ignore')],
  depends_on: [1, fc.constantFrom('[]', '["db"]')],
  health: [1, perhaps(fc.constant('{"tcp":true,"port":80}'))],
  desired: [1, fc.constantFrom('running', 'stopped')],
  restart_token: [1, fc.nat(9)],
  image_refresh: [1, fc.nat(9)],
  source: [1, perhaps(fc.constant('/srv/shop.toml'))],
  runtime: [5, fc.constantFrom('container', 'microvm', 'unikernel')],
  memory_mb: [5, perhaps(fc.integer({ min: 4, max: 1_048_576 }))],
  vcpus: [5, perhaps(fc.integer({ min: 1, max: 512 }))],
  files: [8, fc.constantFrom('[]', '["/etc/x"]')],
};

interface Statement {
  readonly since: number;
  readonly table: string;
  readonly verb: 'insert or ignore' | 'update' | 'delete';
  readonly row: Row;
}

const anyKey = { service: fc.constantFrom(...services), component: fc.constantFrom(...names) };

const insertInto = (
  since: number,
  table: string,
  parts: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<Statement> => fc.record(parts).map((row) => ({ since, table, verb: 'insert or ignore', row }));

const componentRow = (verb: Statement['verb'], version: number): fc.Arbitrary<Statement> => {
  const known = Object.entries(columns).filter(([, [since]]) => since <= version);
  const parts = Object.fromEntries(known.map(([column, [, arbitrary]]) => [column, arbitrary]));
  return fc
    .record({ service: anyKey.service, name: anyKey.component, ...parts })
    .map((row) => ({ since: 1, table: 'components', verb, row }));
};

const ledgerParts = {
  driver: fc.constantFrom('podman', 'qemu'),
  kind: fc.constantFrom('container', 'vm', 'network'),
  name: text.filter((value) => value !== ''),
  ...anyKey,
  generation: perhaps(fc.nat(9)),
  native_id: perhaps(text),
  intended_at: fc.nat(),
};

/** What somebody may write into a registry of a version. */
function statements(version: number): fc.Arbitrary<Statement> {
  const moment = { reason: fc.constantFrom('Running', 'Started'), message: text };
  const all: readonly fc.Arbitrary<Statement>[] = [
    componentRow('insert or ignore', version),
    componentRow('insert or ignore', version),
    componentRow('update', version),
    fc
      .record({ service: anyKey.service, name: anyKey.component })
      .map((row) => ({ since: 3, table: 'components', verb: 'delete' as const, row })),
    insertInto(2, 'status', {
      ...anyKey,
      ...moment,
      phase: fc.constantFrom('running', 'backoff', 'completed'),
      observed: fc.constantFrom('running', 'exited'),
      ready: fc.constantFrom(0, 1),
      observed_generation: fc.nat(9),
      observed_revision: fc.nat(9),
      native_id: perhaps(text),
      restarts: fc.nat(9),
      failures: fc.nat(9),
      next_try_at: perhaps(fc.nat()),
      image_digest: perhaps(text),
      good_spec: perhaps(fc.constant('{"name":"web"}')),
      updated_at: fc.nat(),
    }),
    insertInto(2, 'events', { ...anyKey, ...moment, severity: fc.constantFrom('info', 'error') }),
    insertInto(4, 'addresses', {
      address: fc.nat(250).map((last) => `10.99.0.${String(last)}`),
      workload: text,
      allocated_at: fc.nat(),
    }),
    insertInto(6, 'ledger', ledgerParts),
    insertInto(7, 'sources', { service: anyKey.service, path: text, content_hash: text, applied_revision: fc.nat(9) }),
    insertInto(7, 'freshness', {
      driver: text,
      last_good_at: perhaps(fc.nat()),
      error: perhaps(text),
      since: perhaps(fc.nat()),
    }),
    insertInto(7, 'volumes_to_remove', { service: anyKey.service, volume: text, marked_at: fc.nat() }),
    insertInto(7, 'history_floors', { service: anyKey.service, revision: fc.nat(9) }),
    insertInto(11, 'usage', {
      ...anyKey,
      at: fc.nat(9).map((step) => step * 300_000),
      memory_bytes: fc.nat(),
      memory_peak_bytes: fc.nat(),
      cpu_percent: perhaps(fc.nat(400)),
      samples: fc.integer({ min: 1, max: 300 }),
    }),
  ];
  return fc.oneof(...all).filter(({ since }) => since <= version);
}

function run(handle: Database.Database, { table, verb, row }: Statement): void {
  const keys = Object.keys(row);
  const given = keys.map((column) => row[column]);
  if (verb === 'insert or ignore') {
    handle
      .prepare(`insert or ignore into ${table} (${keys.join(', ')}) values (${keys.map(() => '?').join(', ')})`)
      .run(...given);
    return;
  }
  const where = 'where service = ? and name = ?';
  if (verb === 'delete') {
    handle.prepare(`delete from ${table} ${where}`).run(row['service'], row['name']);
    return;
  }
  const set = keys.map((column) => `${column} = ?`).join(', ');
  handle.prepare(`update ${table} set ${set} ${where}`).run(...given, row['service'], row['name']);
}

/** Writes it all; what a constraint refuses would have been refused then, too. */
function fill(path: string, version: number, written: readonly Statement[]): void {
  const handle = new Database(path);
  try {
    handle.pragma('journal_mode = WAL');
    for (const migration of migrations.slice(0, version)) handle.exec(migration.text);
    handle.pragma(`user_version = ${String(version)}`);
    handle.exec(services.map((name) => `insert into services (name) values ('${name}');`).join(''));
    for (const statement of written) {
      try {
        run(handle, statement);
      } catch (error) {
        if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_CONSTRAINT')) throw error;
      }
    }
  } finally {
    handle.close();
  }
}

/** What the third migration itself gives: numbers, and the log that begins with what there is. */
const given = new Set(['revision', 'generation']);

/** The rows of the tables that `version` had, in the columns that it had. */
function contentOf(
  path: string,
  like?: ReadonlyMap<string, readonly string[]>,
  withNumbers = true,
): readonly [Content, ReadonlyMap<string, readonly string[]>] {
  const handle = new Database(path, { readonly: true });
  try {
    const tables = handle
      .prepare(`select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`)
      .pluck()
      .all() as string[];
    const shape =
      like ??
      new Map(
        tables
          .map((table) => [table, handle.pragma(`table_info(${table})`) as readonly { name: string }[]] as const)
          .map(([table, infos]) => [table, infos.map(({ name }) => name)]),
      );
    const content: Record<string, readonly string[]> = {};
    for (const [table, all] of shape) {
      const kept = all.filter((column) => withNumbers || !given.has(column));
      const rows = handle.prepare(`select ${kept.map((column) => `"${column}"`).join(', ')} from ${table}`).all();
      content[table] = rows.map((row) => JSON.stringify(row)).sort();
    }
    return [content, shape];
  } finally {
    handle.close();
  }
}

function checkSound(path: string): void {
  const handle = new Database(path, { readonly: true });
  try {
    expect(handle.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(handle.pragma('foreign_key_check')).toEqual([]);
    expect(handle.pragma('user_version', { simple: true })).toBe(newest);
    const last = handle.prepare('select revision from meta').pluck().get();
    const log = 'select revision from change_log union all select revision from events order by 1';
    const revisions = handle.prepare(log).pluck().all() as number[];
    expect(new Set(revisions).size, 'each revision once').toBe(revisions.length);
    expect(Math.max(0, ...revisions)).toBeLessThanOrEqual(Number(last));
  } finally {
    handle.close();
  }
}

async function checkMigration(path: string, version: number): Promise<void> {
  const numbered = version >= 3;
  const [before, shape] = contentOf(path, undefined, numbered);
  const result = await migrateRegistry({ path, clock: realClock });
  expect(result).toMatchObject({ from: version, to: newest });
  const [after] = contentOf(path, shape, numbered);
  expect(after).toEqual(before);
  checkSound(path);
  expect(contentOf(result.backup ?? '', undefined, numbered)[0], 'the backup').toEqual(before);
  const registry = await openRegistry({ path, clock: realClock, chance: realChance });
  try {
    const records = await registry.components();
    expect(records.map(({ key }) => `${key.service}/${key.component}`).sort()).toEqual(
      (before['components'] ?? [])
        .map((row) => JSON.parse(row) as Row)
        .map((row) => `${String(row['service'])}/${String(row['name'])}`)
        .sort(),
    );
    for (const record of records) expect(record.generation).toBeGreaterThan(0);
  } finally {
    await registry.close();
  }
}

describe('migrations', () => {
  it.each(migrations.slice(0, -1).map(({ version }) => version))('from version %i lose no row', async (version) => {
    await fc.assert(
      fc.asyncProperty(fc.array(statements(version), { maxLength: 40, size: 'max' }), async (written) => {
        const folder = mkdtempSync(join(tmpdir(), 'berth-migrate-'));
        try {
          const path = join(folder, 'registry.db');
          fill(path, version, written);
          await checkMigration(path, version);
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 6, ...(process.env['BERTH_SEED'] === undefined ? {} : { seed: Number(process.env['BERTH_SEED']) }) },
    );
  });
});
