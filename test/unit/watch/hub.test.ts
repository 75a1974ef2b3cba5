/** What a reader is told: everything once, then whatever changes, in order; and where it may go on. */
import { describe, expect, it } from 'vitest';
import { formatWatchId } from '../../../src/api/http/watch/index.js';
import type { Registry } from '../../../src/core/ports/registry.js';
import { restoreRegistry, backupRegistry, retention } from '../../../src/registry/index.js';
import { eventually } from '../../support/eventually.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { openTemporary } from '../registry/support.js';
import {
  cli,
  counted,
  expectTold,
  hubOver,
  open,
  openWatched,
  put,
  putService,
  resume,
  shown,
  spec,
  stop,
  tell,
} from './support.js';

describe('a new watch', () => {
  it('is told each component once, then that this is all, then what changes', async () => {
    const { hub, registry } = await openWatched();
    const reader = await open(hub);
    await expectTold(registry, reader);
    expect(reader.fold.names).toEqual(['component', 'component', 'synced', 'beat']);
    const first = await tell(registry, 'api', { phase: 'running' });
    await expectTold(registry, reader);
    expect(reader.fold.names.slice(4).sort()).toEqual(['component', 'event']);
    expect(reader.fold.events).toEqual((await registry.events({})).map(({ revision }) => revision));
    expect(reader.fold.events[0]).toBeLessThanOrEqual(first);
  });

  it('is told what changes while a thousand components are put into words', async () => {
    const { registry } = await openWatched();
    for (let part = 0; part < 10; part += 1) {
      const specs = Array.from({ length: 100 }, (_, index) => put(`s${String(part)}`, spec(`c${String(index)}`)));
      await registry.change([putService(`s${String(part)}`), ...specs], cli);
    }
    const wrapped = counted(registry);
    let reads: number | undefined;
    wrapped.before.set('freshness', async () => {
      reads = wrapped.calls.get('feed') ?? 0;
    });
    const opening = open(hubOver(wrapped.registry));
    for (let round = 0; round < 5; round += 1) {
      await tell(registry, 'api', { restarts: round });
      // Others get their turn: the rows are put into words in slices.
      await new Promise((resolve) => void setImmediate(resolve));
    }
    await expectTold(registry, await opening);
    // The feed is followed from where that ended.
    expect(reads).toBe(0);
  });

  it('is told of definitions: the component as it is now, and that it changed', async () => {
    const { hub, registry } = await openWatched();
    const reader = await open(hub);
    await expectTold(registry, reader);
    const revision = await registry.change([put('shop', spec('api', { memoryMb: 96 }))], cli);
    await expectTold(registry, reader);
    expect(reader.fold.names.slice(4)).toEqual(['component', 'changed']);
    expect(reader.fold.changed).toEqual([revision]);
  });

  it('is told of all components of a service whose row changed', async () => {
    const { hub, registry } = await openWatched();
    const reader = await open(hub);
    await registry.change([putService('shop', false)], cli);
    await expectTold(registry, reader);
    expect([...reader.fold.components.values()].map(({ desired }) => desired)).toEqual(['stopped', 'stopped']);
  });

  it('is told of a component that is valid again by what another one says', async () => {
    const { hub, registry, sqlite } = await openWatched();
    await clash(registry, sqlite);
    const reader = await open(hub);
    await expectTold(registry, reader);
    expect(reader.fold.components.get('shop/web')?.phase).toBe('invalid');
    sqlite(`update components set ports = '[]' where name = 'api'`);
    await expectTold(registry, reader);
    expect(reader.fold.components.get('shop/web')?.phase).toBe('pending');
  });

  it('is told of a removal once its rows are gone', async () => {
    const { hub, registry } = await openWatched();
    const reader = await open(hub);
    const key = { service: 'shop', component: 'api' };
    await registry.change([{ kind: 'delete-component', key }], cli);
    await expectTold(registry, reader);
    expect(reader.fold.components.get('shop/api')?.desired).toBe('deleted');
    await registry.purgeComponent(key, [], cli);
    await expectTold(registry, reader);
    expect([...reader.fold.components.keys()]).toEqual(['shop/web']);
    expect(reader.fold.names).toContain('gone');
  });

  it('is told of what another program commits within 100 ms', async () => {
    const { hub, registry, sqlite } = await openWatched();
    const reader = await open(hub);
    await expectTold(registry, reader);
    let memoryMb = 100;
    const medianMs = async (): Promise<number | undefined> => {
      const lags: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        memoryMb += 1;
        sqlite(`update components set memory_mb = ${String(memoryMb)} where name = 'api'`);
        const committedMs = performance.now();
        const revision = await registry.revision();
        await eventually(() => reader.fold.revision === revision, { everyMs: 1 });
        lags.push(performance.now() - committedMs);
      }
      return lags.sort((a, b) => a - b)[2];
    };
    // The machine may be busy, for a while even too busy: the median of any five says what the agent does by itself.
    await eventually(async () => expect(await medianMs()).toBeLessThan(100));
  });

  it('says how old observations are', async () => {
    const { hub, registry } = await openWatched();
    await registry.setFreshness([{ driver: 'podman', lastGoodAtMs: Date.now() - 60_000, error: null, since: null }]);
    const texts: string[] = [];
    const watch = await hub.subscribe({ after: null, service: null });
    watch.start({
      send: (chunk) => texts.push(chunk) > 0,
      drained: () => Promise.resolve(),
      close: () => {},
    });
    await eventually(() => texts.join('').includes('event: beat'));
    const ages = [...texts.join('').matchAll(/"observedAgeMs":(\d+)/g)].map(([, age]) => Number(age));
    expect(ages).toHaveLength(2);
    for (const age of ages) expect(age).toBeGreaterThanOrEqual(60_000);
    expect(texts.join('')).toContain('"drivers":[{"name":"podman","lastGoodAt":"');
    await registry.setFreshness([{ driver: 'podman', lastGoodAtMs: 1, error: 'it hangs', since: 2 }]);
    await eventually(() => texts.join('').includes('"error":"it hangs"'));
    watch.end();
  });
});

