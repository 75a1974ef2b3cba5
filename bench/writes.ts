/** Durable writes of the registry: each in a transaction of its own, on the disk when it returns. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Registry } from '../src/core/ports/registry.js';
import { openRegistry } from '../src/registry/index.js';
import { realChance, realClock } from '../test/support/real-clock.js';
import { median, medianRatio, percentile, timed, type Benchmark, type Measure, type RunOptions } from './harness.js';
import { benchContext, idle } from './real-core.js';

/** As many bytes as a row of the registry's components has, with its change log beside it or without. */
const rowBytes = 600;

/** The floor: one row in one table, by the same library, as durable. */
class BareTable {
  readonly #db: Database.Database;
  readonly #write: Database.Statement;
  #count = 0;

  constructor(path: string) {
    this.#db = new Database(path);
    this.#db.pragma('journal_mode = WAL');
    this.#db.pragma('synchronous = FULL');
    this.#db.exec('create table rows (id integer primary key, name text, content text) strict');
    this.#db.prepare('insert into rows values (1, ?, ?)').run('c', '');
    this.#write = this.#db.prepare('update rows set content = ? where id = 1');
  }

  write(): void {
    this.#count += 1;
    this.#write.run(String(this.#count).padEnd(rowBytes, 'x'));
  }

  close(): void {
    this.#db.close();
  }
}

/** The registry's own tables without triggers: what the change log and its revision cost. */
class Untriggered {
  readonly #db: Database.Database;
  readonly #write: Database.Statement;

  constructor(path: string) {
    this.#db = new Database(path);
    this.#db.pragma('synchronous = FULL');
    const triggers = this.#db.prepare("select name from sqlite_master where type = 'trigger'").all() as {
      name: string;
    }[];
    for (const { name } of triggers) this.#db.exec(`drop trigger "${name}"`);
    this.#write = this.#db.prepare(
      'update components set restart_token = restart_token + 1 where service = ? and name = ?',
    );
  }

  write(): void {
    this.#write.run('s', 'c');
  }

  close(): void {
    this.#db.close();
  }
}

const key = { service: 's', component: 'c' };

/** A registry of one component. */
async function openOne(path: string): Promise<Registry> {
  const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: true });
  await registry.change([{ kind: 'put-component', service: 's', spec: idle('c', 64), source: null }], benchContext);
  return registry;
}

interface Rates {
  readonly ours: number[];
  readonly bare: number[];
  readonly untriggered: number[];
  readonly together: number[];
  readonly lags: number[];
}

/** Writes a second, `count` one after another. */
async function rate(count: number, write: () => unknown): Promise<number> {
  const ms = await timed(async () => {
    for (let index = 0; index < count; index += 1) await write();
  });
  return count / (ms / 1_000);
}

async function measured(folder: string, { quick }: RunOptions): Promise<Rates> {
  const [rounds, count] = quick ? [5, 60] : [10, 500];
  await (await openOne(join(folder, 'untriggered.db'))).close();
  const [bare, untriggered] = [new BareTable(join(folder, 'bare.db')), new Untriggered(join(folder, 'untriggered.db'))];
  const registry = await openOne(join(folder, 'registry.db'));
  const rates: Rates = { ours: [], bare: [], untriggered: [], together: [], lags: [] };
  let notifiedMs = 0;
  const unwatch = registry.watch(() => (notifiedMs = performance.now()));
  const restart = (): Promise<number> => registry.change([{ kind: 'request-restart', key }], benchContext);
  try {
    for (let round = 0; round < rounds; round += 1) {
      rates.bare.push(await rate(count, () => bare.write()));
      rates.ours.push(
        await rate(count, async () => {
          const beganMs = performance.now();
          await restart();
          if (notifiedMs >= beganMs) rates.lags.push(notifiedMs - beganMs);
        }),
      );
      rates.untriggered.push(await rate(count, () => untriggered.write()));
      const tens = await rate(count / 10, () => Promise.all(Array.from({ length: 10 }, restart)));
      rates.together.push(tens * 10);
    }
    return rates;
  } finally {
    unwatch();
    await registry.close();
    bare.close();
    untriggered.close();
  }
}

function measuresOf(rates: Rates, { quick }: RunOptions): readonly Measure[] {
  const detail = `median of ${rates.ours.length} rounds in turns`;
  const ours = median(rates.ours);
  return [
    {
      what: 'durable writes, one after another',
      value: ours,
      unit: '/s',
      // How fast a disk flushes is not ours to promise where the machine is not ours.
      target: quick ? null : { atLeast: 2_000 },
      peer: {
        what: 'bare better-sqlite3',
        value: median(rates.bare),
        ratio: medianRatio(rates.ours, rates.bare),
        bound: { atLeast: 0.4 },
      },
      detail,
    },
    {
      what: '… against its tables without triggers',
      value: ours,
      unit: '/s',
      target: null,
      peer: {
        what: 'no change log',
        value: median(rates.untriggered),
        ratio: medianRatio(rates.ours, rates.untriggered),
        bound: { atLeast: 0.4 },
      },
      detail,
    },
    {
      what: 'durable writes, ten callers at once',
      value: median(rates.together),
      unit: '/s',
      target: null,
      peer: {
        what: 'one after another',
        value: ours,
        ratio: medianRatio(rates.together, rates.ours),
        bound: { atLeast: 1 },
      },
      detail: 'one flush serves all that wait',
    },
    {
      what: 'watch lag of the same process, p99',
      value: rates.lags.length === 0 ? Number.POSITIVE_INFINITY : percentile(rates.lags, 0.99),
      unit: 'ms',
      target: { atMost: 20 },
      detail: `from the begin of the write, its flush included; of ${rates.lags.length}`,
    },
  ];
}

export const registryWrites: Benchmark = {
  name: 'registry-writes',
  about: 'durable registry writes a second against bare better-sqlite3, as durable, in turns; the lag of a watch',
  quick: true,
  async run(options) {
    const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    try {
      return measuresOf(await measured(folder, options), options);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
