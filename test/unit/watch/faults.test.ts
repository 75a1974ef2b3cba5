/** What a registry that cannot be read does to watches. */
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { BerthError } from '../../../src/core/errors.js';
import { eventually } from '../../support/eventually.js';
import { counted, expectTold, hubOver, leapingClock, open, openWatched, resume, tell } from './support.js';

describe('a registry that cannot be read', () => {
  it('pauses watches, which then go on without a gap', async () => {
    const { registry } = await openWatched();
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry);
    const reader = await open(hub);
    await expectTold(registry, reader);
    let refused = 0;
    wrapped.fail = (method) => {
      if (method !== 'feed') return undefined;
      refused += 1;
      return new BerthError('E_REGISTRY_BUSY', 'somebody holds it');
    };
    await tell(registry, 'api', { restarts: 1 });
    await eventually(() => refused >= 2);
    await tell(registry, 'api', { restarts: 2 });
    wrapped.fail = undefined;
    await expectTold(registry, reader);
    expect(reader.fold.events).toHaveLength(2);
    expect(reader.sink.ended).toBeUndefined();
  });

  it('ends them when it lasts, and they go on where they were once it is well', async () => {
    const { registry } = await openWatched();
    const clock = leapingClock();
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry, { clock });
    const reader = await open(hub);
    await expectTold(registry, reader);
    wrapped.fail = (method) => (method === 'watch' ? undefined : new BerthError('E_REGISTRY_IO', 'the disk is away'));
    await tell(registry, 'api', { restarts: 1 });
    await eventually(() => (wrapped.calls.get('feed') ?? 0) >= 2);
    clock.leap(40_000);
    await eventually(() => reader.sink.ended === 'registry');
    await expect(hub.subscribe({ after: reader.fold.lastId, service: null })).rejects.toMatchObject({
      code: 'E_REGISTRY_IO',
    });
    wrapped.fail = undefined;
    const back = await resume(hub, reader);
    await expectTold(registry, back);
    expect(back.fold.events).toHaveLength(1);
  });

  it('ends them at once when it is damaged', async () => {
    const { registry } = await openWatched();
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry);
    const [reader, other] = [await open(hub), await open(hub, { service: 'shop' })];
    await expectTold(registry, reader);
    wrapped.fail = () => new BerthError('E_REGISTRY_CORRUPT', 'a page is torn');
    await tell(registry, 'api', { restarts: 1 });
    await eventually(() => reader.sink.ended === 'registry' && other.sink.ended === 'registry');
    expect(hub.stats().watchers).toBe(0);
  });

  it('refuses a new watch with its own error, and grants the next one', async () => {
    const { registry } = await openWatched();
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry);
    wrapped.fail = (method) =>
      method === 'components' ? new BerthError('E_REGISTRY_BUSY', 'somebody holds it') : undefined;
    const asked = [1, 2, 3].map(() => hub.subscribe({ after: null, service: null }));
    for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'E_REGISTRY_BUSY' });
    wrapped.fail = undefined;
    await expectTold(registry, await open(hub));
  });

  it('that somebody else is writing to is read all the same', async () => {
    const { hub, registry, path } = await openWatched();
    const foreign = new Database(path);
    try {
      const reader = await open(hub);
      await expectTold(registry, reader);
      foreign.exec(`begin immediate; update components set memory_mb = 77 where name = 'api'`);
      const second = await open(hub);
      await expectTold(registry, reader, second);
      foreign.exec('commit');
      await expectTold(registry, reader, second);
      expect(reader.fold.changed).toHaveLength(1);
    } finally {
      foreign.close();
    }
  });
});

describe('time', () => {
  it('brings a sign of life every five seconds, in one text for all', async () => {
    const { registry } = await openWatched();
    const clock = leapingClock();
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry, { clock });
    const readers = [await open(hub), await open(hub), await open(hub, { service: 'shop' })];
    await expectTold(registry, ...readers);
    const before = [...wrapped.calls];
    for (let round = 0; round < 3; round += 1) clock.leap(5_000);
    for (const { fold } of readers) {
      expect(fold.beats).toBe(4);
      expect(fold.problems).toEqual([]);
    }
    expect([...wrapped.calls]).toEqual(before);
  });

  it('ends a reader that joins and takes nothing for ten seconds', async () => {
    const { registry } = await openWatched();
    const clock = leapingClock();
    const hub = hubOver(registry, { clock });
    const reader = await open(hub, { paused: true });
    expect(reader.sink.ended).toBeUndefined();
    clock.leap(10_500);
    await eventually(() => reader.sink.ended === 'slow');
    expect(hub.stats()).toEqual({ watchers: 0, dropped: 1 });
  });
});

describe('an end', () => {
  it('of the hub ends all watches and refuses new ones for now', async () => {
    const { hub, registry } = await openWatched();
    const [reader, joining] = [await open(hub), await open(hub, { paused: true })];
    await expectTold(registry, reader);
    await hub.close();
    expect([reader.sink.ended, joining.sink.ended]).toEqual(['ended', 'ended']);
    await expect(hub.subscribe({ after: null, service: null })).rejects.toMatchObject({ code: 'E_REGISTRY_BUSY' });
  });

  it('of a watch that never began costs nothing', async () => {
    const { hub } = await openWatched();
    const watch = await hub.subscribe({ after: null, service: null });
    expect(hub.stats().watchers).toBe(1);
    watch.end();
    watch.end();
    watch.start({
      send: () => expect.fail('nothing is sent'),
      drained: () => Promise.resolve(),
      close: () => expect.fail('nothing is closed'),
    });
    expect(hub.stats()).toEqual({ watchers: 0, dropped: 0 });
  });
});
