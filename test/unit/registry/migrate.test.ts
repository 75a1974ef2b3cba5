import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { acquireAgentLock, migrateRegistry, openRegistry, type MigrationResult } from '../../../src/registry/index.js';
import { migrationsFolder, readMigrations } from '../../../src/registry/migrations.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { cli, feedAfter, put, putService, spec, sqlite, temporaryFolder } from './support.js';

const web = { service: 'shop', component: 'web' };
const newest = readMigrations(migrationsFolder()).length;

/** A registry as the Berth of that version left it: its migrations, then rows by an old client's hand. */
function oldRegistry(version: number): string {
  const path = join(temporaryFolder(), 'registry.db');
  const handle = new Database(path);
  handle.pragma('journal_mode = WAL');
  for (const migration of readMigrations(migrationsFolder()).slice(0, version)) handle.exec(migration.text);
  handle.pragma(`user_version = ${version}`);
  handle.exec(`
    update meta set home_id = 'home-of-old', epoch = 'epoch-of-old', name_prefix = 'old-';
    insert into services (name, active) values ('shop', 1), ('idle', 0);
    insert into components (service, name, image, env, ports, restart_token, desired) values
      ('shop', 'web', 'localhost/web:1', '{"A":"1"}', '["8080:80"]', 3, 'running'),
      ('shop', 'db', 'localhost/db:1', '{}', '[]', 0, 'stopped'),
      ('idle', 'idle', 'localhost/idle:1', '{}', '[]', 0, 'running');
  `);
  if (version >= 2) {
    handle.exec(`
      insert into status (service, component, phase, observed, ready, observed_generation, observed_revision, reason,
        message, native_id, restarts, failures, image_digest, updated_at)
      values ('shop', 'web', 'running', 'running', 1, 0, 0, 'Running', 'it runs', 'abc', 2, 0, 'sha256:1', 5);
      insert into events (service, component, severity, reason, message) values ('shop', 'web', 'info', 'Started', 'it started');
    `);
  }
  if (version >= 3) handle.exec(`update components set env = '{"A":"2"}' where name = 'web'`);
  if (version >= 4) handle.exec(`insert into addresses values ('10.99.0.2', 'shop-web', 1)`);
  handle.close();
  return path;
}

const backupsOf = (path: string): readonly string[] =>
  readdirSync(dirname(path)).filter((file) => file.startsWith(`${basename(path)}.backup-`));

describe('upgrading', () => {
  test.each([1, 2, 3, 4, 5, 6, 7])('a populated version %i loses nothing', async (version) => {
    const path = oldRegistry(version);
    const rows = 'select service, name, image, ports, restart_token, desired, env from components order by 1, 2';
    const before = sqlite(path, rows);
    let migrated: MigrationResult | undefined;
    const registry = await openRegistry({
      path,
      clock: realClock,
      chance: realChance,
      onMigrated: (result) => (migrated = result),
    });
    onTestFinished(() => registry.close());
    expect(sqlite(path, rows)).toBe(before);
    expect(migrated).toMatchObject({ from: version, to: newest });
    const backup = migrated?.backup ?? '';
    expect(sqlite(backup, 'pragma user_version; pragma integrity_check')).toBe(`${version}\nok`);
    expect(sqlite(backup, rows)).toBe(before);
    expect(migrated?.wayBack).toContain(backup);
    expect(statSync(backup).mode & 0o777).toBe(0o600);

    expect(registry).toMatchObject({ homeId: 'home-of-old', epoch: 'epoch-of-old', namePrefix: 'old-' });
    const records = await registry.components();
    expect(records.map((record) => record.workload)).toEqual(['idle', 'shop-db', 'shop-web']);
    for (const record of records) {
      expect(record.spec).toMatchObject({ runtime: 'container', memoryMb: null, vcpus: null });
      expect(record.invalid).toBeNull();
      expect(record.generation).toBeGreaterThan(0);
      expect(record.revision).toBeLessThanOrEqual(await registry.revision());
    }
    const record = await registry.component(web);
    expect(record).toMatchObject({ restartToken: 3, spec: { env: { A: version >= 3 ? '2' : '1' } } });
    if (version >= 2) {
      expect(record?.status).toMatchObject({ phase: 'running', nativeId: 'abc', imageDigest: 'sha256:1' });
      expect(await registry.events({})).toMatchObject([{ reason: 'Started' }]);
    }
    if (version >= 4) expect(sqlite(path, 'select address from addresses')).toBe('10.99.0.2');
    const now = await registry.revision();
    expect((await registry.serviceAt('shop', now))?.components.map((component) => component.image)).toEqual([
      'localhost/db:1',
      'localhost/web:1',
    ]);
    expect(records.map((each) => each.spec.files)).toEqual([[], [], []]);
    sqlite(path, `update components set memory_mb = 64 where name = 'web'`);
    expect(await registry.component(web)).toMatchObject({ generation: now + 1, spec: { memoryMb: 64 } });
    expect((await feedAfter(registry, now))[0]).toMatchObject({
      before: { memory_mb: null },
      after: { memory_mb: 64 },
    });
  });

  test('each revision is given once, whatever there was before', async () => {
    const path = oldRegistry(2);
    await migrateRegistry({ path, clock: realClock });
    const given = `select revision from change_log union all select revision from events order by 1`;
    expect(sqlite(path, given).split('\n')).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(sqlite(path, 'select revision from meta')).toBe('7');
  });

  test('a migration that fails leaves the version before it, and the backup', async () => {
    const path = oldRegistry(4);
    const folder = temporaryFolder();
    cpSync(migrationsFolder(), folder, { recursive: true });
    const sixth = readMigrations(folder)[5]?.file ?? '';
    writeFileSync(
      join(folder, sixth),
      'create table ledger (id integer) strict; insert into no_such_table values (1);',
    );
    const options = { path, clock: realClock, migrationsFolder: folder };
    await expect(migrateRegistry(options)).rejects.toMatchObject({ code: 'E_INTERNAL', details: { version: 5 } });
    expect(sqlite(path, `pragma user_version; select count(*) from sqlite_schema where name = 'ledger'`)).toBe('5\n0');
    expect(sqlite(path, 'pragma integrity_check; select count(*) from components')).toBe('ok\n3');
    expect(backupsOf(path)).toHaveLength(1);
    await migrateRegistry({ path, clock: realClock });
    expect(sqlite(path, 'pragma user_version')).toBe(String(newest));
  });

  test('nothing to do is nothing done', async () => {
    const path = oldRegistry(newest);
    expect(await migrateRegistry({ path, clock: realClock })).toEqual({
      from: newest,
      to: newest,
      backup: null,
      wayBack: null,
    });
    expect(backupsOf(path)).toEqual([]);
  });

  test('it waits for nobody who may not migrate, nor under a running agent', async () => {
    const path = oldRegistry(4);
    const open = openRegistry({ path, clock: realClock, chance: realChance, migrate: 'refuse' });
    await expect(open).rejects.toMatchObject({ code: 'E_REGISTRY_OLDER' });
    const release = acquireAgentLock(path, { pid: process.ppid, host: 'here', startedAtMs: 0 });
    await expect(migrateRegistry({ path, clock: realClock })).rejects.toMatchObject({ code: 'E_AGENT_RUNNING' });
    release();
    expect(sqlite(path, 'pragma user_version')).toBe('4');
    expect(backupsOf(path)).toEqual([]);
  });
});

