/** Log lines of several components, merged; followed through restarts and replacements. */
import { BerthError, isBerthError } from '../core/errors.js';
import { formatKey, type ComponentKey } from '../core/names.js';
import type { LogLine } from '../core/ports/driver.js';
import type { ComponentRecord } from '../core/ports/registry.js';
import { Channel } from './channel.js';
import type { LogsOptions } from './client.js';
import type { DriversAtHand } from './drivers.js';
import { LogCursor } from './log-cursor.js';
import { pause, type LocalClientPorts } from './ports.js';
import { isoTime } from './status-view.js';
import { findTarget } from './targets.js';
import type { LogEntry } from './views.js';
import { watchCommits } from './wake.js';

/** Lines of a target, by time; with `follow` for as long as the components exist and the signal is silent. */
export async function* readLogs(
  ports: LocalClientPorts,
  drivers: DriversAtHand,
  options: LogsOptions,
  signal: AbortSignal,
): AsyncIterable<LogEntry> {
  const records = await findTarget(ports.registry, options.target);
  await drivers.all();
  if (options.follow) {
    yield* new LogFollower(ports, drivers, options, signal).lines();
    return;
  }
  const existing = records.filter((record) => record.status.nativeId !== null);
  if (existing.length === 0) throw noWorkload(records, options);
  yield* mergeByTime(existing.map((record) => readWorkload(drivers, record, options, signal)));
}

function noWorkload(records: readonly ComponentRecord[], options: LogsOptions): BerthError {
  const { service, component } = options.target;
  const name = component === null ? service : `${service}/${component}`;
  const [first] = records;
  const key = first === undefined ? name : formatKey(first.key);
  return new BerthError('E_WORKLOAD_MISSING', `${name} has no workload now, and so no log`, {
    suggestion: `see why with: berth explain ${key}`,
  });
}

function entryOf(key: ComponentKey, line: LogLine): LogEntry {
  return {
    service: key.service,
    component: key.component,
    at: isoTime(line.atMs),
    stream: line.stream,
    text: line.text,
  };
}

interface TimedEntry {
  readonly atMs: number | null;
  readonly entry: LogEntry;
}

async function* readWorkload(
  drivers: DriversAtHand,
  record: ComponentRecord,
  options: LogsOptions,
  signal: AbortSignal,
): AsyncGenerator<TimedEntry> {
  const { nativeId } = record.status;
  if (nativeId === null) return;
  const query = {
    ...(options.tail === null ? {} : { tail: options.tail }),
    ...(options.sinceMs === null ? {} : { sinceMs: options.sinceMs }),
  };
  try {
    const driver = await drivers.owning(record, nativeId, signal);
    for await (const line of driver.logs(nativeId, query, signal)) {
      yield { atMs: line.atMs, entry: entryOf(record.key, line) };
    }
  } catch (error) {
    if (!isBerthError(error, 'E_WORKLOAD_MISSING')) throw error;
  }
}

/** Earliest line first; a line without a time comes as soon as it is its component's turn. Lets go of all at the end. */
async function* mergeByTime(streams: readonly AsyncGenerator<TimedEntry>[]): AsyncIterable<LogEntry> {
  try {
    yield* mergeHeads(streams);
  } finally {
    await Promise.allSettled(streams.map((stream) => stream.return(undefined)));
  }
}

async function* mergeHeads(streams: readonly AsyncGenerator<TimedEntry>[]): AsyncIterable<LogEntry> {
  const heads = await Promise.all(streams.map(async (stream) => ({ stream, head: await stream.next() })));
  for (;;) {
    const open = heads.filter((candidate) => candidate.head.done !== true);
    const [first] = open;
    if (first === undefined) return;
    const timeOf = (candidate: (typeof open)[number]): number =>
      candidate.head.done === true ? Infinity : (candidate.head.value.atMs ?? 0);
    const next = open.reduce((best, candidate) => (timeOf(candidate) < timeOf(best) ? candidate : best), first);
    if (next.head.done !== true) yield next.head.value.entry;
    next.head = await next.stream.next();
  }
}

/** Pauses before a log that ended is asked again: its workload may be about to start once more. */
const resumeAfterMs = { first: 200, longest: 1_000 };
const channelCapacity = 1_000;

interface Follower {
  record: ComponentRecord;
  /** How far each workload's log was read, by native id. */
  readonly cursors: Map<string, LogCursor>;
  readonly reading: Set<string>;
  currentId: string | null;
}

