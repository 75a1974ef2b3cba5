import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';
import { workloadName } from '../../../src/core/names.js';
import { agent, cli, feedAfter, openTemporary, put, putService, spec } from './support.js';
import { initialStatus } from '../../../src/core/status.js';

const web = { service: 'shop', component: 'web' };

/** Each column that a person may edit, another value for it, and how the log names it. */
const edits: readonly (readonly [column: string, value: string, inLog: string, logged: unknown])[] = [
  ['runtime', `'microvm'`, 'runtime', 'microvm'],
  ['memory_mb', '256', 'memory_mb', 256],
  ['vcpus', '2', 'vcpus', 2],
  ['image', `'localhost/other:2'`, 'image', 'localhost/other:2'],
  ['build', `'{"context":"/srv"}'`, 'build', { context: '/srv' }],
  ['pull', `'never'`, 'pull', 'never'],
  ['update_policy', `'auto'`, 'update', 'auto'],
  ['command', `'["a"]'`, 'command', ['a']],
  ['env', `'{"A":"1"}'`, 'env', { A: '1' }],
  ['env_file', `'["/e"]'`, 'env_file', ['/e']],
  ['secret_file', `'["/s"]'`, 'secret_file', ['/s']],
  ['ports', `'["80:80"]'`, 'ports', ['80:80']],
  ['volumes', `'["data:/data"]'`, 'volumes', ['data:/data']],
  ['files', `'["/www"]'`, 'files', ['/www']],
  ['user', `'1000'`, 'user', '1000'],
  ['restart', `'never'`, 'restart', 'never'],
  ['ready_timeout_s', '5', 'ready_timeout_s', 5],
  ['log_limit_mb', '6', 'log_limit_mb', 6],
  ['stop_timeout_s', '7', 'stop_timeout_s', 7],
  ['reconcile', `'observe'`, 'reconcile', 'observe'],
  ['depends_on', `'["db"]'`, 'depends_on', ['db']],
  ['health', `'{"tcp":true}'`, 'health', { tcp: true }],
  ['image_refresh', '1', 'image_refresh', 1],
];

const wishes: typeof edits = [
  ['desired', `'stopped'`, 'desired', 'stopped'],
  ['restart_token', '1', 'restart_token', 1],
  ['source', `'/srv/shop.toml'`, 'source', '/srv/shop.toml'],
  ['deleting_at', '5', 'deleting_at', 5],
];

