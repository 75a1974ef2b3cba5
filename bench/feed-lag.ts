/** From an edit to the reader of the change feed, in this process and from another one, against etcd's watch. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaNode } from 'execa';
import type { Registry } from '../src/core/ports/registry.js';
import { openRegistry } from '../src/registry/index.js';
import { eventually } from '../test/support/eventually.js';
import { realChance, realClock } from '../test/support/real-clock.js';
import { sharedNowMs } from './cpu.js';
import { hasEtcd, startEtcd } from './etcd.js';
import { median, medianRatio, percentile, type Benchmark, type Measure, type RunOptions } from './harness.js';
import { benchContext, idle } from './real-core.js';

interface Told {
  readonly issuedMs: number;
  readonly acknowledgedMs: number;
}

interface Lags {
  /** From the call of the write until its change was read. */
  readonly issued: number[];
  /** From the answer to the write; below zero: the change was read before. */
  readonly acknowledged: number[];
}

const noLags = (): Lags => ({ issued: [], acknowledged: [] });

/** One writer and its watcher. */
interface Course {
  write(round: number): Promise<Told>;
  /** When the change of the last write was read; undefined: not yet. */
  seenMs(): number | undefined;
  forget(): void;
}

/** Follows the feed as the controller does. */
function follow(registry: Registry, revision: number): Pick<Course, 'seenMs' | 'forget'> & { stop(): void } {
  let seenMs: number | undefined;
  let cursor = revision;
  const stop = registry.watch(() => {
    void (async () => {
      const page = await registry.feed(cursor, 500);
      if (page.kind === 'changes' && page.entries.some(({ entity }) => entity === 'component'))
        seenMs ??= sharedNowMs();
      cursor = Math.max(cursor, page.revision);
    })();
  });
  return {
    stop,
    seenMs: () => seenMs,
    forget: () => {
      seenMs = undefined;
    },
  };
}

async function measureOnce(course: Course, round: number, lags: Lags): Promise<void> {
  course.forget();
  const told = await course.write(round);
  await eventually(() => course.seenMs() !== undefined, { timeoutMs: 10_000, everyMs: 1, describe: 'the change' });
  const seenMs = course.seenMs() ?? Number.NaN;
  lags.issued.push(seenMs - told.issuedMs);
  lags.acknowledged.push(seenMs - told.acknowledgedMs);
}

async function timedWrite(write: () => Promise<unknown>): Promise<Told> {
  const issuedMs = sharedNowMs();
  await write();
  return { issuedMs, acknowledgedMs: sharedNowMs() };
}

/** Starts a process that edits the same registry. */
async function startWriter(path: string): Promise<Pick<Course, 'write'> & { stop(): Promise<void> }> {
  const child = execaNode(join(import.meta.dirname, 'feed-writer.js'), [path], {
    ipc: true,
    reject: false,
    cleanup: true,
  });
  await child.getOneMessage();
  return {
    write: async (round) => {
      const answer = child.getOneMessage();
      await child.sendMessage(64 + (round % 2));
      return (await answer) as unknown as Told;
    },
    stop: async () => {
      child.disconnect();
      await child;
    },
  };
}

interface Measured {
  readonly own: Lags;
  readonly foreign: Lags;
  readonly etcd: Lags | null;
}

async function measured(folder: string, rounds: number, withEtcd: boolean): Promise<Measured> {
  const path = join(folder, 'registry.db');
  const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: true });
  const edit = (memoryMb: number): Promise<number> =>
    registry.change([{ kind: 'put-component', service: 's', spec: idle('c', memoryMb), source: null }], benchContext);
  const reader = follow(registry, await edit(16));
  const writer = await startWriter(path);
  const etcd = withEtcd ? await startEtcd() : null;
  let etcdSeenMs: number | undefined;
  await etcd?.watch('c', () => {
    etcdSeenMs ??= sharedNowMs();
  });
  const own: Course = { ...reader, write: (round) => timedWrite(() => edit(32 + (round % 2))) };
  const foreign: Course = { ...reader, write: writer.write };
  const value = JSON.stringify(idle('c', 64));
  const peer: Course | null = etcd && {
    write: (round) => timedWrite(() => etcd.put('c', `${value}${round}`)),
    seenMs: () => etcdSeenMs,
    forget: () => {
      etcdSeenMs = undefined;
    },
  };
  const lags = { own: noLags(), foreign: noLags(), etcd: peer && noLags() };
  try {
    for (let round = 0; round < rounds; round += 1) {
      await measureOnce(own, round, lags.own);
      await measureOnce(foreign, round, lags.foreign);
      if (peer && lags.etcd) await measureOnce(peer, round, lags.etcd);
    }
    return lags;
  } finally {
    reader.stop();
    await writer.stop();
    await etcd?.close();
    await registry.close();
  }
}

interface Row {
  readonly what: string;
  readonly lags: Lags;
  /** Of the ratio. */
  readonly bound: number | null;
  readonly p99: number;
}

function measuresOf({ own, foreign, etcd }: Measured): readonly Measure[] {
  const rows: readonly Row[] = [
    { what: 'edit → feed, same process', lags: own, bound: 1.5, p99: 20 },
    // A poll of 20 ms stands between two processes, whatever the disk takes; etcd's watch is told by its own server.
    { what: 'edit → feed, another process', lags: foreign, bound: null, p99: 100 },
  ];
  const peerOf = (value: (lags: Lags) => number) =>
    etcd ? { peer: { what: "etcd's watch", value: value(etcd) } } : {};
  return rows.flatMap(({ what, lags, bound, p99 }): readonly Measure[] => {
    const detail = `from the call; of ${lags.issued.length}`;
    const first = peerOf(({ issued }) => median(issued)).peer;
    const ratio = etcd && medianRatio(lags.issued, etcd.issued);
    return [
      {
        what: `${what}, median`,
        value: median(lags.issued),
        unit: 'ms',
        target: null,
        ...(first && ratio !== null
          ? { peer: { ...first, ratio, ...(bound === null ? {} : { bound: { atMost: bound } }) } }
          : {}),
        detail: etcd ? detail : `${detail}; etcd is not installed`,
      },
      {
        what: `${what}, p99`,
        value: percentile(lags.issued, 0.99),
        unit: 'ms',
        target: { atMost: p99 },
        ...peerOf(({ issued }) => percentile(issued, 0.99)),
        detail,
      },
      {
        what: `${what}, after the answer, median`,
        value: median(lags.acknowledged),
        unit: 'ms',
        target: null,
        detail: etcd ? `etcd's watch: ${median(etcd.acknowledged).toPrecision(2)} ms` : '',
      },
    ];
  });
}

export const feedLag: Benchmark = {
  name: 'feed-lag',
  about:
    "a durable edit until a reader of the change feed has it, from this process and another, against etcd's watch, in turns",
  quick: true,
  async run({ quick }: RunOptions) {
    const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    try {
      const present = await hasEtcd();
      if (!present && !quick) throw new Error('etcd is missing: apt-get install --no-install-recommends etcd-server');
      return measuresOf(await measured(folder, quick ? 40 : 300, present));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
