/**
 * One connection to the registry's file. kysely writes the SQL, typed; better-sqlite3 runs it at once,
 * so that a whole transaction takes one turn of the event loop and nothing can come between its steps.
 */
import Database from 'better-sqlite3';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Compilable } from 'kysely';
import type { Tables } from './schema.js';

/** How long SQLite itself waits for a lock, in milliseconds; longer waits are the event loop's. */
const busyTimeoutMs = 10;
const maxStatements = 256;

/** Compiles queries; never runs any. */
export const sql = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

type Statement = Database.Statement;

export class Session {
  readonly handle: Database.Database;
  readonly #statements = new Map<string, Statement>();

  constructor(handle: Database.Database) {
    this.handle = handle;
  }

  /** A prepared statement, kept. For the hot paths; the rest asks kysely. */
  prepare(text: string): Statement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    if (this.#statements.size >= maxStatements) this.#statements.clear();
    const statement = this.handle.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  all<Row>(query: Compilable<Row>): readonly Row[] {
    const compiled = query.compile();
    return this.prepare(compiled.sql).all(...compiled.parameters) as Row[];
  }

  get<Row>(query: Compilable<Row>): Row | undefined {
    const compiled = query.compile();
    return this.prepare(compiled.sql).get(...compiled.parameters) as Row | undefined;
  }

  /** Answers how many rows changed, and the id of the last one inserted. */
  run(query: Compilable): { readonly changes: number; readonly lastId: number } {
    const compiled = query.compile();
    const result = this.prepare(compiled.sql).run(...compiled.parameters);
    return { changes: result.changes, lastId: Number(result.lastInsertRowid) };
  }

  /** Runs `read` on one snapshot of the file, or within the transaction that is open already. */
  snapshot<T>(read: () => T): T {
    if (this.handle.inTransaction) return read();
    this.prepare('begin').run();
    try {
      return read();
    } finally {
      this.prepare('commit').run();
    }
  }

  close(): void {
    this.#statements.clear();
    this.handle.close();
  }
}

/** Opens an existing file. Throws SQLite's own error. */
export function openSession(path: string, options: { readonly readonly?: boolean } = {}): Session {
  const handle = new Database(path, {
    readonly: options.readonly ?? false,
    fileMustExist: true,
    timeout: busyTimeoutMs,
  });
  try {
    if (options.readonly !== true) {
      handle.pragma('foreign_keys = ON');
      handle.pragma('wal_autocheckpoint = 1000');
      // Without it a WAL that once grew stays as large as it was.
      handle.pragma(`journal_size_limit = ${16 * 1024 * 1024}`);
    }
    return new Session(handle);
  } catch (error) {
    handle.close();
    throw error;
  }
}
