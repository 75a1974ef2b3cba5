/** Properties of the registry under random edits by several clients. A failure prints its seed and path. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { workloadName } from '../../src/core/names.js';
import { findRuleProblems, findValueProblems } from '../../src/core/rules.js';
import type { Registry } from '../../src/core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../../src/core/spec.js';
import { initialStatus } from '../../src/core/status.js';
import { openRegistry } from '../../src/registry/index.js';
import { realChance, realClock } from '../support/real-clock.js';

const context = { actor: 'cli:model', request: null, message: null };

async function withRegistry(run: (registry: Registry, path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-model-'));
  const path = join(folder, 'registry.db');
  const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: true });
  try {
    await run(registry, path);
  } finally {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const name = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,14}$/);
const word = fc.string({ unit: 'binary', minLength: 0, maxLength: 20 }).filter((text) => !text.includes('\0'));
const path = fc.stringMatching(/^(\/[a-z]{1,8}){1,3}$/);
const key = fc.stringMatching(/^[A-Z_]{1,8}$/);

const specs: fc.Arbitrary<ComponentSpec> = fc.record({
  name,
  runtime: fc.constantFrom('container', 'microvm', 'unikernel'),
  image: fc.stringMatching(/^localhost\/[a-z]{1,8}:[0-9]{1,3}$/),
  build: fc.option(fc.record({ context: path, args: fc.dictionary(key, word, { noNullPrototype: true }) })),
  pull: fc.constantFrom('missing', 'always', 'never'),
  update: fc.constantFrom('pinned', 'auto'),
  memoryMb: fc.option(fc.integer({ min: 4, max: 1_048_576 })),
  vcpus: fc.option(fc.integer({ min: 1, max: 512 })),
  command: fc.option(fc.array(word, { maxLength: 3 })),
  env: fc.dictionary(key, word, { noNullPrototype: true }),
  envFile: fc.array(path, { maxLength: 2 }),
  secretFile: fc.array(path, { maxLength: 2 }),
  ports: fc
    .uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 3 })
    .map((ports) => ports.map((port) => `${port}:80`)),
  volumes: fc
    .uniqueArray(path, { maxLength: 2 })
    .map((targets) => targets.map((target, order) => `data-${order}:${target}`)),
  files: fc.uniqueArray(path, { maxLength: 3 }),
  user: fc.option(fc.stringMatching(/^[0-9]{1,5}(:[0-9]{1,5})?$/)),
  restart: fc.constantFrom('always', 'on-failure', 'never'),
  readyTimeoutS: fc.integer({ min: 1, max: 3_600 }),
  logLimitMb: fc.integer({ min: 1, max: 102_400 }),
  stopTimeoutS: fc.integer({ min: 0, max: 3_600 }),
  reconcile: fc.constantFrom('auto', 'observe', 'ignore'),
  dependsOn: fc.constant([]),
  health: fc.option(fc.record({ http: fc.constant('/healthz'), port: fc.integer({ min: 1, max: 65_535 }) })),
});

describe('specs', () => {
  test('what is put is what is read, and what the history rebuilds', async () => {
    await withRegistry(async (registry) => {
      let count = 0;
      await fc.assert(
        fc.asyncProperty(specs, async (spec) => {
          fc.pre(findValueProblems('s', spec).length === 0);
          const service = `s${(count += 1)}`;
          const revision = await registry.change(
            [
              { kind: 'put-service', name: service, node: 'local', active: true },
              { kind: 'put-component', service, spec, source: null },
            ],
            context,
          );
          const record = await registry.component({ service, component: spec.name });
          expect(record?.spec).toEqual(spec);
          expect(record?.invalid).toBeNull();
          expect(record?.workload).toBe(workloadName(service, spec.name));
          expect((await registry.serviceAt(service, revision))?.components).toEqual([spec]);
          await registry.change([{ kind: 'delete-service', name: service }], context);
          await registry.purgeComponent({ service, component: spec.name }, [], context);
        }),
        { numRuns: 100 },
      );
    });
  });
});

const services = ['a', 'a-b', 'b'] as const;
const components = ['a', 'b', 'b-c', 'c'] as const;
const target = fc.record({ service: fc.constantFrom(...services), component: fc.constantFrom(...components) });
const ports = fc.subarray(['80:80', '127.0.0.1:80:1', '81:81', '82:82/udp']);
const dependsOn = fc.subarray([...components]);

/** One step of somebody: plain SQL, or Berth's own calls. */
const steps = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    target,
    ports,
    verb: fc.constantFrom('insert', 'insert or replace', 'insert or ignore'),
  }),
  fc.record({ kind: fc.constant('update' as const), target, ports, dependsOn }),
  fc.record({ kind: fc.constant('memory' as const), memoryMb: fc.integer({ min: 4, max: 6 }) }),
  fc.record({ kind: fc.constant('delete' as const), target, whole: fc.boolean() }),
  fc.record({ kind: fc.constant('service' as const), service: fc.constantFrom(...services), active: fc.nat(1) }),
  fc.record({ kind: fc.constant('status' as const), target, restarts: fc.nat(2) }),
  fc.record({ kind: fc.constant('purge' as const), target }),
  fc.record({ kind: fc.constant('put' as const), target, ports, memoryMb: fc.integer({ min: 4, max: 6 }) }),
  fc.record({ kind: fc.constant('two at once' as const), memoryMb: fc.integer({ min: 4, max: 6 }) }),
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

