/**
 * Where a simulation stands between the registry and SQLite: every statement can be refused, or its answer
 * lost, as a full disk, a lock, a broken cable and a killed process do it.
 */
import Database from 'better-sqlite3';

/** Whose connection it is. A registry in memory has one for all, under the same three names. */
export type ConnectionRole = 'writer' | 'reader' | 'watch';

/** One thing asked of SQLite. Savepoints count as writes; `rollback to` counts as rollback, as `rollback` does. */
export interface StorageOperation {
  readonly kind: 'begin' | 'commit' | 'rollback' | 'read' | 'write';
  readonly connection: ConnectionRole;
  readonly sql: string;
}

/**
 * Told of each operation, at once and in order.
 *
 * What they throw made by `storageError` is an answer of SQLite's: thrown by `before`, nothing was done and
 * the transaction is as it was; thrown by `after`, it was done. Anything else that is thrown is the death of
 * the process: an open transaction is undone, as the next process would from the journal, and whatever
 * waited is refused. A rollback is carried out even when `before` throws.
 */
export interface StorageHooks {
  before(operation: StorageOperation): void;
  after(operation: StorageOperation): void;
}

/** What the registry needs of a prepared statement. */
export interface Statement {
  run(...parameters: readonly unknown[]): Database.RunResult;
  get(...parameters: readonly unknown[]): unknown;
  all(...parameters: readonly unknown[]): unknown[];
}

const messages: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'database is locked',
  SQLITE_FULL: 'database or disk is full',
  SQLITE_CORRUPT: 'database disk image is malformed',
};

/** True for an error of SQLite's, real or made by `storageError`. */
export function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Database.SqliteError;
}

/**
 * An error as SQLite throws it: `SQLITE_BUSY`, `SQLITE_FULL`, `SQLITE_IOERR_WRITE` … With `undoes` SQLite has
 * undone the whole open transaction by itself, as it may when a disk is full or fails.
 */
export function storageError(code: string, message?: string, options: { readonly undoes?: boolean } = {}): Error {
  const error = new Database.SqliteError(message ?? messages[code] ?? 'disk I/O error', code);
  return options.undoes === true ? Object.assign(error, { undoes: true }) : error;
}

/** The hooks of one connection. */
export class StorageTap {
  readonly #handle: Database.Database;
  readonly #connection: ConnectionRole;
  readonly #hooks: StorageHooks;

  constructor(handle: Database.Database, connection: ConnectionRole, hooks: StorageHooks) {
    this.#handle = handle;
    this.#connection = connection;
    this.#hooks = hooks;
  }

  /** `statement`, each run of it told to the hooks. */
  statement(statement: Statement, text: string): Statement {
    const operation = this.#operation(text);
    // Each by itself: a simulation runs them millions of times.
    return {
      run: (...parameters) => {
        this.#tell(operation, 'before');
        const result = statement.run(...parameters);
        this.#tell(operation, 'after');
        return result;
      },
      get: (...parameters) => {
        this.#tell(operation, 'before');
        const result = statement.get(...parameters);
        this.#tell(operation, 'after');
        return result;
      },
      all: (...parameters) => {
        this.#tell(operation, 'before');
        const result = statement.all(...parameters);
        this.#tell(operation, 'after');
        return result;
      },
    };
  }

  /** Does `work`, which carries out `text`. */
  around<T>(text: string, work: () => T): T {
    const operation = this.#operation(text);
    this.#tell(operation, 'before');
    const result = work();
    this.#tell(operation, 'after');
    return result;
  }

  #operation(text: string): StorageOperation {
    return Object.freeze({ kind: kindOf(text), connection: this.#connection, sql: text });
  }

  #tell(operation: StorageOperation, when: 'before' | 'after'): void {
    try {
      this.#hooks[when](operation);
    } catch (error) {
      const isUndone = !isSqliteError(error) || 'undoes' in error || operation.sql === 'rollback';
      if (isUndone && this.#handle.inTransaction) this.#handle.exec('rollback');
      throw error;
    }
  }
}

function kindOf(text: string): StorageOperation['kind'] {
  const [first = ''] = /[a-z]+/i.exec(text) ?? [];
  switch (first.toLowerCase()) {
    case 'begin':
    case 'commit':
    case 'rollback':
      return first.toLowerCase() as StorageOperation['kind'];
    case 'select':
      return 'read';
    case 'pragma':
      return text.includes('=') ? 'write' : 'read';
    default:
      return 'write';
  }
}
