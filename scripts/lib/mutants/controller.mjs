/** Safeguards of src/controller: intents, proofs, fresh looks, data before good, one at a time. */
const controller = 'src/controller/controller.ts';
const effects = 'src/controller/effects.ts';
const collector = 'src/controller/collector.ts';
const mover = 'src/controller/volume-mover.ts';

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const controllerMutants = [
  {
    name: 'intent',
    safeguard: 'an intent in the ledger before anything is made',
    file: effects,
    find: `const [ledgerId] = await this.#registry.recordIntents(intents);`,
    replace: `const ledgerId = undefined;`,
    kills: ['first apply'],
  },
  {
    name: 'intent-first',
    safeguard: 'the order: first the intent, then what is made',
    file: effects,
    find: `    const nativeId = await createOrSayGone(driver, request, signal);
    if (ledgerId !== undefined)`,
    replace: `    await this.#registry.forget(ledgerId === undefined ? [] : [ledgerId]);
    const nativeId = await createOrSayGone(driver, request, signal);
    const [later] = await this.#registry.recordIntents([{ ...own, generation: step.generation }]);
    if (later !== undefined) await this.#registry.setNativeId(later, nativeId);
    else if (ledgerId !== undefined)`,
    kills: ['first apply'],
  },
  {
    name: 'native-id',
    safeguard: 'the id of what was made, written down at once',
    file: effects,
    find: `if (ledgerId !== undefined) await this.#registry.setNativeId(ledgerId, nativeId);`,
    replace: '',
    kills: ['first apply'],
  },
  {
    name: 'complete-ledger',
    safeguard: 'the census that gives an intent the id that its agent did not live to write',
    file: collector,
    find: `let ledger = await completeLedger(registry, view, await registry.ledger());`,
    replace: `let ledger = await registry.ledger();`,
    kills: ['first apply'],
  },
  {
    name: 'complete-before-reuse',
    safeguard: 'the id that an intent gets before its row is taken for another workload of that name',
    file: effects,
    find: `    if (others.length > 0) await completeLedger(this.#registry, this.#view, await this.#registry.ledger(record.key));\n`,
    replace: '',
    kills: ['an edit that does not stay up follows on one that has just begun'],
  },
  {
    name: 'remove-before-forget',
    safeguard: 'the order: first removed, then forgotten',
    file: effects,
    find: `    await driver.remove(nativeId, signal);
    const seen`,
    replace: `    await this.#registry.forget((await this.#registry.ledger()).filter((row) => row.nativeId === nativeId).map((row) => row.id));
    await driver.remove(nativeId, signal);
    const seen`,
    kills: ['a changed environment'],
  },
  {
    name: 'forget',
    safeguard: 'the ledger that forgets what was removed',
    file: effects,
    find: `if (gone.length === 0) return;`,
    replace: `if (gone.length >= 0) return;`,
    kills: ['a changed environment'],
  },
  {
    name: 'forget-gone',
    safeguard: 'the census that forgets what is gone',
    file: collector,
    find: `    await this.#forgetGone(keys, ledger);\n`,
    replace: '',
    kills: ['a workload is removed by hand'],
  },
  {
    name: 'forget-asked',
    safeguard: 'the question for each that a list lacks, before it is forgotten',
    file: collector,
    find: `if (!(await view.refresh(row.driver, row.nativeId ?? row.name))) continue;`,
    replace: '',
    kills: ['a container is to become a machine, and lists lack it'],
  },
  {
    name: 'orphan-proof',
    safeguard: 'the ledger as proof that an orphan is ours',
    file: collector,
    find: `if (rows.length === 0) {`,
    replace: `if (rows.length < 0) {`,
    kills: ['workloads that no component wants: one that the ledger knows, one that it does not'],
  },
  {
    name: 'orphans',
    safeguard: 'the census that collects orphans',
    file: collector,
    find: `if (orphans.length > 0) ledger = await this.#dealWith(orphans);`,
    replace: '',
    kills: ['workloads that no component wants: one that the ledger knows, one that it does not'],
  },
  {
    name: 'volume-answers',
    safeguard: 'the wait for each driver that may have a deleted volume',
    file: collector,
    find: `if (signal.aborted || !(await this.#allAnswer(key, rows))) continue;`,
    replace: `if (signal.aborted) continue;`,
    kills: ['a volume is deleted by name while the runtime that has it is silent'],
  },
  {
    name: 'service-in-use',
    safeguard: 'the look whether a service has components left before its network goes',
    file: collector,
    find: `if ((await registry.components({ service })).length > 0) return;`,
    replace: '',
    kills: ['a component is deleted'],
  },
  {
    name: 'really-missing',
    safeguard: 'the question for a workload by its id before it is made anew',
    file: 'src/controller/sight.ts',
    find: `  if (step?.kind !== 'create' || step.role !== 'main' || nativeId === null) return true;\n`,
    replace: `  if (nativeId !== undefined) return true;\n`,
    kills: ['a container is to become a machine, and lists lack it'],
  },
  {
    name: 'proof-seen',
    safeguard: 'the fresh look at a program before it counts as proven',
    file: 'src/controller/sight.ts',
    find: `if (goodGeneration === record.generation || nativeId === null) return true;`,
    replace: `if (goodGeneration !== undefined || nativeId === null) return true;`,
    kills: ['the end of what does not stay up is told by no event'],
  },
  {
    name: 'look-after-success',
    safeguard: 'the look at what a step has touched',
    file: effects,
    find: `if (touched !== undefined) await this.#view.refresh(driver.name, touched);`,
    replace: '',
    kills: ['first apply'],
  },
  {
    name: 'look-after-failure',
    safeguard: 'the look at what a step that failed may have done all the same',
    file: effects,
    find: `        await this.#lookAgain(record, driver, step);\n`,
    replace: '',
    kills: ['an edit that does not stay up follows on one that has just begun'],
  },
  {
    name: 'status-before-step',
    safeguard: 'the status that says what is about to be done, written before',
    file: controller,
    find: `      await this.#write(record, decision, unwritten);
      if (!decision.step) return decision.requeueAtMs;
      if (!(await this.#take(record, decision, decision.step, unwritten))) return null;`,
    replace: `      if (!decision.step) await this.#write(record, decision, unwritten);
      if (!decision.step) return decision.requeueAtMs;
      if (!(await this.#take(record, decision, decision.step, unwritten))) return null;`,
    kills: ['a service is made inactive, and active again'],
  },
  {
    name: 'data-before-good',
    safeguard: 'the order: first the data of a volume is settled, then its workload is called good',
    file: controller,
    find: `      await this.#keepData(record, decision);
      await this.#write(record, decision, unwritten);`,
    replace: `      await this.#write(record, decision, unwritten);
      await this.#keepData(record, decision);`,
    kills: ['a container becomes a machine'],
  },
  {
    name: 'retry-after-refusal',
    safeguard: 'the second try after the registry refused something',
    file: controller,
    find: `return this.#options.clock.now() + refusedRetryMs;
    }
  }

  #isClosed`,
    replace: `return null;
    }
  }

  #isClosed`,
    kills: ['a changed environment'],
  },
  {
    name: 'neighbours-told',
    safeguard: 'the word to neighbours of a status whose write is said to have failed',
    file: controller,
    find: `    } finally {
      // Also when it is said to have failed: it may have been kept, and is no news at the next try.
      if (isNews) this.#tellNeighbours(record);
    }`,
    replace: `    } catch (error) {
      throw error;
    }
    if (isNews) this.#tellNeighbours(record);`,
    kills: ['an edit is refused, another one kept'],
  },
  {
    name: 'feed-retry',
    safeguard: 'the second try to read the feed',
    file: 'src/controller/feed-reader.ts',
    find: `this.#cancelRetry = this.#options.clock.after(retryMs, () => {
        this.#wake();
      });`,
    replace: '',
    kills: ['an edit that cannot be read at once'],
  },
  {
    name: 'one-at-a-time',
    safeguard: 'the queue that never works twice on one component at once',
    file: 'src/controller/work-queue.ts',
    find: `if (this.#working.has(key)) {`,
    replace: `if (this.#working.size < 0) {`,
    kills: ['first apply'],
  },
  {
    name: 'data-settled',
    safeguard: 'the data that counts from when its workload has proven itself',
    file: mover,
    find: `holder.driver === mounter.driver && holder.copiedFor === mounter.nativeId;`,
    replace: `holder.driver === mounter.driver && holder.copiedFor === '';`,
    kills: ['a container becomes a machine'],
  },
  {
    name: 'copied-once',
    safeguard: 'the note for which workload a volume was copied',
    file: mover,
    find: `if (holders.some(({ driver, copiedFor }) => driver === mounter.driver && copiedFor === mounter.nativeId)) {`,
    replace: `if (holders.some(({ driver }) => driver === '')) {`,
    kills: ['a container becomes a machine that ends once before it stays up'],
  },
  {
    name: 'copy-intended',
    safeguard: 'the note of a copy that is to be, before its volume is made',
    file: mover,
    find: `      await this.#intend(keys, driver);\n`,
    replace: '',
    kills: ['a container is to become a machine, and is to be a container again'],
  },
  {
    name: 'copy-unwanted',
    safeguard: 'the end of a copy that nothing is to mount any more',
    file: mover,
    find: `        await this.#giveUpUnwanted(key);\n`,
    replace: '',
    kills: ['an image of which no machine can be made is put back'],
  },
];
