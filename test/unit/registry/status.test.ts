import { expect, onTestFinished, test } from 'vitest';
import { initialStatus, type ComponentStatus } from '../../../src/core/status.js';
import { openRegistry } from '../../../src/registry/index.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { agent, cli, feedAfter, openTemporary, put, putService, spec } from './support.js';

const web = { service: 'shop', component: 'web' };

const running: ComponentStatus = {
  ...initialStatus,
  phase: 'running',
  observed: 'running',
  ready: true,
  observedGeneration: 2,
  observedRevision: 2,
  reason: 'Running',
  message: 'it runs',
  nativeId: 'abc',
  startedAtMs: 1_000,
  drift: [{ field: 'state', desired: 'a', observed: 'b', sinceMs: 1, evidence: 'c', action: 'd' }],
  heals: { state: [1, 2] },
  imageDigest: 'sha256:1',
  imagePinKey: 'k',
  goodSpec: '{}',
  updatedAtMs: 5,
};
const started = { ...web, severity: 'info', reason: 'Started', message: 'it started', data: { id: 'abc' } } as const;

test('status and events are read back, and logged in order', async () => {
  const { registry } = await openTemporary();
  const generation = await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const revision = await registry.updateStatus([{ key: web, generation, status: running, events: [started] }], agent);
  expect(revision).toBe(generation + 2);
  expect(await registry.component(web)).toMatchObject({ status: running, generation, revision: generation });
  const [first, second] = await feedAfter(registry, generation);
  expect(first).toMatchObject({ entity: 'status', op: 'insert', actor: 'agent', ...web, after: { phase: 'running' } });
  expect(second).toMatchObject({ entity: 'event', ...web, after: { reason: 'Started', data: { id: 'abc' } } });
  expect(await registry.events({})).toMatchObject([{ ...started, revision, actor: 'agent' }]);
});

test('what says nothing new writes nothing', async () => {
  const { registry, sqlite } = await openTemporary();
  const generation = await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const revision = await registry.updateStatus([{ key: web, generation, status: running, events: [] }], agent);
  const version = sqlite('select count(*) from change_log');
  const later = { ...running, updatedAtMs: 99 };
  expect(await registry.updateStatus([{ key: web, generation, status: later, events: [] }], agent)).toBe(revision);
  expect(sqlite('select count(*) from change_log')).toBe(version);
  expect((await registry.component(web))?.status.updatedAtMs).toBe(5);
});

test('a status of an older generation overwrites nothing', async () => {
  const { registry } = await openTemporary();
  const old = await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const revision = await registry.change([put('shop', spec('web', { memoryMb: 64 }))], cli);
  await registry.updateStatus([{ key: web, generation: old, status: running, events: [started] }], agent);
  expect(await registry.revision()).toBe(revision);
  expect((await registry.component(web))?.status).toEqual(initialStatus);
  const ghost = { service: 'shop', component: 'ghost' };
  await registry.updateStatus([{ key: ghost, generation: 99, status: running, events: [started] }], agent);
  expect(await registry.revision()).toBe(revision);
});

test('who wrote a status reads the same as who reads the file', async () => {
  const { registry, path, sqlite } = await openTemporary();
  const other = await openRegistry({ path, clock: realClock, chance: realChance });
  onTestFinished(() => other.close());
  const db = { service: 'shop', component: 'db' };
  const generation = await registry.change(
    [putService('shop'), put('shop', spec('web')), put('shop', spec('db'))],
    cli,
  );
  const write = (key: typeof web, status: Partial<ComponentStatus>): Promise<number> =>
    registry.updateStatus([{ key, generation, status: { ...running, ...status }, events: [started] }], agent);
  const check = async (): Promise<void> => {
    const read = await registry.components();
    expect(read).toEqual(await other.components());
    const inFile = Number(sqlite('select revision from meta'));
    expect(await registry.revision()).toBe(inFile);
  };

  await registry.components();
  await write(web, { message: 'half a pair: \ud83d', heals: { b: [2], a: [1] } });
  expect((await registry.component(web))?.status).toMatchObject({ message: 'half a pair: \ufffd', ready: true });
  await check();
  // Several at once share a transaction, also with a user's edit between them.
  await Promise.all([write(web, { restarts: 1 }), write(db, { restarts: 2 }), write(web, { restarts: 3 })]);
  expect((await registry.component(web))?.status.restarts).toBe(3);
  await check();
  await Promise.all([
    write(web, { restarts: 4 }),
    registry.change([{ kind: 'set-desired', key: db, desired: 'stopped' }], cli),
    write(db, { restarts: 5 }),
  ]);
  expect(await registry.component(db)).toMatchObject({ desired: 'stopped', status: { restarts: 5 } });
  await check();
  // Somebody else edits the file before the next write.
  sqlite("update components set restart_token = 1 where name = 'db'");
  await write(web, { restarts: 6 });
  expect(await registry.component(db)).toMatchObject({ restartToken: 1 });
  await check();
  // Of one that fails, nothing stays.
  await expect(write(web, { restarts: Number.NaN })).rejects.toThrow();
  expect((await registry.component(web))?.status.restarts).toBe(6);
  await check();
});

