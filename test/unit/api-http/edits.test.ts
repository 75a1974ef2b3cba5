/** Editing over the API: what was seen is said, what others did is not undone, and failures say what is wrong. */
import { describe, expect, it } from 'vitest';
import { baseOfTag, tagOf } from '../../../src/api/http/etag.js';
import { shopText, startBench, up, type Answer, type Bench } from './support.js';

const changed = shopText.replace('memory_mb = 128', 'memory_mb = 256');

async function shop(): Promise<Bench> {
  const bench = await startBench();
  await bench.applyShop();
  return bench;
}

async function memoryOf(bench: Bench): Promise<number | null | undefined> {
  return (await bench.registry.component({ service: 'shop', component: 'web' }))?.spec.memoryMb;
}

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.body).toMatchObject({
    status,
    code,
    type: `urn:berth:error:${code}`,
    instance: expect.stringMatching(/^urn:uuid:/) as string,
  });
  expect(answer.status).toBe(status);
  expect(answer.body.suggestion).not.toBe('');
}

describe('a tag', () => {
  it('holds what was seen', () => {
    const base = { revision: 12, generations: { web: 9, db: 7 } };
    expect(tagOf(base)).toBe('"12:db=7,web=9"');
    expect(baseOfTag(tagOf(base))).toEqual(base);
    expect(baseOfTag('"0:"')).toEqual({ revision: 0, generations: {} });
    for (const other of ['12', '"abc"', '"1:web"', '"1:web=x"', `"1:${'a'.repeat(99)}=1"`]) {
      expect(baseOfTag(other)).toBeUndefined();
    }
  });
});

describe('replacing a service', () => {
  it('with the ETag that was read is an edit, of which the history says who and why', async () => {
    const bench = await shop();
    const { headers } = await bench.ask('GET', '/v1/services/shop');
    const answer = await bench.ask('PUT', '/v1/services/shop', {
      body: { text: changed, message: 'more room' },
      headers: { 'if-match': headers.etag!, 'x-berth-actor': 'cli:ann' },
    });
    expect(answer.body).toMatchObject({ changed: true });
    expect(await memoryOf(bench)).toBe(256);
    const history = await bench.ask('GET', '/v1/components/shop/web/history');
    expect(history.body.items[0]).toMatchObject({ actor: 'cli:ann', message: 'more room' });
  });

  it('with an ETag that is old answers 412 with what the text would undo, and changes nothing', async () => {
    const bench = await shop();
    const { headers } = await bench.ask('GET', '/v1/services/shop');
    await bench.ask('PUT', '/v1/services/shop', { body: { text: changed } });
    const answer = await bench.ask('PUT', '/v1/services/shop', {
      body: { text: shopText },
      headers: { 'if-match': headers.etag! },
    });
    expectProblem(answer, 412, 'E_CONFLICT');
    expect(answer.body.details.conflicts).toMatchObject([{ service: 'shop', component: 'web' }]);
    expect(answer.body.details.components).toContainEqual(
      expect.objectContaining({
        component: 'web',
        differences: [expect.objectContaining({ field: 'memory_mb', before: 256, after: 128 }) as object],
      }),
    );
    expect(await memoryOf(bench)).toBe(256);
    const now = await bench.ask('GET', '/v1/services/shop');
    expect(answer.body.details.etag).toBe(now.headers.etag);
  });

  it('by force undoes what others did', async () => {
    const bench = await shop();
    const { headers } = await bench.ask('GET', '/v1/services/shop');
    await bench.ask('PUT', '/v1/services/shop', { body: { text: changed } });
    const body = { text: shopText, force: true };
    const answer = await bench.ask('PUT', '/v1/services/shop', { body, headers: { 'if-match': headers.etag! } });
    expect(answer.status).toBe(200);
    expect(await memoryOf(bench)).toBe(128);
  });

  it('with a base in the body is a conflict where both changed the same component', async () => {
    const bench = await shop();
    const { body } = await bench.ask('GET', '/v1/services/shop');
    await bench.ask('PUT', '/v1/services/shop', { body: { text: changed } });
    const other = shopText.replace('localhost/db:1', 'localhost/db:2');
    const answer = await bench.ask('PUT', '/v1/services/shop', { body: { text: other, base: body.base } });
    expectProblem(answer, 409, 'E_CONFLICT');
    expect(await memoryOf(bench)).toBe(256);
  });

  it('that must be new is refused when there is one', async () => {
    const bench = await shop();
    const headers = { 'if-none-match': '*' };
    expectProblem(await bench.ask('PUT', '/v1/services/shop', { body: { text: changed }, headers }), 412, 'E_CONFLICT');
    const blog = 'name = "blog"\n[[components]]\nname = "blog"\nimage = "localhost/blog:1"\n';
    expect((await bench.ask('PUT', '/v1/services/blog', { body: { text: blog }, headers })).status).toBe(200);
    expectProblem(
      await bench.ask('PUT', '/v1/services/nobody', {
        body: { text: blog.replaceAll('blog', 'nobody') },
        headers: { 'if-match': '*' },
      }),
      412,
      'E_CONFLICT',
    );
  });

  it('with a text that is wrong says where, and changes nothing', async () => {
    const bench = await shop();
    const wrong = shopText.replace('memory_mb = 128', 'memory_mb = -1');
    const answer = await bench.ask('PUT', '/v1/services/shop', { body: { text: wrong } });
    expectProblem(answer, 422, 'E_DEFINITION');
    expect(answer.body.details.problems).toMatchObject([{ line: 6, field: 'components[0].memory_mb' }]);
    expect(await memoryOf(bench)).toBe(128);
  });

  it('of another name is refused', async () => {
    const bench = await shop();
    expectProblem(await bench.ask('PUT', '/v1/services/blog', { body: { text: shopText } }), 422, 'E_DEFINITION');
  });

  it('keeps a secret whose mask comes back', async () => {
    const bench = await shop();
    const { body, headers } = await bench.ask('GET', '/v1/services/shop');
    expect(body.text).not.toContain('hush-hush');
    const text = body.text.replace('"info"', '"debug"');
    await bench.ask('PUT', '/v1/services/shop', { body: { text }, headers: { 'if-match': headers.etag! } });
    const record = await bench.registry.component({ service: 'shop', component: 'web' });
    expect(record?.spec.env).toEqual({ LOG_LEVEL: 'debug', API_TOKEN: 'hush-hush' });
  });
});