describe('opening', () => {
  const options = { clock: realClock, chance: realChance };

  test('a new registry is private, and made once', async () => {
    const path = join(temporaryFolder(), 'home', 'registry.db');
    await expect(openRegistry({ ...options, path })).rejects.toMatchObject({ code: 'E_REGISTRY_MISSING' });
    expect(existsSync(dirname(path))).toBe(false);
    const made = { ...options, path, create: true, namePrefix: 'x-' };
    const [first, second] = await Promise.all([openRegistry(made), openRegistry(made)]);
    onTestFinished(async () => {
      await first.close();
      await second.close();
    });
    expect(first.homeId).toBe(second.homeId);
    expect(first.namePrefix).toBe('x-');
    await first.change([putService('shop'), put('shop', spec('web'))], cli);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(dirname(path))) expect(statSync(join(dirname(path), file)).mode & 0o777).toBe(0o600);
    expect(sqlite(path, 'pragma user_version; pragma journal_mode')).toBe(`${newest}\nwal`);
  });

  test('one of a newer Berth is refused untouched', async () => {
    const path = oldRegistry(newest);
    sqlite(path, `pragma user_version = ${newest + 1}`);
    await expect(openRegistry({ ...options, path })).rejects.toMatchObject({ code: 'E_REGISTRY_NEWER' });
    await expect(migrateRegistry({ path, clock: realClock })).rejects.toMatchObject({ code: 'E_REGISTRY_NEWER' });
    expect(sqlite(path, 'pragma user_version')).toBe(String(newest + 1));
  });

  test.each([
    [
      'text',
      (path: string) => {
        writeFileSync(path, 'this is no database at all, not even nearly\n'.repeat(50));
      },
    ],
    [
      'a strange database',
      (path: string) => {
        sqlite(path, 'create table t (a)');
      },
    ],
    ['a torn page', tearPage],
  ])('%s is named as damaged, and not overwritten', async (_what, damage) => {
    const path = join(temporaryFolder(), 'registry.db');
    damage(path);
    const before = readFileSync(path);
    await expect(openRegistry({ ...options, path, create: true })).rejects.toMatchObject({
      code: 'E_REGISTRY_CORRUPT',
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a folder that cannot be made is an error of the file system', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const path = join(file, 'registry.db');
    await expect(openRegistry({ ...options, path, create: true })).rejects.toMatchObject({ code: 'E_REGISTRY_IO' });
  });
});

function tearPage(path: string): void {
  const good = oldRegistry(newest);
  sqlite(good, 'pragma wal_checkpoint(truncate)');
  copyFileSync(good, path);
  const bytes = readFileSync(path);
  const root = Number(sqlite(good, `select rootpage from sqlite_schema where name = 'components'`));
  bytes.fill(0xff, (root - 1) * 4096, root * 4096);
  writeFileSync(path, bytes);
}