/**
 * Follows every workload that a component's status names. Each is read on its own, so that the old one's
 * last lines still come while the new one's first are there already.
 */
class LogFollower {
  readonly #ports: LocalClientPorts;
  readonly #drivers: DriversAtHand;
  readonly #options: LogsOptions;
  readonly #stop = new AbortController();
  readonly #channel = new Channel<LogEntry>(channelCapacity);
  readonly #followers = new Map<string, Follower>();
  readonly #readers = new Set<Promise<void>>();

  constructor(ports: LocalClientPorts, drivers: DriversAtHand, options: LogsOptions, signal: AbortSignal) {
    this.#ports = ports;
    this.#drivers = drivers;
    this.#options = options;
    const stop = (): void => {
      this.#stop.abort();
      this.#channel.close();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  async *lines(): AsyncIterable<LogEntry> {
    const supervising = this.#supervise().then(
      () => this.#channel.close(),
      (error: unknown) => this.#channel.fail(error),
    );
    try {
      yield* this.#channel;
    } finally {
      this.#stop.abort();
      this.#channel.close();
      await supervising;
    }
  }

  async #supervise(): Promise<void> {
    const { registry, clock } = this.#ports;
    const { service, component } = this.#options.target;
    const { signal } = this.#stop;
    const wakeups = watchCommits(registry, clock, signal);
    try {
      while (!signal.aborted) {
        const records = await registry.components({ service });
        const wanted = records.filter((record) => component === null || record.key.component === component);
        for (const record of wanted) this.#look(record);
        const names = new Set(wanted.map((record) => formatKey(record.key)));
        for (const [name, follower] of this.#followers) if (!names.has(name)) follower.currentId = null;
        if (wanted.length === 0) break;
        await wakeups.next();
      }
      await Promise.all(this.#readers);
    } finally {
      wakeups.end();
    }
  }

  #look(record: ComponentRecord): void {
    const name = formatKey(record.key);
    let follower = this.#followers.get(name);
    if (follower === undefined) {
      follower = { record, cursors: new Map(), reading: new Set(), currentId: null };
      this.#followers.set(name, follower);
    }
    const id = record.status.nativeId;
    follower.record = record;
    follower.currentId = id;
    if (id === null || follower.reading.has(id)) return;
    follower.reading.add(id);
    const reader = this.#follow(follower, id).catch((error: unknown) => this.#channel.fail(error));
    this.#readers.add(reader);
    void reader.finally(() => this.#readers.delete(reader));
  }

  /** Reads one workload until it is another's turn, beginning where it left off. */
  async #follow(follower: Follower, id: string): Promise<void> {
    const { signal } = this.#stop;
    const first = follower.cursors.size === 0;
    const cursor = follower.cursors.get(id) ?? new LogCursor();
    follower.cursors.set(id, cursor);
    let beginning = first;
    let pauseMs = resumeAfterMs.first;
    for (;;) {
      const wasCurrent = follower.currentId === id;
      const found = await this.#readOnce(follower, id, cursor, beginning);
      beginning = false;
      if (signal.aborted || (!wasCurrent && follower.currentId !== id)) break;
      await pause(this.#ports.clock, pauseMs, signal);
      pauseMs = found ? resumeAfterMs.first : Math.min(pauseMs * 2, resumeAfterMs.longest);
    }
    follower.reading.delete(id);
  }

  /** True when there was a new line. */
  async #readOnce(follower: Follower, id: string, cursor: LogCursor, beginning: boolean): Promise<boolean> {
    let found = false;
    const { tail, sinceMs } = this.#options;
    const asked = {
      ...(tail === null ? {} : { tail }),
      ...(sinceMs === null ? {} : { sinceMs }),
    };
    const query = { follow: true, ...(beginning && cursor.sinceMs === null ? asked : cursor.query()) };
    const driver = await this.#drivers.owning(follower.record, id, this.#stop.signal);
    try {
      cursor.resume();
      for await (const line of driver.logs(id, query, this.#stop.signal)) {
        if (this.#stop.signal.aborted) return found;
        if (!cursor.accept(line)) continue;
        found = true;
        await this.#channel.push(entryOf(follower.record.key, line));
      }
    } catch (error) {
      const passing = isBerthError(error, 'E_WORKLOAD_MISSING', 'E_DRIVER_UNREACHABLE', 'E_DRIVER_TIMEOUT');
      if (!passing && !this.#stop.signal.aborted) throw error;
    }
    return found;
  }
}
