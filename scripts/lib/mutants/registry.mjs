/** Safeguards of src/registry: generations, all or nothing, who did it, rows that keep their identity. */
const writer = 'src/registry/writer.ts';

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const registryMutants = [
  {
    name: 'status-generation',
    safeguard: 'the generation that keeps an old status from a newer spec',
    file: 'src/registry/record-cache.ts',
    find: `return entry !== undefined && entry.row.generation <= generation;`,
    replace: `return entry !== undefined;`,
    kills: ['an edit while the workload takes its time to stop'],
  },
  {
    name: 'wanted-again',
    safeguard: 'the look whether a component is wanted again before its row goes',
    file: 'src/registry/purge.ts',
    find: `if (row === undefined || row.deleting_at === null) return false;`,
    replace: `if (row === undefined) return false;`,
    kills: ['a component is made again in the instant in which it is gone'],
  },
  {
    name: 'all-or-nothing',
    safeguard: 'the savepoint that undoes the whole of a change that fails',
    file: writer,
    find: `      session.prepare('rollback to job').run();\n`,
    replace: '',
    kills: ['an edit is refused, another one kept'],
  },
  {
    name: 'rules-across-rows',
    safeguard: 'the rules that are checked before a change is kept',
    file: 'src/registry/sqlite-registry.ts',
    find: `if (transaction.dirty) this.#refuseProblems(transaction.session, touched);`,
    replace: '',
    kills: ['an edit is refused, another one kept'],
  },
  {
    name: 'rolled-back',
    safeguard: 'the rollback of a transaction whose commit failed',
    file: writer,
    find: `if (session.inTransaction) session.prepare('rollback').run();`,
    replace: '',
    kills: ['an edit finds the disk full, and is made again'],
  },
  {
    name: 'cache-forgets',
    safeguard: 'the cache that forgets what it read of a transaction that was undone',
    file: 'src/registry/sqlite-registry.ts',
    find: `        this.#cache.reset();\n`,
    replace: '',
    kills: ['an edit is refused, another one kept'],
  },
  {
    name: 'uncertain-commit',
    safeguard: 'the word to whoever watches of a commit whose answer was lost',
    file: writer,
    find: `if (isUncertain) this.#options.onCommit(holdsSpecs());`,
    replace: '',
    kills: ['an edit whose answer is lost'],
  },
  {
    name: 'context-emptied',
    safeguard: 'the context that is emptied after each transaction',
    file: writer,
    find: `      transaction.settle();\n`,
    replace: '',
    kills: ['an edit by SQL'],
  },
  {
    name: 'row-kept',
    safeguard: 'the row of the ledger that a workload keeps when another gets its name',
    file: 'src/registry/ledger.ts',
    find: `if (known?.native_id === null) return known.id;`,
    replace: `if (known !== undefined) return known.id;`,
    kills: ['two edits in quick succession'],
  },
];
