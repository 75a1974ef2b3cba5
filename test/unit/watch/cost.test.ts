/** What many readers cost, and what becomes of those who do not read. */
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/core/ports/registry.js';
import { eventually } from '../../support/eventually.js';
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
  tell,
} from './support.js';

const readers = 200;

describe('two hundred readers', () => {
  it('cost one listener, one read of the feed and one wording a change', async () => {
    const { registry } = await openWatched();
    const wrapped = counted(registry);
    let worded = 0;
    const { viewComponent, viewEvent } = await import('../../../src/api/status-view.js');
    const hub = hubOver(wrapped.registry, {
      views: {
        component: (...given) => {
          worded += 1;
          return viewComponent(...given);
        },
        event: (event) => {
          worded += 1;
          return viewEvent(event);
        },
      },
    });
    const all = await Promise.all(
      Array.from({ length: readers }, (_, index) => open(hub, { service: index % 2 === 0 ? null : 'shop' })),
    );
    await expectTold(registry, ...all);
    expect(wrapped.calls.get('watch')).toBe(1);
    // Of the snapshot: each component once, for all readers.
    expect(worded).toBe(2);
    const changes = 5;
    const before = wrapped.calls.get('feed') ?? 0;
    for (let round = 0; round < changes; round += 1) {
      await tell(registry, 'api', { restarts: round + 1 });
      await expectTold(registry, ...all);
    }
    // Once for the commit; the poll of the file may see it as well, and finds nothing more.
    const reads = (wrapped.calls.get('feed') ?? 0) - before;
    expect(reads).toBeGreaterThanOrEqual(changes);
    expect(reads).toBeLessThanOrEqual(2 * changes);
    expect(wrapped.calls.get('components') ?? 0).toBe(2);
    expect(worded).toBe(2 + 2 * changes);
    for (const reader of all) reader.watch.end();
    expect(hub.stats()).toEqual({ watchers: 0, dropped: 0 });
    const after = wrapped.calls.get('feed') ?? 0;
    await tell(registry, 'api', { restarts: 99 });
    expect(wrapped.calls.get('feed') ?? 0).toBe(after);
  });

  it('share a read when they come back together', async () => {
    const { registry } = await openWatched();
    const first = hubOver(registry);
    const all = await Promise.all(Array.from({ length: readers }, () => open(first)));
    await expectTold(registry, ...all);
    await first.close();
    await tell(registry, 'api', { restarts: 1 });
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry);
    const back = await Promise.all(all.map((reader) => resume(hub, reader)));
    await expectTold(registry, ...back);
    const ofFeed = wrapped.calls.get('feed') ?? 0;
    // Each asks once whether it may come back, and once whether definitions changed; what there is to tell is read once.
    expect(ofFeed).toBeLessThanOrEqual(2 * readers + 5);
  });
});

describe('a slow reader', () => {
  it('is dropped, and the others are told at once', async () => {
    const { hub, registry } = await openWatched();
    const [quick, slow] = [await open(hub), await open(hub, { limit: 2_000 })];
    await expectTold(registry, quick, slow);
    slow.sink.pause();
    for (let round = 0; round < 20; round += 1) {
      await tell(registry, 'api', { restarts: round });
      await expectTold(registry, quick);
    }
    expect(slow.sink.ended).toBe('slow');
    expect(hub.stats()).toEqual({ watchers: 1, dropped: 1 });
    slow.sink.cut(1_234);
    const back = await resume(hub, slow);
    await expectTold(registry, quick, back);
    expect(back.fold.events).toEqual(quick.fold.events);
  });

  it('keeps nobody else from joining, and joins at its own pace', async () => {
    const { registry } = await openTemporary();
    const count = 1_000;
    await fill(registry, count);
    const hub = hubOver(registry);
    const slow = await open(hub, { paused: true, limit: 1_000 });
    const quick = await open(hub);
    await expectTold(registry, quick);
    await registry.change([put('s0', spec('c1', { memoryMb: 99 }))], cli);
    await expectTold(registry, quick);
    // Of some hundred thousand characters it was given one piece, and waits.
    expect(slow.sink.sent).toBeLessThan(100_000);
    expect(slow.sink.ended).toBeUndefined();
    slow.sink.resume();
    await expectTold(registry, slow, quick);
    expect(slow.fold.names.filter((name) => name === 'component').length).toBeLessThan(count + 10);
  });
});

describe('ten thousand components', () => {
  it('are put into words once for all who join', async () => {
    const { registry } = await openTemporary();
    await fill(registry, 10_000);
    const wrapped = counted(registry);
    const hub = hubOver(wrapped.registry);
    const all = await Promise.all(Array.from({ length: 20 }, () => open(hub)));
    const truth = await shown(registry);
    await eventually(
      () => {
        for (const { fold } of all) expect(fold.synced).toBe(true);
      },
      { timeoutMs: 20_000 },
    );
    for (const { fold } of all) {
      expect(fold.components.size).toBe(10_000);
      expect(fold.problems).toEqual([]);
    }
    expect([...(all[0]?.fold.components ?? [])]).toEqual([...truth]);
    expect(wrapped.calls.get('components')).toBe(2);
  });
});

async function fill(registry: Awaited<ReturnType<typeof openTemporary>>['registry'], count: number): Promise<void> {
  const perService = 200;
  for (let from = 0; from < count; from += perService) {
    const service = `s${String(from / perService)}`;
    const changes: Change[] = [putService(service)];
    for (let index = from; index < Math.min(count, from + perService); index += 1) {
      changes.push(put(service, spec(`c${String(index)}`)));
    }
    await registry.change(changes, cli);
  }
}
