/** Every operation as docs/api.md has it: the table is the route table, its examples work, their answers are as promised. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OpenApiDocument } from '../../../src/api/http/openapi.js';
import { root } from '../../support/test-home.js';
import { shopText, startBench, up, type Bench } from './support.js';

interface Documented {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly access: string;
  readonly example: { readonly method: string; readonly url: string; readonly body: string | null };
}

const text = readFileSync(join(root, 'docs/api.md'), 'utf8');

const documented: readonly Documented[] = [
  ...text.matchAll(/^\| (\w+) +\| (GET|POST|PUT|DELETE) (\S+) +\| (read|write) +\| `(\w+) (\S+)(?: (.*))?` +\|$/gm),
].map(([, operation = '', method = '', path = '', access = '', verb = '', url = '', body]) => ({
  operation,
  method,
  path,
  access,
  example: { method: verb, url, body: body ?? null },
}));

async function documentOf(bench: Bench): Promise<OpenApiDocument> {
  return (await bench.ask('GET', '/openapi.json')).body as unknown as OpenApiDocument;
}

function operationsOf(document: OpenApiDocument) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

/** A checker of what an operation answers with 200. */
function checkerOf(
  document: OpenApiDocument,
  operation: unknown,
): { readonly type: string; readonly schema: z.ZodType } {
  const { responses } = operation as {
    readonly responses: Record<string, { readonly content: Record<string, { readonly schema: object }> }>;
  };
  const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(responses['200']?.content ?? {});
  const parts = (document as unknown as { readonly components: { readonly schemas: object } }).components.schemas;
  const whole = JSON.stringify({ ...schema, $defs: parts }).replaceAll('#/components/schemas/', '#/$defs/');
  return { type, schema: z.fromJSONSchema(JSON.parse(whole) as Parameters<typeof z.fromJSONSchema>[0]) };
}

const started = {
  severity: 'warning',
  reason: 'Restarted',
  message: 'it was started again',
  service: 'shop',
  component: 'web',
} as const;

/** A home with a bit of everything. */
async function lively(): Promise<Bench> {
  const bench = await startBench({
    driver: {
      capabilities: () => Promise.resolve([{ name: 'podman', ok: true, detail: 'is there', remedy: null }]),
      inspect: () => Promise.resolve(undefined),
      async *logs() {
        yield { atMs: 1_000, stream: 'stdout', text: 'one' } as const;
        yield { atMs: null, stream: 'stderr', text: 'zwei ✓' } as const;
      },
      exec: (_id, argv) => Promise.resolve({ exitCode: 0, stdout: argv.join(' '), stderr: '' }),
      listGarbage: () => Promise.resolve([{ driver: 'podman', what: 'an image', id: 'x', bytes: 5, usedAtMs: 1_000 }]),
    },
  });
  await bench.applyShop();
  await bench.ask('PUT', '/v1/services/shop', { body: { text: shopText.replace('info', 'debug') } });
  const drift = {
    field: 'memory_mb',
    desired: '128 MiB',
    observed: '256 MiB',
    sinceMs: 1_000,
    evidence: 'memory.max',
    action: 'is put back',
  };
  await bench.observe('shop/web', { ...up, drift: [drift] }, [started]);
  await bench.observe('shop/db', up);
  await bench.registry.setFreshness([{ driver: 'podman', lastGoodAtMs: 1_000, error: null, since: null }]);
  await bench.registry.recordIntents([
    {
      kind: 'volume',
      driver: 'podman',
      name: `berth-${bench.registry.homeId.slice(0, 8)}.shop.attic`,
      service: 'shop',
      component: null,
      generation: null,
    },
  ]);
  return bench;
}

