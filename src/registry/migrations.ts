/** The numbered files of migrations/, and how to carry them out. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BerthError, messageOf } from '../core/errors.js';
import type { Session } from './session.js';
import { isBusy, registryError, sqliteCode } from './sqlite-errors.js';

/** "Bert" as SQLite's application_id: tells a registry from any other SQLite file. */
export const applicationId = 0x42657274;

export interface Migration {
  readonly version: number;
  readonly file: string;
  readonly text: string;
}

/** The folder migrations/ of the package, from src/ as well as from dist/. */
export function migrationsFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'migrations');
    if (existsSync(join(candidate, '0001_services_components.sql'))) return candidate;
    if (dirname(folder) === folder) throw new BerthError('E_INTERNAL', 'the folder migrations/ is missing');
  }
}

/** All migrations in order. Their numbers rise from 1 without a hole. */
export function readMigrations(folder: string): readonly Migration[] {
  const files = readdirSync(folder)
    .filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file))
    .sort();
  return files.map((file, index) => {
    const version = Number(file.slice(0, 4));
    if (version !== index + 1) throw new BerthError('E_INTERNAL', `migrations/${file}: number ${index + 1} is missing`);
    return { version, file, text: readFileSync(join(folder, file), 'utf8') };
  });
}

/** The version of a registry's file: the number of its last migration; 0: empty. */
export function readVersion(session: Session): number {
  return Number(session.pragma('user_version'));
}

/** Runs one migration within the open transaction and sets the version. */
export function runMigration(session: Session, migration: Migration): void {
  session.execute(migration.text);
  session.pragma(`user_version = ${migration.version}`);
}

/** Runs `migration` in a transaction of its own; on failure the file stays as it was. */
export function commitMigration(session: Session, migration: Migration, path: string): void {
  try {
    session.execute('begin immediate');
    if (readVersion(session) < migration.version) runMigration(session, migration);
    session.execute('commit');
  } catch (error) {
    if (session.inTransaction) session.execute('rollback');
    // Undone, it is as good as not begun: worth another try.
    if (isBusy(error)) throw error;
    if (/FULL|IOERR|CORRUPT|NOTADB|READONLY/.test(sqliteCode(error))) throw registryError(error, path);
    throw new BerthError(
      'E_INTERNAL',
      `migration ${migration.file} failed, the registry stays at version ${migration.version - 1}: ${messageOf(error)}`,
      { cause: error, details: { path, version: migration.version - 1, migration: migration.file } },
    );
  }
}
