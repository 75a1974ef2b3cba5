import { describe, expect, test } from 'vitest';
import { initialStatus } from '../../../src/core/status.js';
import { agent, cli, feedAfter, openTemporary, put, putService, spec } from './support.js';

const web = { service: 'shop', component: 'web' };

describe('changes of specs', () => {
  test('a component knows who waits for it, whatever comes, goes and changes its mind', async () => {
    const { registry, sqlite } = await openTemporary();
    const dependents = async (component: string): Promise<readonly string[] | undefined> =>
      (await registry.component({ service: 'shop', component }))?.dependents;
    await registry.change(
      [putService('shop'), putService('bank'), put('shop', spec('db')), put('bank', spec('db'))],
      cli,
    );
    expect(await dependents('db')).toEqual([]);
    await registry.change([put('shop', spec('web', { dependsOn: ['db'] })), put('shop', spec('api'))], cli);
    expect(await dependents('db')).toEqual(['web']);
    sqlite(`update components set depends_on = '["db","web"]' where service = 'shop' and name = 'api'`);
    expect([await dependents('db'), await dependents('web')]).toEqual([['api', 'web'], ['api']]);
    expect((await registry.component({ service: 'bank', component: 'db' }))?.dependents).toEqual([]);
    await registry.change([put('shop', spec('web'))], cli);
    expect([await dependents('db'), await dependents('web')]).toEqual([['api'], ['api']]);
    sqlite(`update context set purging = 1; delete from components where name = 'api'; update context set purging = 0`);
    expect([await dependents('db'), await dependents('web')]).toEqual([[], []]);
  });

  test('what was put is read back, numbered and attributed', async () => {
    const { registry } = await openTemporary();
    const full = spec('web', {
      runtime: 'microvm',
      memoryMb: 128,
      vcpus: 2,
      build: { context: '/srv/web', args: { A: '1' } },
      command: ['--port', '8080'],
      env: { B: '2', A: '1' },
      ports: ['8080:80'],
      volumes: ['data:/data'],
      health: { http: '/healthz', port: 80, restart_after: 3 },
      user: '1000:1000',
    });
    const revision = await registry.change([putService('shop'), put('shop', full)], cli);
    const record = await registry.component(web);
    expect(record).toMatchObject({
      key: web,
      workload: 'shop-web',
      spec: full,
      invalid: null,
      desired: 'running',
      generation: revision,
      revision,
      status: initialStatus,
    });
    const entries = await feedAfter(registry, 0);
    expect(entries.map((entry) => [entry.revision, entry.entity, entry.op, entry.actor])).toEqual([
      [1, 'service', 'insert', 'cli:test'],
      [2, 'component', 'insert', 'cli:test'],
    ]);
    expect(entries[1]).toMatchObject({ request: 'r1', message: 'a test', before: null });
    expect(entries[1]?.after).toMatchObject({ memory_mb: 128, env: { A: '1', B: '2' }, update: 'pinned' });
  });

  test('putting the same again changes nothing', async () => {
    const { registry } = await openTemporary();
    const changes = [putService('shop'), put('shop', spec('web', { ports: ['80:80', '81:81'] }))];
    const revision = await registry.change(changes, cli);
    const again = [putService('shop'), put('shop', spec('web', { ports: ['0.0.0.0:81:81/tcp', '80:80'] }))];
    expect(await registry.change(again, cli)).toBe(revision);
  });

  test('a set of changes is carried out whole or not at all', async () => {
    const { registry } = await openTemporary();
    const changes = [putService('shop'), put('shop', spec('web')), put('shop', spec('db', { dependsOn: ['nothing'] }))];
    await expect(registry.change(changes, cli)).rejects.toMatchObject({ code: 'E_DEFINITION' });
    expect(await registry.revision()).toBe(0);
    expect(await registry.services()).toEqual([]);
    expect(await registry.components()).toEqual([]);
  });

  test('an edit based on an old generation is refused with the difference', async () => {
    const { registry } = await openTemporary();
    const first = await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    const second = await registry.change([put('shop', spec('web', { memoryMb: 64 }), first)], cli);
    await expect(registry.change([put('shop', spec('web', { memoryMb: 32 }), first)], cli)).rejects.toMatchObject({
      code: 'E_CONFLICT',
      details: {
        key: web,
        expected: first,
        actual: second,
        difference: [{ field: 'memory_mb', before: 64, after: 32 }],
      },
    });
    await expect(registry.change([put('shop', spec('web'), 0)], cli)).rejects.toMatchObject({ code: 'E_CONFLICT' });
  });

  test('wishes raise the revision, not the generation', async () => {
    const { registry } = await openTemporary();
    const generation = await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    await registry.change([{ kind: 'set-desired', key: web, desired: 'stopped' }], cli);
    await registry.change([{ kind: 'request-restart', key: web }], cli);
    expect(await registry.component(web)).toMatchObject({
      generation,
      revision: generation + 2,
      desired: 'stopped',
      restartToken: 1,
    });
  });

  test('deleting marks, purging removes, and what is made again is new', async () => {
    const { registry } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    await registry.purgeComponent(web, [], agent);
    expect(await registry.component(web)).toBeDefined();
    await registry.change([{ kind: 'delete-service', name: 'shop' }], cli);
    expect(await registry.component(web)).toMatchObject({ deleting: true, service: { deleting: true } });
    const gone = { ...web, severity: 'info', reason: 'Removed', message: 'it is gone' } as const;
    await registry.purgeComponent(web, [gone], agent);
    expect(await registry.component(web)).toBeUndefined();
    expect(await registry.services()).toEqual([]);
    const before = await registry.revision();
    await registry.change([putService('shop'), put('shop', spec('web'), 0)], cli);
    expect((await registry.component(web))?.generation).toBeGreaterThan(before);
    const ops = (await feedAfter(registry, 0)).map((entry) => `${entry.entity} ${entry.op}`);
    expect(ops.slice(-5)).toEqual([
      'component delete',
      'service delete',
      'event insert',
      'service insert',
      'component insert',
    ]);
  });

  test('putting what is being deleted keeps it', async () => {
    const { registry } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    await registry.change(
      [
        { kind: 'set-desired', key: web, desired: 'stopped' },
        { kind: 'delete-service', name: 'shop' },
      ],
      cli,
    );
    await registry.change([put('shop', spec('web'))], cli);
    expect(await registry.component(web)).toMatchObject({
      deleting: false,
      desired: 'running',
      service: { deleting: false },
    });
  });

  test('a source keeps the revision that it led to', async () => {
    const { registry } = await openTemporary();
    const source = { service: 'shop', path: '/srv/shop.toml', contentHash: 'abc' };
    const revision = await registry.change(
      [{ kind: 'put-source', source }, putService('shop'), put('shop', spec('web'))],
      cli,
    );
    expect(await registry.sources()).toEqual([{ ...source, appliedRevision: revision }]);
    await registry.change([{ kind: 'delete-source', service: 'shop' }], cli);
    expect(await registry.sources()).toEqual([]);
  });

  test('what is made again while it goes is another generation, and asks for its image anew', async () => {
    const { registry } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    const before = await registry.component(web);
    await registry.change([{ kind: 'delete-component', key: web }], cli);
    await registry.change([put('shop', spec('web'))], cli);
    const after = await registry.component(web);
    expect(after).toMatchObject({ deleting: false, imageRefresh: (before?.imageRefresh ?? 0) + 1 });
    expect(after?.generation).toBeGreaterThan(before?.generation ?? 0);
  });

  test('a volume that is mounted again is removed no more, whoever mounts it', async () => {
    const { registry, sqlite } = await openTemporary();
    const holds = spec('web', { volumes: ['data:/data', '/srv:/srv'] });
    const order = { kind: 'delete-volume', service: 'shop', volume: 'data' } as const;
    const other = { kind: 'delete-volume', service: 'shop', volume: 'dat' } as const;
    const waiting = async (): Promise<readonly string[]> =>
      (await registry.volumesToRemove()).map(({ volume }) => volume);
    await registry.change([putService('shop'), put('shop', holds)], cli);
    // Somebody looked before it was mounted, and asks now.
    await registry.change([order, other], cli);
    expect(await waiting()).toEqual(['dat']);
    for (const gone of [false, true]) {
      await registry.change([{ kind: 'delete-component', key: web }], cli);
      if (gone) await registry.purgeComponent(web, [], cli);
      await registry.change([order], cli);
      expect(await waiting()).toEqual(['dat', 'data']);
      await registry.change([putService('shop'), put('shop', holds)], cli);
      expect(await waiting()).toEqual(['dat']);
    }
    await registry.change([put('shop', spec('web')), order], cli);
    expect(await waiting()).toEqual(['dat', 'data']);
    sqlite(`update components set volumes = '["data:/data"]' where name = 'web'`);
    expect(await waiting()).toEqual(['dat']);
  });

  test('what is not there is named', async () => {
    const { registry } = await openTemporary();
    const missing = { code: 'E_NOT_FOUND' };
    await expect(registry.change([{ kind: 'delete-component', key: web }], cli)).rejects.toMatchObject(missing);
    await expect(registry.change([{ kind: 'delete-service', name: 'shop' }], cli)).rejects.toMatchObject(missing);
    await expect(registry.change([{ kind: 'request-restart', key: web }], cli)).rejects.toMatchObject(missing);
  });
});