describe('the operations', () => {
  it('are those that docs/api.md lists, with method, path and access', async () => {
    const served = operationsOf(await documentOf(await startBench())).map(({ path, method, operation }) => ({
      operation: operation.operationId,
      method,
      path,
      access: operation['x-access'],
    }));
    const listed = documented.map(({ operation, method, path, access }) => ({ operation, method, path, access }));
    const byName = (a: { readonly operation: string }, b: { readonly operation: string }): number =>
      a.operation < b.operation ? -1 : 1;
    expect([...listed].sort(byName)).toEqual([...served].sort(byName));
  });

  it.each(documented.filter(({ operation }) => !['watch', 'console'].includes(operation)))(
    '$operation answers its example as its schema says',
    async ({ operation, example }) => {
      const bench = await lively();
      const document = await documentOf(bench);
      const found = operationsOf(document).find((one) => one.operation.operationId === operation);
      const { type, schema } = checkerOf(document, found?.operation);
      const answer = await bench.ask(example.method, example.url, example.body === null ? {} : { raw: example.body });
      expect({ status: answer.status, text: answer.status === 200 ? '' : answer.text }).toEqual({
        status: 200,
        text: '',
      });
      expect(answer.headers['content-type']?.split(';')[0]).toBe(type);
      const values =
        type === 'application/json'
          ? [answer.body]
          : type === 'application/x-ndjson'
            ? answer.text
                .split('\n')
                .filter((line) => line !== '')
                .map((line) => JSON.parse(line) as unknown)
            : [answer.text];
      expect(values.length).toBeGreaterThan(0);
      for (const value of values) expect(schema.safeParse(value).error?.issues ?? []).toEqual([]);
    },
  );

  it('say in the OpenAPI document which parameters they take', async () => {
    const document = await documentOf(await startBench());
    for (const { path, operation } of operationsOf(document)) {
      const parameters = operation['parameters'] as readonly { readonly name: string; readonly in: string }[];
      const inPath = parameters.filter((one) => one.in === 'path').map((one) => `{${one.name}}`);
      expect(inPath).toEqual(path.match(/\{\w+\}/g) ?? []);
    }
  });

  it('are shown by a page that loads nothing and holds no script', async () => {
    const { text: page, headers } = await (await startBench()).ask('GET', '/docs');
    for (const { path } of documented) expect(page).toContain(path);
    expect(page).not.toMatch(/<script|src=|<link/);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });
});

describe('components', () => {
  it('come page by page, in order, each once', async () => {
    const bench = await lively();
    const first = await bench.ask('GET', '/v1/components?limit=1');
    expect(first.body.items.map((item) => item.component)).toEqual(['db']);
    const second = await bench.ask('GET', `/v1/components?limit=1&cursor=${encodeURIComponent(first.body.next)}`);
    expect(second.body.items.map((item) => item.component)).toEqual(['web']);
    expect(second.body.next).toBeNull();
  });

  it('are filtered by phase and drift', async () => {
    const bench = await lively();
    const drifting = await bench.ask('GET', '/v1/components?drift=true&phase=running,failed');
    expect(drifting.body.items).toHaveLength(1);
    expect((await bench.ask('GET', '/v1/components?phase=failed')).body.items).toEqual([]);
  });
});

describe('metrics', () => {
  it('are those that docs/api.md lists', async () => {
    const bench = await lively();
    bench.metrics.reconciler.turn(5);
    bench.metrics.reconciler.looked(5, 'done');
    const { text: page, headers } = await bench.ask('GET', '/metrics');
    const names = [...page.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
    const listed = [...text.matchAll(/^\| `(berth_\w+)`/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual(listed.sort());
    expect(headers['content-type']).toContain('text/plain');
  });

  it('tell how many drift, how drivers stand and what their calls cost', async () => {
    const bench = await lively();
    await bench.ask('GET', '/v1/components/shop/web/logs');
    await bench.ask('POST', '/v1/components/shop/web/exec', { body: { argv: ['ls'] } });
    const page = (await bench.ask('GET', '/metrics')).text;
    expect(page).toContain('berth_drift{field="memory_mb"} 1');
    expect(page).toContain('berth_components{phase="running"} 2');
    expect(page).toContain('berth_driver_up{driver="podman"} 1');
    expect(page).toContain('berth_driver_call_seconds_count{driver="podman",call="exec"} 1');
    expect(page).toContain('berth_http_requests_total{operation="execInComponent",status="200"} 1');
    expect(page).toContain('berth_queue_depth 3');
  });

  it('count events and restarts that the agent writes, and failures of its drivers', async () => {
    const bench = await lively();
    const registry = bench.metrics.watchRegistry(bench.registry);
    const record = (await registry.component({ service: 'shop', component: 'web' }))!;
    const update = { key: record.key, generation: record.generation, events: [started] };
    await registry.updateStatus([update], { actor: 'agent', request: null, message: null });
    const driver = bench.metrics.watchDriver({ name: 'podman', start: () => Promise.reject(new Error('no')) } as never);
    await expect(driver.start('x', new AbortController().signal)).rejects.toThrow('no');
    const page = (await bench.ask('GET', '/metrics')).text;
    expect(page).toContain('berth_restarts_total{service="shop",component="web"} 1');
    expect(page).toContain('berth_driver_failures_total{driver="podman",call="start",code="E_INTERNAL"} 1');
  });
});
