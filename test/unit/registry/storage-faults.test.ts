/**
 * A fault at every operation of the storage, one at a time, in everything that can be asked of a registry:
 * it happens as a whole or not at all, whoever asked is told, and the registry goes on.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { editBySql, imageOf, openRegistry, retention } from '../../../src/registry/index.js';
import { RecordCache } from '../../../src/registry/record-cache.js';
import { Session } from '../../../src/registry/session.js';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { fill, reads, writes, type Operation } from './fault-operations.js';
import {
  faults,
  faultsOf,
  frozenClock,
  look,
  open,
  outcomeOf,
  rowsOf,
  type Fault,
  type Tried,
} from './fault-support.js';
import { cli, put, spec, temporaryFolder } from './support.js';

let image: Uint8Array;

beforeAll(async () => {
  const registry = await openRegistry({
    path: 'memory',
    clock: frozenClock(),
    chance: createSeededChance(1),
    inMemory: true,
  });
  await fill(registry);
  image = imageOf(registry);
  await registry.close();
});

/** Nothing is kept, so that a compaction has something to do. */
const keepNothing = { ...retention, eventAgeMs: 0, watchAgeMs: 0, historyAgeMs: 0 };

type Where = 'memory' | 'file';

/** The same registry as ever, anew. */
async function fresh(where: Where): Promise<Tried & { readonly rows: () => string }> {
  const path = where === 'memory' ? 'memory' : join(temporaryFolder(), 'registry.db');
  if (where === 'file') writeFileSync(path, image);
  const place = where === 'memory' ? { image } : { path, inMemory: false };
  const tried = await open({ ...place, retention: keepNothing });
  return { ...tried, rows: () => look(tried.registry, where === 'memory', rowsOf) };
}

/** What happens when nothing fails: the rows after each commit, and what a second time does. */
interface Course {
  readonly count: number;
  readonly states: readonly string[];
  readonly after: string;
  readonly again: { readonly outcome: string; readonly rows: string };
}

async function courseOf(where: Where, operation: Operation): Promise<Course> {
  const { registry, clock, storage, rows } = await fresh(where);
  const states = [rows()];
  storage.arm();
  storage.onCommit = () => states.push(rows());
  expect(await outcomeOf(clock, operation(registry))).toBe('done');
  const { count } = storage;
  storage.onCommit = () => undefined;
  const after = rows();
  const outcome = await outcomeOf(clock, operation(registry));
  return { count, states, after, again: { outcome, rows: rows() } };
}

async function tryFault(where: Where, operation: Operation, clean: Course, at: number, planned: Fault): Promise<void> {
  const { registry, clock, storage } = await fresh(where);
  const [before] = clean.states;
  let told = 0;
  const unwatch = registry.watch(() => (told += 1));
  storage.arm(at, planned);
  const outcome = await outcomeOf(clock, operation(registry));
  storage.arm();
  await clock.flush();
  unwatch();
  // By one look: opening is what this test costs.
  const { now, records, services } = look(registry, where === 'memory', (handle) => {
    const cache = new RecordCache();
    cache.sync(new Session(handle));
    return { now: rowsOf(handle), records: cache.list(), services: cache.services() };
  });
  expect(clean.states).toContain(now);
  expect(['done', planned.code]).toContain(outcome);
  if (outcome === 'done') expect(now).toBe(clean.after);
  else if (planned.when === 'before' && clean.states.length === 2) expect(now).toBe(before);
  if (now !== before) expect(told).toBeGreaterThan(0);
  expect(await registry.components()).toEqual(records);
  expect(await registry.services()).toEqual(services);
  // Once more, whether it happened or not.
  const wanted = now === clean.after ? clean.again : { outcome: 'done', rows: clean.after };
  const retried = await outcomeOf(clock, operation(registry));
  look(registry, where === 'memory', (handle) => {
    expect({ outcome: retried, rows: rowsOf(handle) }).toEqual(wanted);
    expect(faultsOf(handle)).toEqual([]);
  });
  editBySql(registry, `insert into components (service, name, image) values ('sql', 'sql', 'localhost/sql:1')`);
  expect((await registry.history({ service: 'sql' })).map((entry) => entry.actor)).toEqual(['sql', 'sql']);
  await registry.close();
}

async function sweep(where: Where, operation: Operation, planned: Fault): Promise<void> {
  const clean = await courseOf(where, operation);
  expect(clean.count).toBeGreaterThan(0);
  for (let at = 1; at <= clean.count; at += 1) {
    try {
      await tryFault(where, operation, clean, at, planned);
    } catch (error) {
      throw new Error(`${planned.name}, at operation ${at} of ${clean.count}`, { cause: error });
    }
  }
}

const cases = faults.map((planned) => ({ planned, name: planned.name }));

describe.each(cases)('$name', ({ planned }) => {
  test.each(Object.entries({ ...writes, ...reads }))(
    'in memory: %s',
    async (_name, operation) => {
      await sweep('memory', operation, planned);
    },
    60_000,
  );

  test.each(['a change of a known generation', 'intents', 'feed', 'components'])(
    'in a file: %s',
    async (name) => {
      const operation = { ...writes, ...reads }[name];
      if (operation === undefined) throw new Error(`no operation is named ${name}`);
      await sweep('file', operation, planned);
    },
    60_000,
  );

  test('writes that share a transaction: each is told its own fate', async () => {
    const letters = ['a', 'b', 'c'];
    for (let at = 1, isDone = false; !isDone; at += 1) {
      const { registry, clock, storage } = await fresh('memory');
      storage.arm(at, planned);
      const outcomes = await Promise.all(
        letters.map((name) => outcomeOf(clock, registry.change([put('shop', spec(name))], cli))),
      );
      isDone = storage.count < at;
      storage.arm();
      const present = (await registry.components()).map((record) => record.key.component);
      for (const [index, name] of letters.entries()) {
        const outcome = outcomes[index] ?? '';
        expect(['done', planned.code]).toContain(outcome);
        if (outcome === 'done' || planned.when === 'before') {
          expect(present.includes(name), `${name} at operation ${at}: ${outcome}`).toBe(outcome === 'done');
        }
      }
      expect(look(registry, true, faultsOf)).toEqual([]);
      await registry.close();
    }
  });
});

test('what a lost transaction had read is forgotten, though another one gets its revision', async () => {
  const operation: Operation = (registry) => registry.change([put('shop', spec('lost'))], cli);
  const { count } = await courseOf('memory', operation);
  for (const planned of faults.filter((each) => each.when === 'before' && each.name !== 'busy')) {
    const { registry, clock, storage } = await fresh('memory');
    storage.arm(count, planned);
    expect(await outcomeOf(clock, operation(registry))).toBe(planned.code);
    storage.arm();
    const revision = await registry.revision();
    editBySql(registry, `insert into components (service, name, image) values ('shop', 'found', 'localhost/found:1')`);
    expect(await registry.revision()).toBe(revision + 1);
    const names = (await registry.components({ service: 'shop' })).map((record) => record.key.component);
    expect(names).toEqual(['found', 'gone', 'web']);
    await registry.close();
  }
});
