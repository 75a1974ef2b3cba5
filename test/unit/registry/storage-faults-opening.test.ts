/** A fault at every operation of making, opening and migrating a registry: the next try finds it whole. */
import { copyFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openRegistry, type OpenOptions } from '../../../src/registry/index.js';
import { migrationsFolder, readMigrations } from '../../../src/registry/migrations.js';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { faults, faultsOf, FaultyStorage, frozenClock, outcomeOf, rowsOf, type Fault } from './fault-support.js';
import { cli, put, putService, spec, temporaryFolder } from './support.js';

const cases = faults.map((planned) => ({ planned, name: planned.name }));
const newest = readMigrations(migrationsFolder()).length;

async function tryToOpen(options: Pick<OpenOptions, 'path'> & Partial<OpenOptions>, at?: number, planned?: Fault) {
  const clock = frozenClock();
  const storage = new FaultyStorage();
  storage.arm(at, planned);
  const opening = openRegistry({ create: true, ...options, clock, chance: createSeededChance(1), storage });
  const outcome = await outcomeOf(clock, opening);
  const { count } = storage;
  storage.arm();
  return { outcome, count, registry: outcome === 'done' ? await opening : undefined };
}

/** Open files of this process in a folder. */
function openFilesIn(folder: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${descriptor}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      // The descriptor that reads this folder is closed by now.
      return [];
    }
  });
}

test('a file that somebody began to make and did not finish is made', async () => {
  const path = join(temporaryFolder(), 'registry.db');
  const handle = new Database(path);
  handle.pragma('journal_mode = WAL');
  handle.close();
  expect(statSync(path).size).toBeGreaterThan(0);
  expect(await tryToOpen({ path, create: false })).toMatchObject({ outcome: 'E_REGISTRY_MISSING' });
  const { outcome, registry } = await tryToOpen({ path });
  expect(outcome).toBe('done');
  await registry?.close();
  const other = join(temporaryFolder(), 'other.db');
  const stranger = new Database(other);
  stranger.exec('create table theirs (a)');
  stranger.close();
  expect(await tryToOpen({ path: other })).toMatchObject({ outcome: 'E_REGISTRY_CORRUPT' });
});

function view<T>(path: string, see: (handle: Database.Database) => T): T {
  const handle = new Database(path, { fileMustExist: true });
  try {
    return see(handle);
  } finally {
    handle.close();
  }
}

/** Opens at each operation with the fault, then without; answers how often. */
async function sweep(planned: Fault, makePath: () => string, inspect: (path: string) => void): Promise<number> {
  for (let at = 1; ; at += 1) {
    const path = makePath();
    const first = await tryToOpen({ path }, at, planned);
    expect(['done', planned.code], `operation ${at}`).toContain(first.outcome);
    await first.registry?.close();
    expect(openFilesIn(dirname(path))).toEqual([]);
    const second = await tryToOpen({ path });
    expect(second.outcome, `after operation ${at}`).toBe('done');
    await second.registry?.change([putService('after'), put('after', spec('after'))], cli);
    await second.registry?.close();
    expect(view(path, faultsOf), `operation ${at}`).toEqual([]);
    inspect(path);
    if (first.count < at) return at - 1;
  }
}

describe.each(cases)('$name', ({ planned }) => {
  test('while a registry is made', async () => {
    const count = await sweep(
      planned,
      () => join(temporaryFolder(), 'registry.db'),
      (path) => {
        expect(view(path, (handle) => handle.pragma('user_version', { simple: true }))).toBe(newest);
        expect(view(path, (handle) => handle.prepare('select home_id, epoch from meta').raw().all()[0])).toEqual([
          expect.stringMatching(/.{8}/),
          expect.stringMatching(/.{8}/),
        ]);
      },
    );
    expect(count).toBeGreaterThan(newest);
  }, 60_000);

  test('while one is made in memory', async () => {
    for (let at = 1; ; at += 1) {
      const { outcome, count, registry } = await tryToOpen({ path: 'memory', inMemory: true }, at, planned);
      expect(['done', planned.code]).toContain(outcome);
      await registry?.change([put('shop', spec('web'))], cli);
      await registry?.close();
      if (count < at) break;
    }
  }, 60_000);

  test('while an older one is migrated: nothing is lost, and no half copy is left', async () => {
    const folder = temporaryFolder();
    const old = join(folder, 'old.db');
    const before = makeOld(old, 3);
    const count = await sweep(
      planned,
      () => {
        const path = join(temporaryFolder(), 'registry.db');
        copyFileSync(old, path);
        return path;
      },
      (path) => {
        expect(view(path, (handle) => handle.pragma('user_version', { simple: true }))).toBe(newest);
        expect(view(path, componentsOf)).toEqual(before.components);
        const beside = readdirSync(dirname(path)).filter((file) => !file.startsWith(`${basename(path)}-`));
        expect(beside.filter((file) => file.endsWith('.partial'))).toEqual([]);
        for (const file of beside.filter((name) => name.includes('.backup-v3-'))) {
          expect(view(join(dirname(path), file), rowsOf)).toBe(before.rows);
        }
      },
    );
    expect(count).toBeGreaterThan(newest - 3);
  }, 60_000);
});

const componentsOf = (handle: Database.Database): unknown =>
  handle.prepare("select name, image, env, generation from components where service = 'shop' order by 1").all();

/** A registry as the Berth of that version left it. */
function makeOld(path: string, version: number): { readonly rows: string; readonly components: unknown } {
  const handle = new Database(path);
  for (const migration of readMigrations(migrationsFolder()).slice(0, version)) handle.exec(migration.text);
  handle.pragma(`user_version = ${version}`);
  handle.exec(`
    update meta set home_id = 'home-of-old', epoch = 'epoch-of-old';
    insert into components (service, name, image, env) values
      ('shop', 'web', 'localhost/web:1', '{"A":"1"}'), ('shop', 'db', 'localhost/db:1', '{}');
    update components set env = '{"A":"2"}' where name = 'web';
  `);
  const found = { rows: rowsOf(handle), components: componentsOf(handle) };
  handle.close();
  return found;
}
