/**
 * The client of a home on this machine while an agent serves it: it asks the agent, and does what the agent does not
 * do on the registry file. The agent may end at any moment; no command fails for that.
 */
import { BerthError } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import type { BerthClient, EventOptions, LogsOptions, WaitOptions, WaitResult } from '../client.js';
import type { EventView, LogEntry } from '../views.js';
import { consoleOnward } from './home-console.js';
import { LogPlace } from './log-place.js';
import { isUnreachable } from './problems.js';

export interface HomeClientOptions {
  /** Does not reconnect. */
  readonly remote: BerthClient;
  /** Opens the registry file. */
  readonly openLocal: () => Promise<BerthClient>;
  readonly clock: Clock;
}

/** `close` closes both. */
export function createHomeClient({ remote, openLocal, clock }: HomeClientOptions): BerthClient {
  let opened: Promise<BerthClient> | undefined;
  const local = (): Promise<BerthClient> => (opened ??= openLocal());
  const otherwise =
    (isRefused: (error: unknown) => boolean) =>
    async <T>(call: (client: BerthClient) => Promise<T>): Promise<T> => {
      try {
        return await call(remote);
      } catch (error) {
        if (!isRefused(error)) throw error;
        return call(await local());
      }
    };
  /** May be done twice. */
  const safely = otherwise(isUnserved);
  /** Is done on the file only when the agent surely did not begin it. */
  const once = otherwise((error) => isUnreachable(error, false) || isLimited(error));
  return {
    plan: (options) => safely((client) => client.plan(options)),
    apply: (options) => safely((client) => client.apply(options)),
    planReplace: (options) => safely((client) => client.planReplace(options)),
    replace: (options) => once((client) => client.replace(options)),
    refresh: (target, note) => once((client) => client.refresh(target, note)),
    status: (filter) => safely((client) => client.status(filter)),
    watchStatus: (filter, signal) => goOn(remote, local, signal, (client) => client.watchStatus(filter, signal)),
    explain: (target) => safely((client) => client.explain(target)),
    usage: (target) => safely((client) => client.usage(target)),
    events: (options) => safely((client) => client.events(options)),
    followEvents: (options, signal) => eventsOnward({ remote, local, signal }, options),
    logs: (options, signal) => logsOnward({ remote, local, signal }, options),
    console: async (target, signal) => {
      const session = await safely((client) => client.console(target, signal));
      return consoleOnward(session, async () => (await local()).console(target, signal));
    },
    exec: (target, argv, signal) => once((client) => client.exec(target, argv, signal)),
    gc: (options, signal) => once((client) => client.gc(options, signal)),
    setDesired: (target, desired, note) => safely((client) => client.setDesired(target, desired, note)),
    restart: (target, note) => once((client) => client.restart(target, note)),
    delete: (target, note) => once((client) => client.delete(target, note)),
    deleteVolume: (service, volume, note) => once((client) => client.deleteVolume(service, volume, note)),
    history: (target, limit, before) => safely((client) => client.history(target, limit, before)),
    planRollback: (service, to) => safely((client) => client.planRollback(service, to)),
    rollback: (service, to, note) => once((client) => client.rollback(service, to, note)),
    // What is masked over HTTP is shown by the file, to whoever may read it.
    export: async (service, options = { reveal: false }) =>
      options.reveal ? (await local()).export(service, options) : safely((client) => client.export(service, options)),
    doctor: (options) => safely((client) => client.doctor(options)),
    waitFor: (options) => waitOnward({ remote, local, signal: options.signal }, options, clock),
    agent: () => safely((client) => client.agent()),
    names: () => safely((client) => client.names()),
    close: async () => {
      await remote.close();
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

interface Ways {
  readonly remote: BerthClient;
  readonly local: () => Promise<BerthClient>;
  readonly signal: AbortSignal;
}

/** Nobody answered, or not to so much at once. */
const isUnserved = (error: unknown): boolean => isUnreachable(error) || isLimited(error);

const isLimited = (error: unknown): boolean =>
  error instanceof BerthError && (error.code === 'E_TOO_LARGE' || error.code === 'E_TOO_MANY');

/** What the agent tells for as long as it serves, then what the file does. */
async function* goOn<T>(
  remote: BerthClient,
  local: () => Promise<BerthClient>,
  signal: AbortSignal,
  stream: (client: BerthClient) => AsyncIterable<T>,
): AsyncGenerator<T> {
  try {
    yield* stream(remote);
    return;
  } catch (error) {
    if (signal.aborted) return;
    if (!isUnserved(error)) throw error;
  }
  yield* stream(await local());
}

async function* eventsOnward({ remote, local, signal }: Ways, options: EventOptions): AsyncGenerator<EventView> {
  let last: number | null = null;
  const stream = (client: BerthClient): AsyncIterable<EventView> =>
    last === null
      ? client.followEvents(options, signal)
      : client.followEvents({ ...options, sinceMs: null, tail: null, after: last }, signal);
  for await (const event of goOn(remote, local, signal, stream)) {
    if (last !== null && event.revision <= last) continue;
    last = event.revision;
    yield event;
  }
}

async function* logsOnward({ remote, local, signal }: Ways, options: LogsOptions): AsyncGenerator<LogEntry> {
  const place = new LogPlace();
  const stream = (client: BerthClient): AsyncIterable<LogEntry> => client.logs(place.resume(options), signal);
  for await (const entry of goOn(remote, local, signal, stream)) if (place.accept(entry)) yield entry;
}

async function waitOnward({ remote, local }: Ways, options: WaitOptions, clock: Clock): Promise<WaitResult> {
  const deadlineMs = clock.monotonic() + options.timeoutMs;
  try {
    return await remote.waitFor(options);
  } catch (error) {
    if (!isUnserved(error)) throw error;
    const timeoutMs = Math.max(0, deadlineMs - clock.monotonic());
    return (await local()).waitFor({ ...options, timeoutMs });
  }
}
