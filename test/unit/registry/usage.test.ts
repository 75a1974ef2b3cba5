import { expect, onTestFinished, test } from 'vitest';
import { mergeBuckets, usageStepMs, type ComponentBucket } from '../../../src/core/usage.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import { realClock } from '../../support/real-clock.js';
import { agent, cli, openTemporary, put, putService, spec } from './support.js';

const web = { service: 'shop', component: 'web' };
const db = { service: 'shop', component: 'db' };
const dayMs = 86_400_000;

/** Starts at the beginning of a step. */
function settable(): Clock & { atMs: number } {
  return { ...realClock, atMs: usageStepMs * 5_000_000, now: () => 0 };
}

function bucket(atMs: number, more: Partial<ComponentBucket> = {}): ComponentBucket {
  return { key: web, atMs, memoryBytes: 1_000, memoryPeakBytes: 2_000, cpuPercent: 5, samples: 10, ...more };
}

async function opened() {
  const clock = settable();
  clock.now = () => clock.atMs;
  const opening = await openTemporary({ clock });
  await opening.registry.change([putService('shop'), put('shop', spec('web')), put('shop', spec('db'))], cli);
  return { ...opening, clock };
}

test('what was used is read back in order, each component by itself, and tells nobody', async () => {
  const { registry, clock, path } = await opened();
  const revision = await registry.revision();
  const step = clock.atMs;
  await registry.addUsage([bucket(step), bucket(step - usageStepMs, { cpuPercent: null }), bucket(step, { key: db })]);
  expect((await registry.usage(web)).map(({ atMs, cpuPercent }) => [atMs, cpuPercent])).toEqual([
    [step - usageStepMs, null],
    [step, 5],
  ]);
  expect(await registry.usage(db)).toHaveLength(1);
  expect(await registry.revision()).toBe(revision);
  expect(await registry.feed(revision, 10)).toMatchObject({ kind: 'changes', entries: [] });
  const again = await openTemporary({ path, clock });
  expect(await again.registry.usage(web)).toHaveLength(2);
});

test('a step that is written twice counts as often as was looked', async () => {
  const { registry, clock } = await opened();
  const one = bucket(clock.atMs, { memoryBytes: 100, memoryPeakBytes: 300, cpuPercent: 10, samples: 1 });
  const other = bucket(clock.atMs, { memoryBytes: 200, memoryPeakBytes: 250, cpuPercent: 40, samples: 3 });
  await registry.addUsage([one]);
  await registry.addUsage([other]);
  const merged = mergeBuckets(one, other);
  expect(merged).toEqual({ atMs: clock.atMs, memoryBytes: 175, memoryPeakBytes: 300, cpuPercent: 32.5, samples: 4 });
  expect(await registry.usage(web)).toEqual([merged]);
});

test.each([
  [null, 8, 8],
  [8, null, 8],
  [null, null, null],
])('processor time of %s and of %s is %s', async (first, second, both) => {
  const { registry, clock } = await opened();
  const [one, other] = [bucket(clock.atMs, { cpuPercent: first }), bucket(clock.atMs, { cpuPercent: second })];
  await registry.addUsage([one]);
  await registry.addUsage([other]);
  expect(await registry.usage(web)).toMatchObject([{ cpuPercent: both, samples: 20 }]);
  expect(mergeBuckets(one, other).cpuPercent).toBe(both);
});

/** As many steps as a day has, and the one under way. */
const fullDay = dayMs / usageStepMs + 1;

/** A day of looks, one write a step. */
async function liveADay({ registry, clock }: Awaited<ReturnType<typeof opened>>): Promise<void> {
  for (let step = 0; step < fullDay; step += 1) {
    if (step > 0) clock.atMs += usageStepMs;
    await registry.addUsage([bucket(clock.atMs)]);
  }
}

const stepsOf = (sqlite: (text: string) => string): number => Number(sqlite('select count(distinct at) from usage'));

test('what is older than a day is not read, and goes when newer figures take its place', async () => {
  const home = await opened();
  const { registry, clock, sqlite } = home;
  await registry.addUsage([bucket(clock.atMs), bucket(clock.atMs, { key: db })]);
  clock.atMs += 7 * dayMs;
  expect(await registry.usage(web)).toEqual([]);
  await liveADay(home);
  expect(stepsOf(sqlite)).toBe(fullDay + 1);
  clock.atMs += usageStepMs;
  await registry.addUsage([bucket(clock.atMs)]);
  expect(await registry.usage(db)).toEqual([]);
  expect(sqlite(`select count(*) from usage where component = 'db'`)).toBe('0');
  for (let step = 0; step < 10; step += 1) {
    clock.atMs += usageStepMs;
    await registry.addUsage([bucket(clock.atMs)]);
  }
  expect(await registry.usage(web)).toHaveLength(fullDay);
  expect(stepsOf(sqlite)).toBeLessThanOrEqual(fullDay + 1);
});

