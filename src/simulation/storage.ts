/**
 * The disk under the simulated registry: it can be locked by another program, full, or fail, and the answer to a
 * commit can be lost. It also lets the agent die right before or after one of its commits.
 */
import { storageError, type StorageHooks, type StorageOperation } from '../registry/index.js';

/**
 * `busy`: another program has the lock. `full`: there is no room. `failing`: what is written fails. `unreadable`:
 * what is read fails. `answer-lost`: it is committed, and an error is said all the same.
 */
export const storageTroubles = ['busy', 'full', 'failing', 'unreadable', 'answer-lost'] as const;
export type StorageTrouble = (typeof storageTroubles)[number];

/** Hears of a commit, before and after. What it throws is what the writer is told. */
export type CommitListener = (moment: 'before' | 'after') => void;

/** What a call of a dead process comes to; nobody hears of it. */
export function ownerDied(): Error {
  return new Error('the process that asked for it is dead');
}

export class SimulatedStorage implements StorageHooks {
  onCommit: CommitListener | null = null;
  /** The process that has asked is dead: nothing of what it asked for begins any more. */
  isOwnerDead = false;
  #trouble: StorageTrouble | null = null;
  #timesLeft = 0;

  /** The next `times` operations that it concerns meet this trouble; others go through. */
  plan(trouble: StorageTrouble, times: number): void {
    this.#trouble = trouble;
    this.#timesLeft = times;
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.#trouble = null;
    this.#timesLeft = 0;
  }

  before(operation: StorageOperation): void {
    const { kind, connection } = operation;
    if (this.isOwnerDead && kind === 'begin' && connection === 'writer') throw ownerDied();
    if (kind === 'begin' && connection === 'writer' && this.#meets('busy')) throw storageError('SQLITE_BUSY');
    if (kind === 'read' && connection === 'reader' && this.#meets('unreadable'))
      throw storageError('SQLITE_IOERR_READ');
    if (kind !== 'commit' || connection !== 'writer') return;
    if (this.#meets('full')) throw storageError('SQLITE_FULL');
    if (this.#meets('failing')) throw storageError('SQLITE_IOERR_WRITE');
    this.onCommit?.('before');
  }

  after({ kind, connection }: StorageOperation): void {
    if (kind !== 'commit' || connection !== 'writer') return;
    this.onCommit?.('after');
    if (this.#meets('answer-lost')) throw storageError('SQLITE_IOERR_FSYNC');
  }

  #meets(trouble: StorageTrouble): boolean {
    if (this.#trouble !== trouble || this.#timesLeft <= 0) return false;
    this.#timesLeft -= 1;
    if (this.#timesLeft === 0) this.#trouble = null;
    return true;
  }
}