interface Client {
  readonly foreign: Database.Database;
  readonly registry: Registry;
}

/** Carries out a step; what is refused is part of the game. */
async function take(step: Step, { foreign, registry }: Client): Promise<void> {
  try {
    await perform(step, { foreign, registry });
  } catch {
    // A refusal changes nothing, which is what the properties look at.
  }
  if (foreign.inTransaction) foreign.exec('rollback');
}

async function perform(step: Step, { foreign, registry }: Client): Promise<void> {
  switch (step.kind) {
    case 'insert':
      foreign
        .prepare(`${step.verb} into components (service, name, image, ports) values (?, ?, 'i', ?)`)
        .run(step.target.service, step.target.component, JSON.stringify(step.ports));
      break;
    case 'update':
      foreign
        .prepare('update components set ports = ?, depends_on = ? where service = ? and name = ?')
        .run(JSON.stringify(step.ports), JSON.stringify(step.dependsOn), step.target.service, step.target.component);
      break;
    case 'memory':
      foreign.prepare('update components set memory_mb = ?').run(step.memoryMb);
      break;
    case 'delete':
      if (step.whole) foreign.prepare('delete from services where name = ?').run(step.target.service);
      else foreign.prepare('delete from components where name = ?').run(step.target.component);
      break;
    case 'service':
      foreign.prepare('insert or replace into services (name, active) values (?, ?)').run(step.service, step.active);
      break;
    case 'status': {
      const event = { ...step.target, severity: 'info', reason: 'SeenAgain', message: 'seen' } as const;
      const status = { ...initialStatus, restarts: step.restarts };
      await registry.updateStatus([{ key: step.target, generation: 1e9, status, events: [event] }], context);
      break;
    }
    case 'purge':
      await registry.purgeComponent(step.target, [], context);
      break;
    case 'put': {
      const spec = {
        ...componentDefaults,
        name: step.target.component,
        image: 'i',
        ports: step.ports,
        memoryMb: step.memoryMb,
      };
      await registry.change([{ kind: 'put-component', service: step.target.service, spec, source: null }], context);
      break;
    }
    case 'two at once':
      foreign.exec(
        `begin immediate; update components set memory_mb = ${step.memoryMb}; update services set active = 1; commit`,
      );
      break;
  }
}

type Rows = Record<string, unknown>;

