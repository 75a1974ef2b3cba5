/**
 * Readers who come, go, stall, are cut off and come back, while anybody changes anything: each of them ends up with what
 * is there, and was told each event and each change once, in order. A failure prints its seed and path.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { createWatchHub, type Watch, type WatchHub, type WatchLimits } from '../../src/api/http/watch/index.js';
import type { Log } from '../../src/core/ports/log.js';
import type { Registry } from '../../src/core/ports/registry.js';
import { componentDefaults } from '../../src/core/spec.js';
import { initialStatus } from '../../src/core/status.js';
import { openRegistry } from '../../src/registry/index.js';
import { eventually } from '../support/eventually.js';
import { realChance, realClock } from '../support/real-clock.js';
import { WatchFold } from '../support/watch-fold.js';
import { TestSink } from '../support/watch-sink.js';
import { expectKnown, readTruth } from '../support/watch-truth.js';

const context = { actor: 'cli:model', request: null, message: null };
/**
 * Within which all is told, once everybody reads. A story that fails is told again and again to make it shorter, and then
 * with less patience.
 */
const settled = { firstMs: 20_000, againMs: 1_500 };
const nothing = (): void => {};
const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const services = ['a', 'a-b', 'b'] as const;
const target = fc.record({
  service: fc.constantFrom(...services),
  component: fc.constantFrom('a', 'b', 'b-c', 'c'),
});
// Few of them, so that they clash: what one definition says makes another invalid.
const ports = fc.subarray(['80:80', '127.0.0.1:80:1', '81:81']);
const who = fc.nat(7);

const steps = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), target, ports }),
  fc.record({ kind: fc.constant('update' as const), target, ports }),
  fc.record({ kind: fc.constant('delete' as const), target, whole: fc.boolean() }),
  fc.record({ kind: fc.constant('service' as const), service: fc.constantFrom(...services), active: fc.nat(1) }),
  fc.record({
    kind: fc.constant('status' as const),
    target,
    restarts: fc.nat(3),
    times: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant('event' as const), times: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('purge' as const), target }),
  fc.record({ kind: fc.constant('put' as const), target, ports, memoryMb: fc.integer({ min: 4, max: 6 }) }),
  fc.record({
    kind: fc.constant('join' as const),
    service: fc.option(fc.constantFrom(...services)),
    limit: fc.constantFrom(500, 1_048_576),
  }),
  fc.record({ kind: fc.constant('stall' as const), who }),
  fc.record({ kind: fc.constant('read' as const), who }),
  fc.record({ kind: fc.constant('cut' as const), who, characters: fc.nat(3_000) }),
  fc.record({ kind: fc.constant('return' as const), who }),
  fc.record({ kind: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('agent' as const) }),
);
/** So little that readers mostly have to go back to the feed, over many pages; or all that there is. */
const limits = fc.constantFrom({ page: 3, kept: 500 }, { page: 500, kept: 1_048_576 });
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/** One reader through all its connections. */
interface Reader {
  readonly fold: WatchFold;
  readonly service: string | null;
  readonly limit: number;
  connection: { readonly watch: Watch; readonly sink: TestSink } | null;
}

/** A registry, an agent's hub and whoever watches. */
class World {
  readonly #registry: Registry;
  readonly #foreign: Database.Database;
  readonly #readers: Reader[] = [];
  #hub: WatchHub;

  readonly #limits: WatchLimits;

  constructor(registry: Registry, path: string, limits: WatchLimits) {
    this.#registry = registry;
    this.#limits = limits;
    this.#foreign = new Database(path);
    this.#hub = this.#newHub();
  }

