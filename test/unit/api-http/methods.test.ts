/** What is asked of an address by another method: for each address that there is. */
import { describe, expect, it } from 'vitest';
import type { OpenApiDocument } from '../../../src/api/http/openapi.js';
import { MethodTable } from '../../../src/api/http/methods.js';
import { shopText, startBench, type Bench } from './support.js';

/** Every address with its methods, and the pages beside them. */
async function addressesOf(bench: Bench) {
  const { paths } = (await bench.ask('GET', '/openapi.json')).body as unknown as OpenApiDocument;
  const pages = { '/': ['get'], '/assets/{file}': ['get'], '/login': ['get', 'post'], '/logout': ['post'] };
  const listed = Object.entries(paths).map(([path, methods]) => [path, Object.keys(methods)] as const);
  return [...listed, ...Object.entries(pages)].map(([path, methods]) => ({
    path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'none'),
    methods: methods.map((method) => method.toUpperCase()),
    isStream: streams.test(path),
  }));
}

const values: Readonly<Record<string, string>> = {
  service: 'shop',
  component: 'web',
  file: 'main.js',
  volume: 'attic',
};
const streams = /\/(?:logs|watch|console)$/;
const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'M-SEARCH'];

describe('a table of methods', () => {
  it('knows addresses with names in them, and all that a page has below it', () => {
    const table = new MethodTable();
    table.add('/v1/services/:service', ['GET', 'HEAD']);
    table.add('/v1/services/:service', ['PUT']);
    table.add('/assets/*', ['GET']);
    table.add('/openapi.json', ['GET']);
    expect(table.of('/v1/services/shop')).toEqual(['GET', 'HEAD', 'OPTIONS', 'PUT']);
    expect(table.of('/assets/a/b.js')).toEqual(['GET', 'OPTIONS']);
    for (const path of ['/v1/services', '/v1/services/', '/v1/services/a/b', '/openapixjson', '/']) {
      expect([path, table.of(path)]).toEqual([path, []]);
    }
  });
});

describe('each address', () => {
  it('refuses every other method with what it allows, and a problem document', async () => {
    const bench = await startBench();
    const addresses = await addressesOf(bench);
    expect(addresses.length).toBeGreaterThan(35);
    for (const { path, methods, isStream } of addresses) {
      const heads = methods.includes('GET') && !isStream ? ['HEAD'] : [];
      const allow = [...methods, ...heads, 'OPTIONS'].sort().join(', ');
      for (const method of everyMethod.filter((one) => ![...methods, ...heads].includes(one))) {
        const answer = await bench.ask(method, path, { headers: { connection: 'close' } });
        expect([method, path, answer.status, answer.headers.allow]).toEqual([method, path, 405, allow]);
        expect(answer.headers['content-type']).toContain('application/problem+json');
        // Who asks for a head gets no more.
        if (method !== 'HEAD') expect([method, path, answer.body.code]).toEqual([method, path, 'E_METHOD']);
      }
    }
  });

  it('says by OPTIONS what it allows, and lets no other origin in', async () => {
    const bench = await startBench({ limits: { burst: 1_000 } });
    const token = await bench.token();
    for (const { path, methods } of await addressesOf(bench)) {
      const answer = await bench.ask('OPTIONS', path, { token });
      expect([path, answer.status, answer.text]).toEqual([path, 204, '']);
      for (const method of methods) expect(answer.headers.allow).toContain(method);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      const preflight = { origin: 'http://evil.example', 'access-control-request-method': 'PUT' };
      const refused = await bench.ask('OPTIONS', path, { token, headers: preflight });
      expect([path, refused.status]).toEqual([path, 403]);
    }
  });

  it('answers the head of what GET answers, without the body', async () => {
    const bench = await startBench();
    await bench.ask('PUT', '/v1/services/shop', { body: { text: shopText } });
    for (const { path } of (await addressesOf(bench)).filter((one) => one.methods.includes('GET') && !one.isStream)) {
      const [head, get] = [await bench.ask('HEAD', path), await bench.ask('GET', path)];
      expect([path, head.status, head.text]).toEqual([path, get.status, '']);
      expect([path, head.headers['content-type']]).toEqual([path, get.headers['content-type']]);
    }
    const head = await bench.ask('HEAD', '/v1/services/none');
    expect([head.status, head.headers['content-type']?.split(';')[0], head.text]).toEqual([
      404,
      'application/problem+json',
      '',
    ]);
  });

  it('is not told of to who was not let in', async () => {
    const bench = await startBench();
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PROPFIND']) {
      expect([method, (await bench.ask(method, '/v1/apply', { token: null })).status]).toEqual([
        method,
        method === 'GET' || method === 'HEAD' ? 401 : 403,
      ]);
    }
    expect((await bench.ask('GET', '/v1/nothing')).body.code).toBe('E_NOT_FOUND');
  });
});