describe('plans', () => {
  it('show what would be, without the statements behind it', async () => {
    const bench = await shop();
    const answer = await bench.ask('POST', '/v1/services/shop/plan', { body: { text: changed } });
    expect(answer.body.plan.components.find((item) => item.component === 'web')).toMatchObject({
      action: 'update',
      effect: 'update',
    });
    expect(answer.body.plan).not.toHaveProperty('changes');
    expect(await memoryOf(bench)).toBe(128);
  });
});

describe('definitions that somebody else read', () => {
  const scope = { folder: null, files: ['/elsewhere/shop.toml'] };

  async function specOf(bench: Bench, text: string) {
    const { body } = await bench.ask('POST', '/v1/parse', { body: { text, path: '/elsewhere/shop.toml' } });
    expect(body.problems).toEqual([]);
    return body.spec;
  }

  it('are fed in, and the same again changes nothing', async () => {
    const bench = await startBench();
    const spec = await specOf(bench, shopText);
    const definitions = [{ path: '/elsewhere/shop.toml', contentHash: 'aa', spec }];
    const first = await bench.ask('POST', '/v1/apply', { body: { definitions, scope } });
    expect(first.body).toMatchObject({ changed: true });
    expect(first.text).not.toContain('hush-hush');
    expect((await bench.registry.component({ service: 'shop', component: 'web' }))?.source).toBe(
      '/elsewhere/shop.toml',
    );
    const again = await bench.ask('POST', '/v1/plan', { body: { definitions, scope } });
    expect(again.body.plan.differs).toBe(false);
  });

  it('are checked as a file is: what no file could say is refused', async () => {
    const bench = await startBench();
    const spec = await specOf(bench, shopText);
    const web = spec.components[0]!;
    for (const wrong of [
      { ...web, memoryMb: -5 },
      { ...web, image: '' },
      { ...web, dependsOn: ['nobody'] },
      { ...web, ports: ['x'] },
      { ...web, env: { 'A=B': '1' } },
      { ...web, secretFile: ['relative'] },
    ]) {
      const definitions = [{ path: '/x.toml', contentHash: 'aa', spec: { ...spec, components: [wrong] } }];
      for (const path of ['/v1/plan', '/v1/apply']) {
        expectProblem(await bench.ask('POST', path, { body: { definitions, scope } }), 422, 'E_DEFINITION');
      }
    }
    expect(await bench.registry.services()).toEqual([]);
  });

  it('of another shape are refused by the field', async () => {
    const bench = await startBench();
    const spec = { ...(await specOf(bench, shopText)), colour: 'red' };
    const definitions = [{ path: '/x.toml', contentHash: 'aa', spec }];
    const answer = await bench.ask('POST', '/v1/apply', { body: { definitions, scope } });
    expectProblem(answer, 400, 'E_USAGE');
    expect(answer.body.details.problems[0]!.field).toBe('body.definitions.0.spec');
  });
});

