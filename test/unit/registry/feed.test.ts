import { describe, expect, test } from 'vitest';
import { initialStatus } from '../../../src/core/status.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import type { Registry } from '../../../src/core/ports/registry.js';
import { retention } from '../../../src/registry/index.js';
import { realClock } from '../../support/real-clock.js';
import { agent, cli, feedAfter, openTemporary, put, putService, spec } from './support.js';

const web = { service: 'shop', component: 'web' };
const dayMs = 86_400_000;

/** A wall clock that somebody sets, and time that passes all the same. */
class MovedClock implements Clock {
  wallMs = 0;
  passedMs = 0;

  now(): number {
    return realClock.now() + this.wallMs + this.passedMs;
  }

  monotonic(): number {
    return realClock.monotonic() + this.passedMs;
  }

  after(delayMs: number, run: () => void): () => void {
    return realClock.after(delayMs, run);
  }
}

async function openOn(clock: Clock, more: Parameters<typeof openTemporary>[0] = {}) {
  const opened = await openTemporary({ clock, ...more });
  await opened.registry.compact();
  return opened;
}

async function seeStatus(registry: Registry, restarts: number): Promise<number> {
  const status = { ...initialStatus, restarts, updatedAtMs: Date.now() };
  const event = { ...web, severity: 'info', reason: 'Started', message: `${restarts}` } as const;
  return registry.updateStatus([{ key: web, generation: 1_000, status, events: [event] }], agent);
}

