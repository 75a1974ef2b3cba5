import { expect, test } from 'vitest';
import { initialStatus } from '../../../src/core/status.js';
import type { Registry } from '../../../src/core/ports/registry.js';
import { retention } from '../../../src/registry/index.js';
import { agent, cli, feedAfter, openTemporary, put, putService, spec } from './support.js';

const web = { service: 'shop', component: 'web' };
const dayMs = 86_400_000;

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
  await registry.compact(Date.now());
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
  await registry.compact(Date.now());
  expect(await registry.history({ service: 'shop' })).toEqual(history);
});

test('compaction by age', async () => {
  const { registry, sqlite } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  await seeStatus(registry, 1);
  await registry.change([put('shop', spec('web', { memoryMb: 64 }))], cli);
  await registry.compact(Date.now() + 6 * dayMs);
  expect(await feedAfter(registry, 0)).toHaveLength(5);
  await registry.compact(Date.now() + 8 * dayMs);
  expect(await registry.feed(2, 10)).toMatchObject({ kind: 'gap', oldest: 3 });
  expect(await registry.events({})).toHaveLength(1);
  await registry.compact(Date.now() + 31 * dayMs);
  expect(await registry.events({})).toEqual([]);
  expect(await registry.history({ service: 'shop' })).toHaveLength(3);
  await registry.compact(Date.now() + 366 * dayMs);
  expect(await registry.history({ service: 'shop' })).toHaveLength(2);
  expect(await registry.component(web)).toMatchObject({ spec: { memoryMb: 64 } });
  sqlite(`insert or replace into components (service, name, image) values ('shop', 'web', 'b')`);
  expect((await registry.history({ service: 'shop' }))[0]).toMatchObject({ before: { memory_mb: 64 } });
});

test('one entry of a clock that was wrong costs no history', async () => {
  const { registry, sqlite } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  await seeStatus(registry, 1);
  await seeStatus(registry, 2);
  sqlite('update events set at = 0 where revision = (select max(revision) from events)');
  await registry.compact(Date.now());
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