describe('drift', () => {
  const drift = (field: string, desired: string, observed: string) => ({
    field,
    desired,
    observed,
    sinceMs: 1_000,
    evidence: 'seen',
    action: 'is put back',
  });

  it('is accepted: what is observed becomes what is wanted', async () => {
    const bench = await shop();
    const drifts = [
      drift('memory_mb', '128 MiB', 'unlimited'),
      drift('vcpus', 'unlimited', '1.5'),
      drift('env.LOG_LEVEL', '"info"', '"de\\"bug"'),
      drift('env.EXTRA', '(none)', '"1"'),
      drift('env.API_TOKEN', '"hush-hush"', '(none)'),
      drift('command', '(none)', '--port "8 0"'),
      drift('user', '', '1000'),
    ];
    await bench.observe('shop/web', { ...up, drift: drifts });
    const fields = drifts.map((one) => one.field);
    const tried = await bench.ask('POST', '/v1/components/shop/web/accept', { body: { fields, dryRun: true } });
    expect(tried.body).not.toHaveProperty('changed');
    expect(await memoryOf(bench)).toBe(128);
    const answer = await bench.ask('POST', '/v1/components/shop/web/accept', { body: { fields } });
    expect(answer.body).toMatchObject({ changed: true });
    expect((await bench.registry.component({ service: 'shop', component: 'web' }))?.spec).toMatchObject({
      memoryMb: null,
      vcpus: 1.5,
      env: { LOG_LEVEL: 'de"bug', EXTRA: '1' },
      command: ['--port', '8 0'],
      user: '1000',
    });
  });

  it('of the state is accepted as a stop', async () => {
    const bench = await shop();
    await bench.observe('shop/web', { ...up, observed: 'exited', drift: [drift('state', 'running', 'exited')] });
    const body = { fields: ['state'] };
    const tried = await bench.ask('POST', '/v1/components/shop/web/accept', { body: { ...body, dryRun: true } });
    expect(tried.body.plan.differs).toBe(true);
    await bench.ask('POST', '/v1/components/shop/web/accept', { body });
    expect((await bench.registry.component({ service: 'shop', component: 'web' }))?.desired).toBe('stopped');
    expect((await bench.registry.component({ service: 'shop', component: 'db' }))?.desired).toBe('running');
  });

  it('that no definition could say is refused with the reason', async () => {
    const bench = await shop();
    const drifts = [
      drift('image', 'sha256:a', 'sha256:b'),
      drift('env.FROM_FILE', '(secret)', '(secret)'),
      drift('state', 'running', 'paused'),
    ];
    await bench.observe('shop/web', { ...up, drift: drifts });
    for (const { field } of drifts) {
      const answer = await bench.ask('POST', '/v1/components/shop/web/accept', { body: { fields: [field] } });
      expectProblem(answer, 501, 'E_NOT_SUPPORTED');
    }
    const other = await bench.ask('POST', '/v1/components/shop/web/accept', { body: { fields: ['vcpus'] } });
    expectProblem(other, 404, 'E_NOT_FOUND');
  });

  it('is only reported once the mode says so', async () => {
    const bench = await shop();
    const answer = await bench.ask('POST', '/v1/components/shop/web/mode', { body: { mode: 'observe' } });
    expect(answer.body).toMatchObject({ changed: true });
    expect((await bench.registry.component({ service: 'shop', component: 'web' }))?.spec.reconcile).toBe('observe');
  });
});