test('a reader goes on where its last page ended', async () => {
  const { registry } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  for (const restarts of [1, 2, 3]) await seeStatus(registry, restarts);
  const whole = await feedAfter(registry, 0);
  expect(whole.map((entry) => entry.revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const pages = [];
  for (let cursor = 0; ;) {
    const page = await registry.feed(cursor, 3);
    if (page.kind === 'gap') throw new Error('gap');
    if (page.entries.length === 0) break;
    pages.push(...page.entries);
    cursor = page.revision;
  }
  expect(pages).toEqual(whole);
  expect(await registry.feed(99, 10)).toMatchObject({ kind: 'gap', revision: 8 });
});

test('a reader of specs passes over statuses and events, and page by page comes to the same end', async () => {
  const { registry } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  for (const restarts of [1, 2]) {
    await seeStatus(registry, restarts);
    await registry.change([{ kind: 'request-restart', key: web }], cli);
  }
  const whole = await feedAfter(registry, 0);
  const specs = whole.filter(({ entity }) => entity === 'service' || entity === 'component');
  expect(specs.length).toBeLessThan(whole.length);
  const pages = [];
  let cursor = 0;
  for (let ended = false; !ended;) {
    const page = await registry.feed(cursor, 2, 'specs');
    if (page.kind === 'gap') throw new Error('gap');
    pages.push(...page.entries);
    cursor = page.revision;
    ended = page.entries.length < 2;
  }
  expect(pages).toEqual(specs);
  expect(cursor).toBe(await registry.revision());
  await seeStatus(registry, 3);
  expect(await registry.feed(cursor, 2, 'specs')).toMatchObject({ entries: [], revision: await registry.revision() });
});

test('compaction keeps what its bounds promise, and the feed says where it begins', async () => {
  const bounds = { ...retention, eventCount: 2, watchCount: 3, historyCount: 3 };
  const { registry } = await openTemporary({ retention: bounds });
  await registry.change([putService('shop'), put('shop', spec('web')), put('shop', spec('db'))], cli);
  for (const memoryMb of [11, 12, 13, 14, 15]) await registry.change([put('shop', spec('web', { memoryMb }))], cli);
  for (const restarts of [1, 2, 3, 4]) await seeStatus(registry, restarts);
  const revision = await registry.revision();
  await registry.compact();
  expect(await registry.revision()).toBe(revision);
  expect(await registry.events({})).toHaveLength(2);
  const history = await registry.history({ service: 'shop' });
  expect(history.map((entry) => entry.revision)).toEqual([8, 7, 6, 3, 1]);
  expect(await registry.feed(0, 10)).toMatchObject({ kind: 'gap' });
  const read = await registry.feed(0, 10);
  const oldest = read.kind === 'gap' ? read.oldest : 0;
  expect((await feedAfter(registry, oldest)).map((entry) => entry.revision)).toEqual([13, 14, 15, 16]);
  const at = await registry.serviceAt('shop', 6);
  expect(at?.components).toEqual([spec('db'), spec('web', { memoryMb: 13 })]);
  await expect(registry.serviceAt('shop', 5)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  await registry.compact();
  expect(await registry.history({ service: 'shop' })).toEqual(history);
});

test('compaction by age', async () => {
  const clock = new MovedClock();
  const { registry, sqlite } = await openTemporary({ clock });
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  await seeStatus(registry, 1);
  const newest = await registry.change([put('shop', spec('web', { memoryMb: 64 }))], cli);
  const liveUntil = async (day: number): Promise<void> => {
    clock.passedMs = day * dayMs;
    await registry.compact();
  };
  for (const day of [0, 6]) await liveUntil(day);
  expect(await feedAfter(registry, 0)).toHaveLength(5);
  await liveUntil(8);
  expect(await registry.feed(2, 10)).toMatchObject({ kind: 'gap', oldest: 3 });
  expect(await registry.events({})).toHaveLength(1);
  await liveUntil(31);
  expect(await registry.events({})).toEqual([]);
  expect(await registry.history({ service: 'shop' })).toHaveLength(3);
  await liveUntil(366);
  expect(await registry.history({ service: 'shop' })).toHaveLength(2);
  expect(await registry.component(web)).toMatchObject({ spec: { memoryMb: 64 } });
  expect(await registry.serviceAt('shop', newest)).toMatchObject({ components: [spec('web', { memoryMb: 64 })] });
  await expect(registry.serviceAt('shop', newest - 1)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  sqlite(`insert or replace into components (service, name, image) values ('shop', 'web', 'b')`);
  expect((await registry.history({ service: 'shop' }))[0]).toMatchObject({ before: { memory_mb: 64 } });
});

test('what held a year ago can be gone back to, also when the change that ended it is young', async () => {
  const clock = new MovedClock();
  const { registry } = await openTemporary({ clock });
  await registry.change([putService('shop'), put('shop', spec('web', { memoryMb: 16 }))], cli);
  const held = await registry.change([put('shop', spec('web', { memoryMb: 32 }))], cli);
  await registry.compact();
  clock.passedMs = 300 * dayMs;
  await registry.change([put('shop', spec('web', { memoryMb: 64 }))], cli);
  await registry.compact();
  clock.passedMs = 366 * dayMs;
  await registry.compact();
  expect(await registry.serviceAt('shop', held)).toMatchObject({ components: [spec('web', { memoryMb: 32 })] });
  await expect(registry.serviceAt('shop', held - 1)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
});

test('of a service that was gone a year ago nothing stays', async () => {
  const clock = new MovedClock();
  const { registry } = await openTemporary({ clock });
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  await registry.change([{ kind: 'delete-service', name: 'shop' }], cli);
  await registry.purgeComponent(web, [], agent);
  const gone = await registry.revision();
  await registry.change([put('blog', spec('web'))], cli);
  for (const day of [0, 366]) {
    clock.passedMs = day * dayMs;
    await registry.compact();
  }
  expect(await registry.history({ service: 'shop' })).toEqual([]);
  await expect(registry.serviceAt('shop', gone)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  expect(await registry.serviceAt('shop', gone + 1)).toBeUndefined();
  expect(await registry.history({ service: 'blog' })).toHaveLength(2);
});

const yearMs = 365 * dayMs;

describe('a wall clock that is wrong costs no history', () => {
  async function filled(clock: Clock) {
    const opened = await openOn(clock);
    await opened.registry.change([putService('shop'), put('shop', spec('web'))], cli);
    await seeStatus(opened.registry, 1);
    await opened.registry.change([put('shop', spec('web', { memoryMb: 64 }))], cli);
    return { ...opened, revision: await opened.registry.revision() };
  }

  async function expectWhole(registry: Registry, revision: number): Promise<void> {
    const entries = await feedAfter(registry, 0);
    expect(entries.slice(0, revision).map((entry) => entry.revision)).toEqual(
      Array.from({ length: revision }, (_, index) => index + 1),
    );
    expect(await registry.serviceAt('shop', 2)).toMatchObject({ components: [spec('web')] });
  }

  test.each([yearMs * 70, 40 * dayMs, -40 * dayMs])('by %s ms, for a week', async (wallMs) => {
    const clock = new MovedClock();
    const { registry, revision } = await filled(clock);
    for (let day = 0; day < 7; day += 1) {
      clock.wallMs = wallMs;
      clock.passedMs = day * dayMs;
      await registry.compact();
      await seeStatus(registry, 2 + day);
    }
    clock.wallMs = 0;
    await registry.compact();
    await expectWhole(registry, revision);
  });

  test('from the first breath of an agent on', async () => {
    const clock = new MovedClock();
    const { registry, path, revision } = await filled(clock);
    await registry.close();
    clock.wallMs = 3 * yearMs;
    const { registry: next } = await openOn(clock, { path });
    clock.passedMs = 6 * dayMs;
    await next.compact();
    await expectWhole(next, revision);
  });

  test('and was behind when the entries were written', async () => {
    const clock = new MovedClock();
    clock.wallMs = -50 * yearMs;
    const { registry, revision } = await filled(clock);
    clock.wallMs = 0;
    await registry.compact();
    await expectWhole(registry, revision);
  });
});

test('days in which an agent ran are counted over its lives, and those in which none ran are not', async () => {
  const clock = new MovedClock();
  const { registry, path, sqlite } = await openOn(clock);
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  await seeStatus(registry, 1);
  await registry.close();
  for (let life = 0; life < 5; life += 1) {
    clock.passedMs += 100 * dayMs;
    const { registry: next } = await openTemporary({ clock, path });
    clock.passedMs += 2 * dayMs;
    await next.compact();
    await next.close();
  }
  expect(sqlite(`select ran_ms / ${dayMs}, (select count(*) from change_log where entity = 'status') from meta`)).toBe(
    '10|0',
  );
  expect(sqlite('select count(*) from events')).toBe('1');
  const { registry: last } = await openTemporary({ clock, path });
  for (let day = 0; day < 800; day += 10) {
    clock.passedMs += 10 * dayMs;
    await seeStatus(last, day);
    await last.compact();
  }
  // Marks that nobody asks for any more are gone.
  expect(Number(sqlite('select count(*) from running_marks'))).toBeLessThan(40);
  expect((await last.events({})).length).toBeLessThan(6);
});

test('one entry of a clock that was wrong costs no history', async () => {
  const { registry, sqlite } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  await seeStatus(registry, 1);
  await seeStatus(registry, 2);
  sqlite('update events set at = 0 where revision = (select max(revision) from events)');
  await registry.compact();
  expect(await registry.events({})).toHaveLength(2);
});

test('history and roll-back see each revision', async () => {
  const { registry, sqlite } = await openTemporary();
  const first = await registry.change([putService('shop'), put('shop', spec('web', { env: { A: '1' } }))], cli);
  sqlite(`update components set env = '{"A":"2"}'; delete from components`);
  const revision = await registry.revision();
  expect(await registry.serviceAt('shop', first)).toEqual({
    name: 'shop',
    node: 'local',
    active: true,
    components: [spec('web', { env: { A: '1' } })],
  });
  expect((await registry.serviceAt('shop', first + 1))?.components).toEqual([spec('web', { env: { A: '2' } })]);
  expect((await registry.serviceAt('shop', revision))?.components).toEqual([]);
  expect(await registry.serviceAt('shop', 0)).toBeUndefined();
  expect(await registry.serviceAt('other', revision)).toBeUndefined();
  const history = await registry.history({ service: 'shop', component: 'web', limit: 2 });
  expect(history.map((entry) => [entry.actor, entry.before?.['env'], entry.after?.['env']])).toEqual([
    ['sql', { A: '2' }, { A: '2' }],
    ['sql', { A: '1' }, { A: '2' }],
  ]);
});