test('a clock that is ahead for an hour costs the hour of figures that ends in that time, and no more', async () => {
  const home = await opened();
  const { registry, clock, sqlite } = home;
  await liveADay(home);
  const startMs = clock.atMs;
  const stepsAnHour = 3_600_000 / usageStepMs;
  for (let step = 1; step <= stepsAnHour; step += 1) {
    clock.atMs = startMs + 3 * 365 * dayMs + step * usageStepMs;
    await registry.addUsage([bucket(clock.atMs)]);
  }
  clock.atMs = startMs + (stepsAnHour + 1) * usageStepMs;
  await registry.addUsage([bucket(clock.atMs)]);
  // What is missing is the hour itself, which was written down under another date.
  expect(await registry.usage(web)).toHaveLength(fullDay - stepsAnHour);
  expect(stepsOf(sqlite)).toBeLessThanOrEqual(fullDay + stepsAnHour + 1);
});

test('figures of many are added and dropped in transactions of some hundred rows', async () => {
  const { registry, clock, sqlite } = await opened();
  const many = Array.from({ length: 1_200 }, (_, at) => put('many', spec(`c${String(at)}`)));
  await registry.change(many, cli);
  const all = (atMs: number) =>
    many.map((_, at) => bucket(atMs, { key: { service: 'many', component: `c${String(at)}` } }));
  await registry.addUsage(all(clock.atMs));
  expect(sqlite('select count(*) from usage')).toBe('1200');
  for (let step = 1; step < fullDay; step += 1) {
    await registry.addUsage([bucket(clock.atMs + step * usageStepMs)]);
  }
  clock.atMs += fullDay * usageStepMs;
  await registry.addUsage([bucket(clock.atMs)]);
  let commits = 0;
  const unwatch = registry.watch(() => (commits += 1));
  onTestFinished(unwatch);
  await registry.addUsage(all(clock.atMs));
  // Two steps go, of which one has a row for each, and one row.
  expect(commits).toBeGreaterThanOrEqual(6);
  expect(await registry.usage({ service: 'many', component: 'c1199' })).toHaveLength(1);
  expect(sqlite(`select count(*) from usage where service = 'many'`)).toBe('1200');
});

test('a clock that is behind for a while costs nothing', async () => {
  const { registry, clock } = await opened();
  await registry.addUsage([bucket(clock.atMs)]);
  clock.atMs -= 30 * dayMs;
  await registry.addUsage([bucket(clock.atMs, { key: db })]);
  clock.atMs += 30 * dayMs;
  expect(await registry.usage(web)).toHaveLength(1);
});

test.each([
  'pragma recursive_triggers = on; pragma foreign_keys = on;',
  'pragma recursive_triggers = off; pragma foreign_keys = off;',
])('it stays when a component is changed or replaced, and goes with it: %s', async (pragmas) => {
  const { registry, clock, sqlite } = await opened();
  await registry.addUsage([bucket(clock.atMs), bucket(clock.atMs, { key: db })]);
  await registry.change([put('shop', spec('web', { runtime: 'microvm', memoryMb: 256 }))], cli);
  sqlite(`${pragmas} insert or replace into components (service, name, image) values ('shop', 'web', 'new:1')`);
  expect(await registry.usage(web)).toHaveLength(1);
  await registry.change([{ kind: 'delete-component', key: web }], cli);
  expect(await registry.usage(web)).toHaveLength(1);
  await registry.purgeComponent(web, [], agent);
  expect(await registry.usage(web)).toEqual([]);
  expect(await registry.usage(db)).toHaveLength(1);
});

test('all of it goes with a component, also what clocks that were behind and ahead wrote', async () => {
  const { registry, clock, sqlite } = await opened();
  for (const afterMs of [0, 300 * dayMs, usageStepMs, -400 * dayMs]) {
    await registry.addUsage([bucket(clock.atMs + afterMs), bucket(clock.atMs + afterMs, { key: db })]);
  }
  await registry.change([{ kind: 'delete-component', key: web }], cli);
  await registry.purgeComponent(web, [], agent);
  expect(sqlite('select component, count(*) from usage group by component')).toBe('db|4');
});

test('who is no more gets none', async () => {
  const { registry, clock, sqlite } = await opened();
  await registry.addUsage([bucket(clock.atMs, { key: { service: 'shop', component: 'ghost' } }), bucket(clock.atMs)]);
  expect(sqlite('select component from usage')).toBe('web');
});