describe('a filter', () => {
  it('passes what concerns one service alone', async () => {
    const { hub, registry } = await openWatched();
    await registry.change([putService('other'), put('other', spec('worker'))], cli);
    const reader = await open(hub, { service: 'other' });
    await tell(registry, 'api', { phase: 'running' });
    await registry.change([put('other', spec('worker', { memoryMb: 96 }))], cli);
    await registry.addEvents(
      [{ service: null, component: null, severity: 'info', reason: 'OrphanFound', message: 'of the home' }],
      cli,
    );
    const truth = await shown(registry, 'other');
    await eventually(() => {
      expect([...reader.fold.components]).toEqual([...truth]);
    });
    expect(reader.fold.events).toEqual([]);
    expect(reader.fold.changed).toHaveLength(1);
    expect(reader.fold.problems).toEqual([]);
  });
});

describe('a watch that goes on', () => {
  it('is told what it missed, and nothing twice', async () => {
    const { hub, registry } = await openWatched();
    const [steady, leaving] = [await open(hub), await open(hub)];
    await tell(registry, 'api', { phase: 'running' });
    await expectTold(registry, steady, leaving);
    leaving.watch.end();
    await tell(registry, 'web', { phase: 'running' });
    await registry.change([stop('api')], cli);
    await expectTold(registry, steady);
    const back = await resume(hub, leaving);
    await tell(registry, 'api', { phase: 'stopped' });
    await expectTold(registry, steady, back);
    expect(back.fold.events).toEqual(steady.fold.events);
    expect(back.fold.changed).toEqual(steady.fold.changed);
    expect(back.fold.names.filter((name) => name === 'synced')).toHaveLength(1);
  });

  it('goes on at another agent of the same history', async () => {
    const { hub, registry } = await openWatched();
    const reader = await open(hub);
    await tell(registry, 'api', { phase: 'running' });
    await expectTold(registry, reader);
    await hub.close();
    expect(reader.sink.ended).toBe('ended');
    await tell(registry, 'web', { phase: 'running' });
    await registry.change([put('shop', spec('late'))], cli);
    const back = await resume(hubOver(registry), reader);
    await expectTold(registry, back);
    expect(back.fold.events).toEqual((await registry.events({})).map(({ revision }) => revision));
  });

  it('learns of a component that is valid again since nobody watched', async () => {
    const { hub, registry, sqlite } = await openWatched();
    await clash(registry, sqlite);
    const reader = await open(hub);
    await expectTold(registry, reader);
    reader.watch.end();
    sqlite(`update components set ports = '[]' where name = 'api'`);
    await tell(registry, 'api', { phase: 'running' });
    await expectTold(registry, await resume(hub, reader));
  });

  it('learns of one that is valid again since longer ago than is kept', async () => {
    const { registry, sqlite } = await openWatched();
    await clash(registry, sqlite);
    const hub = hubOver(registry, { limits: { page: 3, kept: 1 } });
    const [steady, leaving] = [await open(hub), await open(hub)];
    await expectTold(registry, steady, leaving);
    leaving.watch.end();
    sqlite(`update components set ports = '[]' where name = 'api'`);
    for (let round = 0; round < 3; round += 1) {
      await expectTold(registry, steady);
      await tell(registry, 'api', { restarts: round });
    }
    await expectTold(registry, steady, await resume(hub, leaving));
  });

  it('learns of what changed while the first watch at another agent was being prepared', async () => {
    const { hub, registry, sqlite } = await openWatched();
    await clash(registry, sqlite);
    const reader = await open(hub);
    await expectTold(registry, reader);
    reader.watch.end();
    const wrapped = counted(registry);
    wrapped.before.set('revision', async () => {
      wrapped.before.set('components', async () => {
        await tell(registry, 'api', { phase: 'running' });
        sqlite(`update components set ports = '[]' where name = 'api'`);
      });
    });
    const back = await resume(hubOver(wrapped.registry), reader);
    await expectTold(registry, back);
    expect(back.fold.components.get('shop/web')?.phase).toBe('pending');
  });

  it('goes on over many pages of the feed', async () => {
    const { hub, registry } = await openWatched();
    const reader = await open(hub);
    await expectTold(registry, reader);
    reader.watch.end();
    for (let round = 0; round < 40; round += 1) {
      const events = Array.from({ length: 30 }, (_, index) => ({
        ...{ service: 'shop', component: 'api', severity: 'info', reason: 'Started' },
        message: `${String(round)}.${String(index)}`,
      })) as Parameters<typeof registry.addEvents>[0];
      await registry.addEvents(events, cli);
      await tell(registry, 'web', { restarts: round });
    }
    const back = await resume(hub, reader);
    await expectTold(registry, back);
    expect(back.fold.events).toHaveLength(40 * 31);
  });

  it('may begin at a revision that a change was answered with', async () => {
    const { hub, registry } = await openWatched();
    const steady = await open(hub);
    await expectTold(registry, steady);
    const revision = await registry.change([stop('api')], cli);
    // Perhaps the hub has not read it yet.
    const reader = await open(hub, { after: formatWatchId({ epoch: registry.epoch, revision }) });
    await tell(registry, 'api', { phase: 'stopped' });
    await expectTold(registry, steady);
    await eventually(() => reader.fold.events.length === 1);
    expect(reader.fold.changed).toEqual([]);
  });

  it.each(['', 'x', '1', 'other:1', 'other:-1', '∞:∞', `${'9'.repeat(400)}:1`])(
    'is refused with id %j',
    async (after) => {
      const { hub } = await openWatched();
      await expect(hub.subscribe({ after, service: null })).rejects.toMatchObject({ code: 'E_WATCH_GONE' });
      expect(hub.stats().watchers).toBe(0);
    },
  );

  it('is refused from a revision that is still to come', async () => {
    const { hub, registry } = await openWatched();
    const after = formatWatchId({ epoch: registry.epoch, revision: (await registry.revision()) + 1 });
    await expect(hub.subscribe({ after, service: null })).rejects.toMatchObject({ code: 'E_WATCH_GONE' });
  });

  it('is refused where history no longer reaches', async () => {
    const { registry } = await openTemporary({ retention: { ...retention, watchAgeMs: 0 } });
    await registry.change([putService('shop'), put('shop', spec('api'))], cli);
    const after = formatWatchId({ epoch: registry.epoch, revision: 1 });
    await tell(registry, 'api', { phase: 'running' });
    await registry.compact();
    const hub = hubOver(registry);
    await expect(hub.subscribe({ after, service: null })).rejects.toMatchObject({ code: 'E_WATCH_GONE' });
    await expectTold(registry, await open(hub));
  });

  it('is refused after a restore', async () => {
    const { registry, path } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('api'))], cli);
    const reader = await open(hubOver(registry));
    await expectTold(registry, reader);
    const backup = await backupRegistry({ path, clock: realClock });
    await registry.close();
    restoreRegistry({ path, backup, clock: realClock, chance: realChance, host: 'here', pid: process.pid });
    const { registry: restored } = await openTemporary({ path });
    const hub = hubOver(restored);
    await expect(hub.subscribe({ after: reader.fold.lastId, service: null })).rejects.toMatchObject({
      code: 'E_WATCH_GONE',
    });
  });

  it('ends when the registry has another epoch', async () => {
    const { registry } = await openWatched();
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry);
    const reader = await open(hub);
    await expectTold(registry, reader);
    wrapped.epoch = 'another';
    await tell(registry, 'api', { phase: 'running' });
    await eventually(() => reader.sink.ended === 'epoch');
    await expect(hub.subscribe({ after: reader.fold.lastId, service: null })).rejects.toMatchObject({
      code: 'E_WATCH_GONE',
    });
    reader.fold.startAnew();
    expect((await open(hub, { fold: reader.fold })).sink.ended).toBeUndefined();
  });
});

/** Makes `web` invalid, as its port is that of `api`: it is again what it was as soon as `api` has another. */
async function clash(registry: Registry, sqlite: (text: string) => string): Promise<void> {
  await registry.change([put('shop', spec('api', { ports: ['8080:80'] }))], cli);
  sqlite(`update components set ports = '["8080:81"]' where name = 'web'`);
}
