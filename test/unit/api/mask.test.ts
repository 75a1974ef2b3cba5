/** Secrets in every answer of the client: the command line and the HTTP API show what it answers. */
import { describe, expect, test } from 'vitest';
import { createLocalClient } from '../../../src/api/local-client.js';
import { maskText } from '../../../src/core/secrets.js';
import { createDefinitionReader, nodeFiles } from '../../../src/definition/index.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { Bench } from '../cli/support.js';

const secret = 'hunter2-Zq"9';
const urlSecret = 'postgres://shop:s3cr3t-of-url@db/shop';
const definition = `name = "shop"

[[components]]
name = "web"
image = "localhost/shop-web:1.4"
env = { DB_PASSWORD = '${secret}', DATABASE_URL = "${urlSecret}", LOG_LEVEL = "info" }
`;

const shows = (text: string): readonly string[] =>
  [secret, JSON.stringify(secret).slice(1, -1), 's3cr3t-of-url'].filter((value) => text.includes(value));

async function shop(): Promise<Bench> {
  const bench = new Bench();
  const path = await bench.file('shop.toml', definition);
  const { exit, err } = await bench.run('apply', '-f', path);
  if (exit !== 0) throw new Error(err);
  const field = 'env.DB_PASSWORD';
  const [desired, observed] = [JSON.stringify(secret), JSON.stringify(`${secret}-old`)];
  const drift = { field, desired, observed, sinceMs: 1_000, evidence: `podman says ${secret}`, action: 'replaced' };
  await bench.running('shop/web', { drift: [drift], message: `cannot start with ${secret}` }, [
    {
      ...{ service: 'shop', component: 'web', severity: 'warning', reason: 'DriftDetected' },
      message: `${field}: desired ${desired}, observed ${observed} (x); y`,
      data: { ...drift },
    },
    {
      ...{ service: 'shop', component: 'web', severity: 'info', reason: 'DriftHealed' },
      message: `${field} is as desired again: ${JSON.stringify('older-than-anything')}`,
      data: { field, sinceMs: 1 },
    },
    {
      ...{ service: 'shop', component: 'web', severity: 'error', reason: 'StepFailed' },
      message: `podman refused ${secret}`,
      data: { words: [{ deep: secret }] },
    },
  ]);
  return bench;
}

describe('no secret is shown', () => {
  test.each([
    [['export', 'shop']],
    [['export', 'shop', '-o', 'json']],
    [['status', '-o', 'json']],
    [['drift', '-o', 'json']],
    [['drift']],
    [['explain', 'shop/web', '-o', 'json']],
    [['explain', 'shop/web']],
    [['events', '-o', 'json']],
    [['events']],
    [['history', 'shop', '-o', 'json']],
    [['history', 'shop']],
  ])('by berth %j', async (argv) => {
    const bench = await shop();
    const { exit, out, err } = await bench.run(...argv);
    expect(err).toBe('');
    expect(exit).toBe(0);
    expect(out.length).toBeGreaterThan(20);
    expect(shows(out)).toEqual([]);
    expect(out).not.toContain('older-than-anything');
  });

  test('by a plan, an edit and a rollback, whose values are written all the same', async () => {
    const bench = await shop();
    const other = definition.replaceAll('hunter2', 'hunter3').replaceAll('info', 'debug');
    const path = await bench.file('shop.toml', other);
    const outs = [
      await bench.run('plan', '-f', path, '-o', 'json'),
      await bench.run('plan', '-f', path),
      await bench.run('apply', '-f', path, '-o', 'json'),
      await bench.run('rollback', 'shop', '--dry-run', '-o', 'json'),
    ];
    for (const { out, err } of outs) {
      expect(err).toBe('');
      expect(shows(out)).toEqual([]);
      expect(out).not.toContain('hunter3');
      expect(out).toContain('DB_PASSWORD');
    }
    expect(await envOf(bench)).toMatchObject({ DB_PASSWORD: secret.replace('hunter2', 'hunter3'), LOG_LEVEL: 'debug' });
    expect((await bench.run('rollback', 'shop')).exit).toBe(0);
    expect(await envOf(bench)).toEqual({ DB_PASSWORD: secret, DATABASE_URL: urlSecret, LOG_LEVEL: 'info' });
  });

  test('by a conflict and its details', async () => {
    const bench = await shop();
    const registry = await bench.registry();
    const [record] = await registry.components();
    const spec = { ...record!.spec, env: { ...record!.spec.env, DB_PASSWORD: 'changed-elsewhere' } };
    const put = { kind: 'put-component', service: 'shop', spec, source: record!.source } as const;
    await registry.change([put], { actor: 'sql', request: null, message: null });
    const path = await bench.file('shop.toml', definition.replace('info', 'debug'));
    const { exit, out, err } = await bench.run('apply', '-f', path, '-o', 'json');
    expect(exit).toBe(5);
    expect(err).toContain('E_CONFLICT');
    expect([...shows(out + err), (out + err).includes('changed-elsewhere')]).toEqual([false]);
  });
});

async function envOf(bench: Bench): Promise<unknown> {
  return (await (await bench.registry()).components())[0]?.spec.env;
}

describe('what is masked comes back', () => {
  test('in an edit, as unchanged', async () => {
    const bench = await shop();
    bench.env['EDITOR'] = 'true';
    let seen = '';
    bench.editor = (text) => {
      seen = text;
      return { text: text.replace('info', 'debug') };
    };
    expect((await bench.run('edit', 'shop', '--yes')).exit).toBe(0);
    expect(seen).toContain(maskText);
    expect(shows(seen)).toEqual([]);
    expect(await envOf(bench)).toEqual({ DB_PASSWORD: secret, DATABASE_URL: urlSecret, LOG_LEVEL: 'debug' });
  });

  test('in an export that is applied as a file, as unchanged', async () => {
    const bench = await shop();
    const path = await bench.file('exported.toml', (await bench.run('export', 'shop')).out);
    const { out, exit } = await bench.run('plan', '-f', path, '--exit-code');
    expect(out).not.toContain('env');
    expect(exit).toBe(0);
  });

  test('for a service that is not there, as a problem that names the variable', async () => {
    const bench = await shop();
    const text = (await bench.run('export', 'shop')).out.replace('"shop"', '"copy"');
    const { exit, err } = await bench.run('apply', '-f', await bench.file('copy.toml', text));
    expect(exit).toBe(2);
    expect(err).toContain('components[0].env.DB_PASSWORD: this is masked');
    expect(await (await bench.registry()).components({ service: 'copy' })).toEqual([]);
  });

  test('and is shown with --reveal', async () => {
    const bench = await shop();
    const { out } = await bench.run('export', 'shop', '--reveal', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ components: [{ env: { DB_PASSWORD: secret, DATABASE_URL: urlSecret } }] });
  });

  test('with the same base as before', async () => {
    const bench = await shop();
    const client = createLocalClient({
      registry: await bench.registry(),
      reader: () => Promise.resolve(createDefinitionReader({ files: nodeFiles() })),
      clock: realClock,
      chance: realChance,
      actor: 'cli:tester',
      agentHolder: () => Promise.resolve(null),
    });
    const [masked, revealed] = [await client.export('shop'), await client.export('shop', { reveal: true })];
    expect(masked.base).toEqual(revealed.base);
    const planned = await client.planReplace({ ...masked, path: 'shop.toml', service: 'shop', force: false });
    expect(planned.plan.differs).toBe(false);
  });
});
