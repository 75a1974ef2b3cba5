/**
 * One connection to the registry's file. kysely writes the SQL, typed; better-sqlite3 runs it at once,
 * so that a whole transaction takes one turn of the event loop and nothing can come between its steps.
 */
import Database from 'better-sqlite3';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Compilable } from 'kysely';
import type { Tables } from './schema.js';
import { StorageTap, type ConnectionRole, type Statement, type StorageHooks } from './storage.js';

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

/** A query without parameters that differ from call to call, compiled once: that takes longer than most reads. */
export function fixed<Row>(query: Compilable<Row>): Compilable<Row> {
  const compiled = query.compile();
  return { compile: () => compiled };
}

export interface SessionOptions {
  /** Default: `writer`. */
  readonly connection?: ConnectionRole;
  /** Told of every statement. Default: none, and nothing stands between. */
  readonly storage?: StorageHooks;
}

export class Session {
  readonly handle: Database.Database;
  readonly #statements = new Map<string, Statement>();
  readonly #tap: StorageTap | undefined;

  constructor(handle: Database.Database, options: SessionOptions = {}) {
    this.handle = handle;
    const { connection = 'writer', storage } = options;
    this.#tap = storage && new StorageTap(handle, connection, storage);
  }

  get inTransaction(): boolean {
    return this.handle.inTransaction;
  }

  /** A prepared statement, kept. For the hot paths; the rest asks kysely. */
  prepare(text: string): Statement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    if (this.#statements.size >= maxStatements) this.#statements.clear();
    const prepared = this.handle.prepare(text);
    const statement = this.#tap?.statement(prepared, text) ?? prepared;
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

  /** Runs statements that are needed once, without parameters. */
  execute(text: string): void {
    const run = (): unknown => this.handle.exec(text);
    if (this.#tap === undefined) run();
    else this.#tap.around(text, run);
  }

  /** Asks for or sets what the file says: `user_version`, `journal_mode = WAL` … Answers the first column. */
  pragma(text: string): unknown {
    const run = (): unknown => this.handle.pragma(text, { simple: true });
    return this.#tap === undefined ? run() : this.#tap.around(`pragma ${text}`, run);
  }

  /** Sets what this connection alone is about: `foreign_keys`, `synchronous`. The file is not touched. */
  configure(text: string): void {
    this.handle.pragma(text);
  }

  /** Runs `read` on one snapshot of the file, or within the transaction that is open already. */
  snapshot<T>(read: () => T): T {
    if (this.inTransaction) return read();
    try {
      this.prepare('begin').run();
      const result = read();
      this.prepare('commit').run();
      return result;
    } catch (error) {
      // Whatever failed, no snapshot stays open: it would be read from ever after.
      if (isOpen(this.handle)) this.prepare('rollback').run();
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.handle.close();
  }
}

/** Statements change it, which the type of `inTransaction` does not tell. */
const isOpen = (handle: Database.Database): boolean => handle.inTransaction;

/** Opens an existing file. Throws SQLite's own error. */
export function openSession(path: string, options: SessionOptions = {}): Session {
  const handle = new Database(path, { fileMustExist: true, timeout: busyTimeoutMs });
  try {
    handle.pragma('foreign_keys = ON');
    handle.pragma('wal_autocheckpoint = 1000');
    // Without it a WAL that once grew stays as large as it was.
    handle.pragma(`journal_size_limit = ${16 * 1024 * 1024}`);
    return new Session(handle, options);
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** A database in memory, gone when it is closed; empty, or with what `serialize` said. */
export function openMemory(image?: Uint8Array): Database.Database {
  const handle = new Database(image === undefined ? ':memory:' : Buffer.from(image));
  handle.pragma('foreign_keys = ON');
  return handle;
}

/** Runs SQL as a client does that knows nothing of Berth; throws what SQLite says, and leaves no transaction open. */
export function runAsStranger(handle: Database.Database, text: string, foreignKeys: boolean): void {
  handle.pragma(`foreign_keys = ${foreignKeys ? 'ON' : 'OFF'}`);
  try {
    handle.exec(text);
  } finally {
    if (handle.inTransaction) handle.exec('rollback');
    handle.pragma('foreign_keys = ON');
  }
}