describe('rules across rows', () => {
  test.each([
    ['E_PORT_COLLISION', 'a', spec('b', { ports: ['127.0.0.1:80:1'] }), 'a/web'],
    ['E_NAME_COLLISION', 'a-web', spec('a-web'), 'a/web'],
    ['E_DEFINITION', 'a', spec('b', { dependsOn: ['b'] }), 'circle'],
    ['E_DEFINITION', 'a', spec('b', { ports: ['80'], runtime: 'container', readyTimeoutS: 0 }), 'a/b'],
  ])('%s refuses the write and names the other', async (code, service, component, named) => {
    const { registry } = await openTemporary();
    const revision = await registry.change([putService('a'), put('a', spec('web', { ports: ['80:80'] }))], cli);
    const write = registry.change([putService(service), put(service, component)], cli);
    await expect(write).rejects.toMatchObject({ code, message: expect.stringContaining(named) as unknown });
    expect(await registry.revision()).toBe(revision);
    expect(await registry.components()).toHaveLength(1);
  });

  test('a component that others depend on is not deleted alone', async () => {
    const { registry } = await openTemporary();
    await registry.change([putService('a'), put('a', spec('db')), put('a', spec('web', { dependsOn: ['db'] }))], cli);
    const key = { service: 'a', component: 'db' };
    await expect(registry.change([{ kind: 'delete-component', key }], cli)).rejects.toMatchObject({
      code: 'E_DEFINITION',
    });
    await registry.change([put('a', spec('web')), { kind: 'delete-component', key }], cli);
    expect(await registry.component(key)).toMatchObject({ deleting: true });
  });

  test('SQL that breaks a rule makes the later one invalid and heals with it', async () => {
    const { registry, sqlite } = await openTemporary();
    await registry.change([putService('a'), put('a', spec('old', { ports: ['80:80'] })), put('a', spec('new'))], cli);
    expect((await registry.components()).map((record) => record.invalid)).toEqual([null, null]);
    sqlite(`update components set ports = '["127.0.0.1:80:81"]' where name = 'new'`);
    const [first, second] = await registry.components();
    expect(first).toMatchObject({ key: { component: 'new' }, invalid: expect.stringContaining('a/old') as unknown });
    expect(second).toMatchObject({ key: { component: 'old' }, invalid: null });
    sqlite(`update components set ports = '["81:81"]' where name = 'old'`);
    expect((await registry.components()).map((record) => record.invalid)).toEqual([null, null]);
    sqlite(`update components set ports = '["nonsense"]' where name = 'old'`);
    expect((await registry.component({ service: 'a', component: 'old' }))?.invalid).toContain('nonsense');
    sqlite(`update components set depends_on = '["ghost"]', ports = '[]' where name = 'old'`);
    expect((await registry.component({ service: 'a', component: 'old' }))?.invalid).toContain('ghost');
    sqlite(`update components set depends_on = '[]', env = '{"A": 1}' where name = 'old'`);
    expect((await registry.component({ service: 'a', component: 'old' }))?.invalid).toContain('env');
  });
});