  async take(step: Step): Promise<void> {
    try {
      if (!(await this.#watchStep(step))) await this.#change(step);
    } catch (error) {
      // What the registry refuses changes nothing; a watch is never refused here.
      if (step.kind === 'join' || step.kind === 'return') throw error;
    }
  }

  async check(timeoutMs: number): Promise<void> {
    for (const reader of this.#readers) {
      reader.connection?.sink.resume();
      if (!isOpen(reader)) await this.#connect(reader);
    }
    const truth = await readTruth(this.#registry);
    for (const { fold, service } of this.#readers) {
      await eventually(() => expectKnown(fold, service, truth), {
        timeoutMs,
        describe: 'each reader knows everything',
      });
    }
  }

  async close(): Promise<void> {
    await this.#hub.close();
    this.#foreign.close();
  }

  #newHub(): WatchHub {
    return createWatchHub({ registry: this.#registry, clock: realClock, log: silence, limits: this.#limits });
  }

  async #connect(reader: Reader): Promise<void> {
    reader.fold.reconnect();
    const watch = await this.#hub.subscribe({ after: reader.fold.lastId, service: reader.service });
    const { fold } = reader;
    const sink = new TestSink((text) => {
      fold.push(text);
    }, reader.limit);
    reader.connection = { watch, sink };
    watch.start(sink);
  }

  /** True when the step was one of readers. */
  async #watchStep(step: Step): Promise<boolean> {
    switch (step.kind) {
      case 'join':
        await this.#join(step.service, step.limit);
        return true;
      case 'stall':
      case 'read':
      case 'cut':
      case 'return': {
        const reader = this.#readers[step.who % Math.max(1, this.#readers.length)];
        if (reader) await this.#readerStep(step, reader);
        return true;
      }
      case 'wait':
        for (let turn = 0; turn < step.turns; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
        return true;
      case 'agent':
        await this.#hub.close();
        this.#hub = this.#newHub();
        return true;
      default:
        return false;
    }
  }

  async #join(service: string | null, limit: number): Promise<void> {
    if (this.#readers.length >= 8) return;
    const reader: Reader = { fold: new WatchFold(), service, limit, connection: null };
    this.#readers.push(reader);
    await this.#connect(reader);
  }

  async #readerStep(step: Extract<Step, { who: number }>, reader: Reader): Promise<void> {
    const { connection } = reader;
    if (step.kind === 'stall') connection?.sink.pause();
    else if (step.kind === 'read') connection?.sink.resume();
    else if (step.kind === 'cut') {
      connection?.watch.end();
      connection?.sink.cut(step.characters);
      reader.connection = null;
    } else if (!isOpen(reader)) await this.#connect(reader);
  }

  async #change(step: Step): Promise<void> {
    const registry = this.#registry;
    switch (step.kind) {
      case 'insert':
        this.#sql('insert or ignore into services (name) values (?)', step.target.service);
        this.#sql(
          `insert or replace into components (service, name, image, ports) values (?, ?, 'i', ?)`,
          ...[step.target.service, step.target.component, JSON.stringify(step.ports)],
        );
        break;
      case 'update':
        this.#sql(
          'update components set ports = ? where service = ? and name = ?',
          ...[JSON.stringify(step.ports), step.target.service, step.target.component],
        );
        break;
      case 'delete':
        if (step.whole) this.#sql('delete from services where name = ?', step.target.service);
        else this.#sql('delete from components where name = ?', step.target.component);
        break;
      case 'service':
        this.#sql('update services set active = ? where name = ?', step.active, step.service);
        break;
      case 'status': {
        const event = { ...step.target, severity: 'info', reason: 'SeenAgain', message: 'seen' } as const;
        const status = { ...initialStatus, restarts: step.restarts };
        for (let time = 0; time < step.times; time += 1) {
          const next = { ...status, failures: time };
          await registry.updateStatus([{ key: step.target, generation: 1e9, status: next, events: [event] }], context);
        }
        break;
      }
      case 'event': {
        const event = {
          service: null,
          component: null,
          severity: 'info',
          reason: 'OrphanFound',
          message: 'x',
        } as const;
        await registry.addEvents(Array<typeof event>(step.times).fill(event), context);
        break;
      }
      case 'purge':
        await registry.purgeComponent(step.target, [], context);
        break;
      case 'put': {
        const spec = { ...componentDefaults, name: step.target.component, image: 'i', ports: step.ports };
        await registry.change(
          [
            { kind: 'put-service', name: step.target.service, node: 'local', active: true },
            {
              kind: 'put-component',
              service: step.target.service,
              spec: { ...spec, memoryMb: step.memoryMb },
              source: null,
            },
          ],
          context,
        );
        break;
      }
      default:
        break;
    }
  }

  #sql(text: string, ...values: readonly unknown[]): void {
    this.#foreign.prepare(text).run(...values);
  }
}

function isOpen({ connection }: Reader): boolean {
  return connection !== null && connection.sink.ended === undefined;
}

describe('watches', () => {
  test('tell everything once, in order, whatever happens to readers and agents', async () => {
    const story = fc.array(steps, { minLength: 20, maxLength: 60, size: 'max' });
    let timeoutMs = settled.firstMs;
    await fc.assert(
      fc.asyncProperty(story, limits, async (chosen, { page, kept }) => {
        const folder = mkdtempSync(join(tmpdir(), 'berth-model-'));
        const path = join(folder, 'registry.db');
        const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: true });
        const world = new World(registry, path, { page, kept });
        try {
          for (const step of chosen) await world.take(step);
          await world.check(timeoutMs);
        } catch (error) {
          timeoutMs = settled.againMs;
          throw error;
        } finally {
          await world.close();
          await registry.close();
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 60 },
    );
  });
});