describe("edits by Debian's sqlite3", () => {
  test('every column counts: revision, generation, log', async () => {
    const { registry, sqlite } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web')), put('shop', spec('db'))], cli);
    for (const [column, value, inLog, logged] of [...edits, ...wishes]) {
      const before = await registry.component(web);
      const revision = await registry.revision();
      sqlite(`update components set ${column} = ${value} where name = 'web'`);
      const after = await registry.component(web);
      expect(after?.revision, column).toBe(revision + 1);
      const isWish = wishes.some(([wish]) => wish === column);
      expect(after?.generation, column).toBe(isWish ? before?.generation : revision + 1);
      const [entry, ...rest] = await feedAfter(registry, revision);
      expect(rest).toEqual([]);
      expect(entry).toMatchObject({ entity: 'component', op: 'update', actor: 'sql', request: null, ...web });
      expect(entry?.after?.[inLog], column).toEqual(logged);
      expect(entry?.before?.[inLog], column).not.toEqual(logged);
      expect(Math.abs((entry?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
      sqlite(`update components set ${column} = ${value} where name = 'web'`);
      expect(await registry.revision(), `${column}, the same again`).toBe(revision + 1);
    }
  });

  test('the list above holds every column', async () => {
    const { sqlite } = await openTemporary();
    const columns = sqlite(`select name from pragma_table_xinfo('components')`).split('\n');
    const others = ['service', 'name', 'workload', 'generation', 'revision'];
    expect(columns.sort()).toEqual([...[...edits, ...wishes].map(([column]) => column), ...others].sort());
  });

  test('services count too', async () => {
    const { registry, sqlite } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    sqlite(`update services set active = 0`);
    expect(await registry.component(web)).toMatchObject({
      service: { active: false, revision: 3 },
      revision: 3,
      generation: 2,
    });
    const [entry] = await feedAfter(registry, 2);
    expect(entry).toMatchObject({ entity: 'service', before: { active: true }, after: { active: false } });
  });

  test('a bare insert makes the service and has every default', async () => {
    const { registry, sqlite } = await openTemporary();
    sqlite(`insert into components (service, name, image) values ('shop', 'web', 'localhost/test:1')`);
    expect(await registry.component(web)).toMatchObject({
      spec: spec('web'),
      invalid: null,
      generation: 2,
      source: null,
    });
    expect(await registry.services()).toMatchObject([{ name: 'shop', node: 'local', active: true, revision: 1 }]);
  });

  test.each([
    ['names', `insert into components (service, name, image) values ('shop', '../x', 'a')`],
    ['long names', `insert into components (service, name, image) values ('shop', '${'x'.repeat(32)}', 'a')`],
    ['zero bytes', `insert into components (service, name, image) values ('shop', 'a' || char(0) || 'b', 'a')`],
    ['zero bytes in JSON', `update components set env = '{}' || char(0) || 'x'`],
    ['spaces in images', `update components set image = 'a b'`],
    ['enums', `update components set runtime = 'vm'`],
    ['bounds', `update components set memory_mb = 3`],
    ['halves of a core for a VM', `update components set runtime = 'microvm', vcpus = 0.5`],
    ['types', `update components set memory_mb = 'much'`],
    ['broken JSON', `update components set env = '{'`],
    ['JSON of another shape', `update components set ports = '{}'`],
    ['nulls', `update components set env = null`],
    ['renames', `update components set name = 'other'`],
    ['renames of services', `pragma foreign_keys = off; update services set name = 'other'`],
    ['generations', `update components set generation = 1`],
    ['revisions', `update components set revision = 1`],
    ['workload names', `insert or replace into components (service, name, image) values ('shop-web', 'shop-web', 'a')`],
  ])('%s that could not be are refused', async (_what, text) => {
    const { registry, sqlite } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    const before = await registry.components();
    expect(() => sqlite(text)).toThrow();
    expect(await registry.revision()).toBe(2);
    expect(await registry.components()).toEqual(before);
  });

  test('Berth leaves no trace of its context behind', async () => {
    const { registry, sqlite } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    await registry.updateStatus([{ key: web, generation: 2, status: initialStatus, events: [] }], agent);
    expect(sqlite('select * from context')).toBe('1|||||0|||');
  });

  test('a commit of another program is noticed', async () => {
    const { registry, sqlite } = await openTemporary();
    let calls = 0;
    const stop = registry.watch(() => (calls += 1));
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    await eventually(() => calls === 1);
    sqlite(`update components set memory_mb = 99`);
    await eventually(() => calls === 2);
    stop();
    sqlite(`update components set memory_mb = 98`);
    expect((await registry.component(web))?.spec.memoryMb).toBe(98);
    expect(calls).toBe(2);
  });
});

test('a foreign commit is noticed within 100 ms of the clock, one of its own at once', async () => {
  const clock = createVirtualClock();
  const { registry, sqlite } = await openTemporary({ clock });
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  let calls = 0;
  const stop = registry.watch(() => (calls += 1));
  sqlite(`update components set memory_mb = 99`);
  await clock.advance(100);
  expect(calls).toBe(1);
  await registry.change([put('shop', spec('web'))], cli);
  await clock.flush();
  expect(calls).toBe(2);
  await clock.advance(1_000);
  expect(calls).toBe(2);
  stop();
  expect(clock.pendingTimers()).toBe(0);
});

describe.each([
  ['off', 'off'],
  ['off', 'on'],
  ['on', 'off'],
  ['on', 'on'],
])('with foreign keys %s and recursive triggers %s', (foreignKeys, recursive) => {
  const pragmas = `pragma foreign_keys = ${foreignKeys}; pragma recursive_triggers = ${recursive};`;

  test('REPLACE gives a new generation, and the log the row that was', async () => {
    const { registry, sqlite } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web', { memoryMb: 64 }))], cli);
    await registry.change([{ kind: 'request-restart', key: web }], cli);
    const before = await registry.revision();
    sqlite(`${pragmas} insert or replace into components (service, name, image) values ('shop', 'web', 'new:1')`);
    const after = await registry.component(web);
    expect(after).toMatchObject({ spec: { image: 'new:1', memoryMb: null }, restartToken: 1 });
    expect(after?.generation).toBeGreaterThan(before);
    const [entry] = await feedAfter(registry, before);
    expect(entry).toMatchObject({
      op: 'update',
      before: { image: 'localhost/test:1', memory_mb: 64, restart_token: 1 },
      after: { image: 'new:1', memory_mb: null },
    });
    sqlite(`${pragmas} insert or replace into services (name, active) values ('shop', 0)`);
    expect(await registry.component(web)).toMatchObject({ service: { active: false }, spec: { image: 'new:1' } });
  });

  test('DELETE of several rows marks each of them', async () => {
    const { registry, sqlite } = await openTemporary();
    const components = ['a', 'b', 'c'].map((name) => put('shop', spec(name)));
    await registry.change([putService('shop'), putService('other'), put('other', spec('x')), ...components], cli);
    sqlite(`${pragmas} delete from components where service = 'shop' and name <> 'c'`);
    const deleting = async (): Promise<readonly string[]> =>
      (await registry.components()).filter((record) => record.deleting).map((record) => record.workload);
    expect(await deleting()).toEqual(['shop-a', 'shop-b']);
    const revision = await registry.revision();
    sqlite(`${pragmas} delete from components where service = 'shop' and name <> 'c'`);
    expect(await registry.revision()).toBe(revision);
    sqlite(`${pragmas} delete from services`);
    expect(await deleting()).toEqual(['other-x', 'shop-a', 'shop-b', 'shop-c']);
    expect((await registry.services()).every((service) => service.deleting)).toBe(true);
    await registry.purgeComponent({ service: 'shop', component: 'b' }, [], agent);
    expect(await registry.components()).toHaveLength(3);
  });

  test('an insert that is ignored, and a DELETE after it', async () => {
    const { registry, sqlite } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    sqlite(`${pragmas} insert or ignore into components (service, name, image) values ('shop', 'web', 'x')`);
    expect(await registry.revision()).toBe(2);
    sqlite(`${pragmas} insert into components (service, name, image) values ('shop', 'web', 'y')
      on conflict (service, name) do update set image = excluded.image`);
    expect(await registry.component(web)).toMatchObject({ spec: { image: 'y' }, generation: 3, revision: 3 });
    sqlite(`${pragmas} delete from components`);
    expect(await registry.component(web)).toMatchObject({ deleting: true });
  });
});

test('an event by hand is told as such, whoever it says it is from', async () => {
  const { registry, sqlite } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const insert = "insert into events (actor, severity, reason, message) values ('agent', 'info', 'Forged', 'mine')";
  // Its number is the next one by luck when the last change was an event, too.
  for (let turn = 0; turn < 2; turn += 1) {
    await registry.addEvents(
      [{ service: null, component: null, severity: 'info', reason: 'Started', message: '', data: {} }],
      agent,
    );
    sqlite(insert);
    sqlite(insert);
  }
  const forged = sqlite("select distinct actor, at > 1700000000000 from events where reason = 'Forged'");
  expect(forged).toBe('sql|1');
  expect(sqlite("select distinct actor from events where reason = 'Started'")).toBe('agent');
  const [newest] = await registry.events({ limit: 1 });
  expect(newest?.revision).toBe(await registry.revision());
});

test('what got past the CHECKs is invalid, and spoils nothing else', async () => {
  const { registry, sqlite } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web')), put('shop', spec('db'))], cli);
  sqlite(`pragma ignore_check_constraints = on; drop trigger components_after_update;
    update components set env = '{', revision = (select revision from meta) where name = 'web'`);
  sqlite(
    `update meta set revision = revision + 1; update components set revision = (select revision from meta) where name = 'web'`,
  );
  const [db, broken] = await registry.components();
  expect(db).toMatchObject({ invalid: null });
  expect(broken).toMatchObject({ invalid: 'env is no JSON' });
});

test.each([
  ['a folder of the host', `runtime = 'microvm', volumes = '["/srv:/srv"]'`, 'a microvm cannot mount "/srv"'],
  ['a volume', `runtime = 'unikernel', volumes = '["data:/data"]'`, 'a unikernel cannot mount the volume "data"'],
  ['too little memory', `runtime = 'microvm', memory_mb = 8`, 'a microvm cannot boot in 8 MB'],
  ['an IPv6 address', `runtime = 'microvm', ports = '["[::1]:80:80"]'`, 'forwards IPv4 only'],
  ['a disk for a container', `image = 'file:/srv/a.img'`, 'a container cannot boot the disk image'],
  ['a relative path', `files = '["www"]'`, '"www" is no path of an image'],
  [
    'somebody else’s disk',
    `runtime = 'microvm', volumes = '["shared:/data"]'`,
    'shop/web mounts the volume "shared", which shop/db mounts already',
  ],
])('a virtual machine that cannot have %s is invalid', async (_what, assignment, message) => {
  const { registry, sqlite } = await openTemporary();
  const db = spec('db', { volumes: ['shared:/data'] });
  await registry.change([putService('shop'), put('shop', db), put('shop', spec('web'))], cli);
  sqlite(`update components set ${assignment} where name = 'web'`);
  expect((await registry.component(web))?.invalid).toContain(message);
  expect(await registry.component({ service: 'shop', component: 'db' })).toMatchObject({ invalid: null });
  sqlite(`update components set runtime = 'container', image = 'i', volumes = '["shared:/d:size_mb=64,ro"]', ports = '[]',
    files = '["/www"]' where name = 'web'`);
  expect((await registry.component(web))?.invalid).toBeNull();
});

test('the generated column is workloadName', async () => {
  const { registry } = await openTemporary();
  await registry.change(
    [putService('a'), put('a', spec('a')), put('a', spec('b-c')), putService('a-b'), put('a-b', spec('x'))],
    cli,
  );
  for (const { key, workload } of await registry.components()) {
    expect(workload).toBe(workloadName(key.service, key.component));
  }
});
