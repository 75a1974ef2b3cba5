/** A hub over a registry of its own, and readers that fold what they are told. */
import { expect, onTestFinished } from 'vitest';
import { createWatchHub, type Watch, type WatchHub, type WatchHubOptions } from '../../../src/api/http/watch/index.js';
import { defaultDriverNames, viewComponent } from '../../../src/api/status-view.js';
import type { ComponentView } from '../../../src/api/views.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import type { Log } from '../../../src/core/ports/log.js';
import type { Change, Registry } from '../../../src/core/ports/registry.js';
import { initialStatus, type ComponentStatus } from '../../../src/core/status.js';
import { eventually } from '../../support/eventually.js';
import { realClock } from '../../support/real-clock.js';
import { WatchFold, withoutAge } from '../../support/watch-fold.js';
import { TestSink } from '../../support/watch-sink.js';
import { agent, cli, openTemporary, put, putService, spec, type Opened } from '../registry/support.js';

export { agent, cli, put, putService, spec };

const nothing = (): void => {};
export const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export interface Reader {
  readonly fold: WatchFold;
  readonly sink: TestSink;
  readonly watch: Watch;
}

export interface Opening {
  readonly after?: string | null;
  readonly service?: string | null;
  /** Goes on with what an earlier connection was told. */
  readonly fold?: WatchFold;
  /** Stops reading before anything is sent. */
  readonly paused?: boolean;
  readonly limit?: number;
}

/** Opens a watch and begins to read it. */
export async function open(hub: WatchHub, opening: Opening = {}): Promise<Reader> {
  const fold = opening.fold ?? new WatchFold();
  const watch = await hub.subscribe({ after: opening.after ?? null, service: opening.service ?? null });
  const sink = new TestSink((text) => {
    fold.push(text);
  }, opening.limit);
  if (opening.paused === true) sink.pause();
  watch.start(sink);
  return { fold, sink, watch };
}

/** Goes on where a reader was cut off. */
export function resume(hub: WatchHub, { fold }: Reader, opening: Opening = {}): Promise<Reader> {
  fold.reconnect();
  return open(hub, { ...opening, after: fold.lastId, fold });
}

export interface Watched extends Opened {
  readonly hub: WatchHub;
}

export async function openWatched(options: Partial<WatchHubOptions> = {}): Promise<Watched> {
  const opened = await openTemporary();
  await opened.registry.change([putService('shop'), put('shop', spec('api')), put('shop', spec('web'))], cli);
  return { ...opened, hub: hubOver(opened.registry, options) };
}

export function hubOver(registry: Registry, options: Partial<WatchHubOptions> = {}): WatchHub {
  const hub = createWatchHub({ registry, clock: realClock, log: silence, ...options });
  onTestFinished(() => hub.close());
  return hub;
}

/** All components as a fresh look at the registry shows them. */
export async function shown(registry: Registry, service?: string): Promise<ReadonlyMap<string, ComponentView>> {
  const records = await registry.components(service === undefined ? {} : { service });
  const context = { nowMs: 0, freshness: [], driverNames: defaultDriverNames };
  return new Map(
    records.map((record) => [
      `${record.key.service}/${record.key.component}`,
      withoutAge(viewComponent(record, context)),
    ]),
  );
}

/** Waits until readers know what is in the registry, and nothing was wrong with how they were told. */
export async function expectTold(registry: Registry, ...readers: readonly Pick<Reader, 'fold'>[]): Promise<void> {
  const revision = await registry.revision();
  await eventually(
    async () => {
      const truth = await shown(registry);
      for (const { fold } of readers) {
        expect(fold.revision).toBe(revision);
        expect([...fold.components].sort()).toEqual([...truth].sort());
      }
    },
    { describe: 'readers know what is there' },
  );
  for (const { fold } of readers) expect(fold.problems).toEqual([]);
}

export const stop = (component: string, service = 'shop'): Change => ({
  kind: 'set-desired',
  key: { service, component },
  desired: 'stopped',
});

/** Writes a status with an event, as the agent does. */
export async function tell(registry: Registry, component: string, fields: Partial<ComponentStatus>): Promise<number> {
  const key = { service: 'shop', component };
  const event = { ...key, severity: 'info', reason: 'Started', message: `${component} was looked at` } as const;
  const status = { ...initialStatus, ...fields };
  return registry.updateStatus([{ key, generation: 1e9, status, events: [event] }], agent);
}

/** A registry that counts its calls, and fails them when told to. */
export function counted(registry: Registry): {
  readonly registry: Registry;
  readonly calls: Map<string, number>;
  fail: ((method: string) => Error | undefined) | undefined;
  /** What happens right before a call, once. */
  readonly before: Map<string, () => Promise<unknown>>;
  epoch: string | undefined;
} {
  const calls = new Map<string, number>();
  const wrapped: ReturnType<typeof counted> = {
    calls,
    before: new Map(),
    fail: undefined,
    epoch: undefined,
    registry: new Proxy(registry, {
      get(target, name) {
        if (name === 'epoch' && wrapped.epoch !== undefined) return wrapped.epoch;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]): unknown => {
          calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
          const failure = wrapped.fail?.(String(name));
          const call = (): unknown => (failure ? Promise.reject(failure) : Reflect.apply(value, target, args));
          const meanwhile = wrapped.before.get(String(name));
          wrapped.before.delete(String(name));
          return meanwhile === undefined ? call() : meanwhile().then(call);
        };
      },
    }),
  };
  return wrapped;
}

/** Real time, which leaps when told to: timers that are due by then fire. */
export function leapingClock(): Clock & { leap(ms: number): void } {
  let ahead = 0;
  const timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  return {
    now: () => realClock.now() + ahead,
    monotonic: () => realClock.monotonic() + ahead,
    after: (delayMs, run) => {
      const cancel = realClock.after(delayMs, () => {
        timer.fire();
      });
      const timer = {
        atMs: realClock.monotonic() + ahead + delayMs,
        fire: () => {
          cancel();
          if (timers.delete(timer)) run();
        },
      };
      timers.add(timer);
      return () => {
        timers.delete(timer);
        cancel();
      };
    },
    leap: (ms) => {
      ahead += ms;
      const nowMs = realClock.monotonic() + ahead;
      for (const timer of [...timers].sort((a, b) => a.atMs - b.atMs)) if (timer.atMs <= nowMs) timer.fire();
    },
  };
}