describe('failures', () => {
  it('are problem documents, whatever is asked', async () => {
    const bench = await shop();
    const body = { message: null };
    const cases: readonly (readonly [string, string, unknown, number, string])[] = [
      ['GET', '/v1/services/shpo', undefined, 404, 'E_NOT_FOUND'],
      ['GET', '/v1/components/shop/wbe', undefined, 404, 'E_NOT_FOUND'],
      ['GET', '/v1/status?service=shpo', undefined, 404, 'E_NOT_FOUND'],
      ['GET', '/v1/components/shop/web/logs', undefined, 409, 'E_WORKLOAD_MISSING'],
      ['GET', '/nothing', undefined, 404, 'E_NOT_FOUND'],
      ['PATCH', '/v1/services/shop', body, 405, 'E_METHOD'],
      ['GET', '/v1/components?limit=0', undefined, 400, 'E_USAGE'],
      ['GET', '/v1/components?limit=1001', undefined, 400, 'E_USAGE'],
      ['GET', '/v1/components?limit=1&limit=2', undefined, 400, 'E_USAGE'],
      ['GET', '/v1/components?colour=red', undefined, 400, 'E_USAGE'],
      ['GET', '/v1/events?since=yesterday', undefined, 400, 'E_USAGE'],
      ['GET', '/v1/services/%ZZ', undefined, 400, 'E_USAGE'],
      ['POST', '/v1/services/shop/stop', { messag: 'x' }, 400, 'E_USAGE'],
      ['POST', '/v1/services/shop/stop', [], 400, 'E_USAGE'],
      ['POST', '/v1/components/shop/web/mode', { mode: 'never' }, 400, 'E_USAGE'],
      ['POST', '/v1/wait', { components: [], timeoutMs: 600_001 }, 400, 'E_USAGE'],
      ['DELETE', '/v1/services/shop/volumes/data', body, 404, 'E_NOT_FOUND'],
      ['POST', '/v1/services/shop/rollback', { to: 0 }, 404, 'E_NOT_FOUND'],
      ['GET', '/v1/watch?after=nonsense', undefined, 410, 'E_WATCH_GONE'],
    ];
    for (const [method, path, sent, status, code] of cases) {
      const answer = await bench.ask(method, path, sent === undefined ? {} : { body: sent });
      expect({ method, path, status: answer.status, code: answer.body.code }).toEqual({ method, path, status, code });
      expectProblem(answer, status, code);
    }
  });

  it('name the field, and the request as the log of the agent does', async () => {
    const bench = await shop();
    const answer = await bench.ask('POST', '/v1/components/shop/web/mode', { body: { mode: 'never' } });
    expect(answer.body.details.problems).toMatchObject([{ field: 'body.mode' }]);
    expect(answer.body.detail).toContain('body.mode');
  });

  it('of Berth itself are logged with where they are', async () => {
    const bench = await startBench({
      driver: {
        inspect: () => Promise.resolve(undefined),
        exec: () => {
          throw new TypeError('a slip');
        },
      },
    });
    await bench.applyShop();
    await bench.observe('shop/web', up);
    const answer = await bench.ask('POST', '/v1/components/shop/web/exec', { body: { argv: ['x'] } });
    expectProblem(answer, 500, 'E_INTERNAL');
    const line = bench.logged.find((text) => text.includes(answer.body.instance));
    expect(line).toContain('a slip');
  });

  it('of a body that is no JSON say so', async () => {
    const bench = await shop();
    for (const raw of ['{', '"', 'nul', '{"message":1e}', Buffer.from([0x7b, 0xff, 0x7d])]) {
      expectProblem(await bench.ask('POST', '/v1/services/shop/stop', { raw }), 400, 'E_USAGE');
    }
    expectProblem(
      await bench.ask('POST', '/v1/services/shop/stop', { raw: '{"__proto__":{"message":"x"}}' }),
      400,
      'E_USAGE',
    );
  });
});