/** The rows now, in the form in which the log has them. */
function specRows(foreign: Database.Database): Rows {
  const rows: Rows = {};
  for (const row of foreign.prepare('select name, node, active, deleting_at from services').all() as Rows[]) {
    rows[String(row['name'])] = { active: row['active'] === 1, deleting_at: row['deleting_at'] };
  }
  const columns = 'service, name, image, memory_mb, ports, depends_on, restart_token, deleting_at';
  for (const row of foreign.prepare(`select ${columns} from components`).all() as Rows[]) {
    const { service, name: component, ports: portText, depends_on: dependsText, ...plain } = row;
    rows[`${String(service)}/${String(component)}`] = {
      ...plain,
      ports: JSON.parse(String(portText)) as unknown,
      depends_on: JSON.parse(String(dependsText)) as unknown,
    };
  }
  return rows;
}

describe('edits by anybody', () => {
  test.each(['off', 'on'])('the log tells the whole story (recursive triggers %s)', async (recursive) => {
    const story = fc.array(steps, { minLength: 8, maxLength: 25, size: 'max' });
    await fc.assert(
      fc.asyncProperty(story, fc.boolean(), async (chosen, foreignKeys) => {
        await withRegistry(async (registry, file) => {
          const foreign = new Database(file);
          foreign.pragma(`recursive_triggers = ${recursive}`);
          foreign.pragma(`foreign_keys = ${foreignKeys ? 'on' : 'off'}`);
          try {
            for (const step of chosen) {
              await take(step, { foreign, registry });
              await checkRecords(registry, file);
            }
            await checkStory(registry, foreign);
          } finally {
            foreign.close();
          }
        });
      }),
      { numRuns: 15 },
    );
  });
});

/** What is kept in memory is what a fresh look finds, with the rules as the pure function has them. */
async function checkRecords(registry: Registry, file: string): Promise<void> {
  const records = await registry.components();
  const fresh = await openRegistry({ path: file, clock: realClock, chance: realChance });
  try {
    expect(records).toEqual(await fresh.components());
    expect(await registry.services()).toEqual(await fresh.services());
  } finally {
    await fresh.close();
  }
  const problems = findRuleProblems(
    records.map(({ key: { service }, spec, generation, deleting }) => ({ service, spec, generation, deleting })),
  );
  const faulty = new Set(problems.map((problem) => `${problem.key.service}/${problem.key.component}`));
  const invalid = records.filter((record) => record.invalid !== null);
  expect(new Set(invalid.map((record) => `${record.key.service}/${record.key.component}`))).toEqual(faulty);
}

/** The feed has each revision once, in order, and replayed it gives the rows as they are. */
async function checkStory(registry: Registry, foreign: Database.Database): Promise<void> {
  const revision = await registry.revision();
  const read = await registry.feed(0, 1_000_000);
  if (read.kind === 'gap') throw new Error('a gap without compaction');
  expect(read.entries.map((entry) => entry.revision)).toEqual(
    Array.from({ length: revision }, (_, index) => index + 1),
  );
  const replayed: Rows = {};
  for (const entry of read.entries) {
    if (entry.entity !== 'service' && entry.entity !== 'component') continue;
    const row =
      entry.entity === 'service' ? String(entry.service) : `${String(entry.service)}/${String(entry.component)}`;
    expect(entry.before ?? undefined).toEqual(replayed[row]);
    if (entry.after === null) Reflect.deleteProperty(replayed, row);
    else replayed[row] = entry.after;
  }
  expect(replayed).toMatchObject(specRows(foreign));
  expect(Object.keys(replayed).sort()).toEqual(Object.keys(specRows(foreign)).sort());
  for (const record of await registry.components()) {
    expect(record.generation).toBeGreaterThan(0);
    expect(record.generation).toBeLessThanOrEqual(record.revision);
    expect(record.revision).toBeLessThanOrEqual(revision);
  }
}