test('a status outlives a REPLACE and ends with its component', async () => {
  const { registry, sqlite } = await openTemporary();
  const generation = await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  await registry.updateStatus([{ key: web, generation, status: running, events: [] }], agent);
  sqlite(`insert or replace into components (service, name, image) values ('shop', 'web', 'b')`);
  expect((await registry.component(web))?.status).toEqual(running);
  await registry.change([{ kind: 'delete-service', name: 'shop' }], cli);
  await registry.purgeComponent(web, [], agent);
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  expect((await registry.component(web))?.status).toEqual(initialStatus);
});

test('events are asked for by service, component, severity, time and revision', async () => {
  const { registry } = await openTemporary();
  const generation = await registry.change(
    [putService('shop'), put('shop', spec('web')), put('shop', spec('db'))],
    cli,
  );
  const db = { service: 'shop', component: 'db' };
  for (const [key, severity] of [
    [web, 'info'],
    [db, 'warning'],
    [web, 'error'],
  ] as const) {
    await registry.updateStatus([{ key, generation, events: [{ ...started, ...key, severity }] }], agent);
  }
  const severities = async (query: Parameters<typeof registry.events>[0]): Promise<readonly string[]> =>
    (await registry.events(query)).map((event) => event.severity);
  expect(await severities({})).toEqual(['info', 'warning', 'error']);
  expect(await severities({ limit: 2 })).toEqual(['warning', 'error']);
  expect(await severities({ service: 'shop', component: 'web' })).toEqual(['info', 'error']);
  expect(await severities({ minSeverity: 'warning' })).toEqual(['warning', 'error']);
  expect(await severities({ afterRevision: generation + 1 })).toEqual(['warning', 'error']);
  expect(await severities({ sinceMs: Date.now() + 60_000 })).toEqual([]);
});

test('bookkeeping raises no revision', async () => {
  const { registry } = await openTemporary();
  const object = {
    kind: 'container',
    driver: 'podman',
    name: 'shop-web',
    service: 'shop',
    component: 'web',
    generation: 1,
  } as const;
  const [id = 0] = await registry.recordIntents([object]);
  expect(await registry.recordIntents([object, { ...object, name: 'other' }])).toEqual([id, id + 1]);
  await registry.setNativeId(id, 'abc');
  expect(await registry.ledger()).toMatchObject([
    { ...object, id, nativeId: 'abc' },
    { id: id + 1, nativeId: null },
  ]);
  await registry.recordIntents([
    { ...object, name: 'shop-db', component: 'db' },
    { ...object, kind: 'network', name: 'shop', component: null },
  ]);
  expect(await registry.ledger(web)).toMatchObject([
    { id, name: 'shop-web' },
    { id: id + 1, name: 'other' },
  ]);
  await registry.forget((await registry.ledger()).slice(2).map((item) => item.id));
  await registry.forget([id]);
  expect(await registry.ledger()).toHaveLength(1);
  const row = { driver: 'podman', lastGoodAtMs: 5, error: null, since: null };
  await registry.setFreshness([row]);
  await registry.setFreshness([{ ...row, error: 'no answer', since: 6 }]);
  expect(await registry.freshness()).toEqual([{ ...row, error: 'no answer', since: 6 }]);
  await registry.change([{ kind: 'delete-volume', service: 'shop', volume: 'data' }], cli);
  expect(await registry.volumesToRemove()).toEqual([{ service: 'shop', volume: 'data' }]);
  expect(await registry.revision()).toBe(0);
  await registry.volumeRemoved('shop', 'data', [started], agent);
  expect(await registry.volumesToRemove()).toEqual([]);
  expect(await registry.events({})).toMatchObject([started]);
});

test('a workload keeps its row of the ledger when another is made under its first name', async () => {
  const { registry } = await openTemporary();
  const next = {
    kind: 'container',
    driver: 'podman',
    name: 'shop-web.next',
    service: 'shop',
    component: 'web',
    generation: 1,
  } as const;
  const [first = 0] = await registry.recordIntents([next]);
  expect(await registry.recordIntents([next]), 'the same intent, told again').toEqual([first]);
  await registry.setNativeId(first, 'abc');
  const [second = 0] = await registry.recordIntents([next]);
  await registry.setNativeId(second, 'def');
  expect((await registry.ledger()).map((row) => row.nativeId)).toEqual(['abc', 'def']);
  await registry.forget([second]);
  expect((await registry.ledger()).map((row) => row.nativeId)).toEqual(['abc']);
});

test('what drivers hold of a volume is kept as it is set, and goes with the volume', async () => {
  const { registry } = await openTemporary();
  const data = { service: 'shop', volume: 'data' };
  const current = { driver: 'podman', state: 'current', copiedFor: null } as const;
  const copy = { driver: 'qemu', state: 'copy', copiedFor: 'abc' } as const;
  await registry.setVolumeHolders(data, [current, copy]);
  await registry.setVolumeHolders({ ...data, volume: 'other' }, [current]);
  expect(await registry.volumeHolders()).toEqual([
    { ...data, ...current },
    { ...data, ...copy },
    { ...data, volume: 'other', ...current },
  ]);
  await expect(registry.setVolumeHolders(data, [current, { ...copy, state: 'current' }])).rejects.toThrow();
  await expect(registry.setVolumeHolders(data, [current, { ...current, driver: 'qemu' }])).rejects.toThrow();
  expect(await registry.volumeHolders(), 'what was refused left nothing').toHaveLength(3);
  expect(await registry.revision()).toBe(0);
  await registry.volumeRemoved('shop', 'data', [], agent);
  expect(await registry.volumeHolders()).toEqual([{ ...data, volume: 'other', ...current }]);
});
