/** Events and history that are more than one answer holds: the same by the registry file and over the API. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BerthClient, EventOptions } from '../../../src/api/client.js';
import { createLocalClient } from '../../../src/api/local-client.js';
import { pagesBack } from '../../../src/api/pages-back.js';
import { createRemoteClient } from '../../../src/api/remote/remote-client.js';
import { createTransport } from '../../../src/api/remote/transport.js';
import type { EventView } from '../../../src/api/views.js';
import type { NewEvent } from '../../../src/core/event.js';
import { createDefinitionReader, nodeFiles } from '../../../src/definition/index.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { startBench, up } from '../api-http/support.js';
import { take } from './fake-agent.js';

const reader = () => Promise.resolve(createDefinitionReader({ files: nodeFiles() }));
const shop = { service: 'shop', component: null };
const all: EventOptions = { target: null, sinceMs: null, tail: null };

/** Events of one look, each third a warning. */
const eventsOf = (component: string, count: number): readonly NewEvent[] =>
  Array.from({ length: count }, (_, at) => ({
    ...{ service: 'shop', component, reason: 'Started', message: `${component} ${at}` },
    severity: at % 3 === 0 ? 'warning' : 'info',
  }));

async function world() {
  const bench = await startBench();
  await bench.applyShop();
  const local = createLocalClient({
    ...{ registry: bench.registry, reader, clock: realClock, chance: realChance, actor: 'cli:tester' },
    agentHolder: () => Promise.resolve(null),
  });
  const transport = await createTransport(
    { kind: 'socket', path: bench.server.address.socket!, actor: 'x' },
    realClock,
  );
  const remote = createRemoteClient({ transport, reader, clock: realClock, reconnect: true, callDeadlineMs: 10_000 });
  onTestFinished(() => remote.close());
  return { bench, ways: [local, remote] as const };
}

const numbers = (events: readonly { readonly revision: number }[]) => events.map(({ revision }) => revision);

describe('pages', () => {
  const read = (items: readonly number[]) => (limit: number, before: number | null) =>
    Promise.resolve(
      items
        .filter((revision) => before === null || revision < before)
        .slice(-limit)
        .map((revision) => ({ revision })),
    );

  test.each([
    [0, null, 0],
    [999, null, 999],
    [1_000, null, 1_000],
    [1_001, null, 1_001],
    [3_000, null, 3_000],
    [3_000, 1_000, 1_000],
    [3_000, 2_500, 2_500],
    [500, 2_500, 500],
    [500, 0, 0],
  ])('of %i items, when %s are asked for', async (there, count, told) => {
    const items = Array.from({ length: there }, (_, at) => at * 7 + 1);
    const pages = await pagesBack(read(items), count);
    expect(numbers(pages.toReversed().flat())).toEqual(items.slice(items.length - told));
    for (const page of pages) expect(page.length).toBeLessThanOrEqual(1_000);
  });
});

describe('more than a thousand', () => {
  test('events are told whole, by file and over the API', async () => {
    const { bench, ways } = await world();
    await bench.observe('shop/web', up, eventsOf('web', 1_700));
    await bench.observe('shop/db', up, eventsOf('db', 900));
    const newest = (await ways[0].events({ ...all, tail: 1 }))[0]!;
    const asked: readonly (readonly [EventOptions, number])[] = [
      [all, 2_600],
      [{ ...all, tail: 2_000 }, 2_000],
      [{ ...all, tail: 0 }, 0],
      [{ ...all, sinceMs: 1 }, 2_600],
      [{ ...all, target: { service: 'shop', component: 'web' } }, 1_700],
      [{ ...all, severity: 'warning' }, 867],
      [{ ...all, after: newest.revision - 600 }, 600],
      [{ ...all, after: 0 }, 2_600],
      [{ ...all, before: newest.revision - 600 }, 1_999],
      [{ ...all, before: newest.revision, after: newest.revision - 10 }, 9],
    ];
    for (const [options, count] of asked) {
      const [byFile, overApi] = [await ways[0].events(options), await ways[1].events(options)];
      expect([options, byFile.length]).toEqual([options, count]);
      expect(numbers(byFile)).toEqual([...numbers(byFile)].sort((a, b) => a - b));
      expect(overApi).toEqual(byFile);
    }
    for (const way of ways) {
      const unknown = way.events({ ...all, target: { service: 'shpo', component: null } });
      await expect(unknown).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    }
  });

  test('events that come at once are followed without a gap', async () => {
    const { bench, ways } = await world();
    const stop = new AbortController();
    const followed = ways.map((way: BerthClient) =>
      way.followEvents({ ...all, tail: 5 }, stop.signal)[Symbol.asyncIterator](),
    );
    await bench.observe('shop/web', up, eventsOf('web', 1));
    const first = await Promise.all(followed.map((events) => take(events, 1)));
    expect(first.map((events) => events[0]?.message)).toEqual(['web 0', 'web 0']);
    const next = followed.map((events) => take<EventView>(events, 2_500));
    await bench.observe('shop/web', up, eventsOf('web', 2_500));
    for (const events of await Promise.all(next)) {
      expect(events.map(({ message }) => message)).toEqual(eventsOf('web', 2_500).map(({ message }) => message));
    }
    stop.abort();
  });

  test('changes of a definition are told whole, newest first', async () => {
    const { ways } = await world();
    for (let count = 0; count < 1_100; count += 1) {
      await ways[0].setDesired({ service: 'shop', component: 'web' }, count % 2 === 0 ? 'stopped' : 'running', {
        message: null,
      });
    }
    for (const [limit, told] of [
      [5_000, 1_103],
      [1_050, 1_050],
      [3, 3],
    ] as const) {
      const [byFile, overApi] = [await ways[0].history(shop, limit), await ways[1].history(shop, limit)];
      expect(byFile).toHaveLength(told);
      expect(numbers(byFile)).toEqual([...numbers(byFile)].sort((a, b) => b - a));
      expect(overApi).toEqual(byFile);
    }
    await expect(ways[1].history({ service: 'shpo', component: null }, 2_000)).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
  });
});
