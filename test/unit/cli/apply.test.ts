import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Bench, patiently, shopToml } from './support.js';

describe('apply and plan', () => {
  test('apply feeds a file, and the same again changes nothing', async () => {
    const bench = new Bench();
    const path = await bench.file('shop.toml', shopToml);
    const first = await bench.run('apply', '-f', path, '-m', 'begin');
    expect(first).toMatchObject({ exit: 0, err: '' });
    expect(first.out).toContain('+ shop/web: create');
    expect(first.out).toContain('applied at revision');
    const registry = await bench.registry();
    const revision = await registry.revision();
    const second = await bench.run('apply', '-f', path);
    expect(second).toMatchObject({ exit: 0, out: '2 unchanged\n' });
    expect(await registry.revision()).toBe(revision);
    const [entry] = await registry.history({ service: 'shop' });
    expect(entry).toMatchObject({ actor: 'cli:tester', message: 'begin' });
  });

  test('the history names who called sudo', async () => {
    const bench = new Bench();
    bench.env['SUDO_USER'] = 'ann\u001b';
    await bench.withShop();
    const [entry] = await (await bench.registry()).history({ service: 'shop' });
    expect(entry?.actor).toBe('cli:ann');
  });

  test('a dry run and a plan write nothing, not even a registry', async () => {
    const bench = new Bench();
    const path = await bench.file('shop.toml', shopToml);
    const missing = await bench.run('plan', '-f', path);
    expect(missing.exit).toBe(4);
    expect(missing.err).toContain('error E_REGISTRY_MISSING');
    await bench.registry();
    const planned = await bench.run('plan', '-f', 'shop.toml', '--exit-code');
    expect(planned.exit).toBe(10);
    expect(planned.out).toContain('2 to create');
    expect((await bench.run('apply', '--dry-run', '-f', path)).exit).toBe(0);
    expect(await (await bench.registry()).components()).toEqual([]);
  });

  test('plan --exit-code is 0 when there is no difference, 10 when there is', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    expect(await bench.run('plan', '-f', path, '--exit-code')).toMatchObject({ exit: 0 });
    await bench.file('shop.toml', shopToml.replace('128', '256'));
    const plan = await bench.run('plan', '-f', path, '--exit-code', '-o', 'json');
    expect(plan.exit).toBe(10);
    expect(JSON.parse(plan.out)).toMatchObject({
      differs: true,
      components: [
        {
          component: 'web',
          action: 'update',
          effect: 'update',
          differences: [{ field: 'memory_mb', before: 128, after: 256 }],
        },
        { component: 'db', action: 'unchanged' },
      ],
    });
    expect((await bench.run('plan', '-f', path)).exit).toBe(0);
  });

  test('an edit elsewhere is a conflict, shown, and undone by --force alone', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    const registry = await bench.registry();
    const web = await registry.component({ service: 'shop', component: 'web' });
    if (!web) throw new Error('not applied');
    const byHand = { ...web.spec, memoryMb: 64 };
    await registry.change([{ kind: 'put-component', service: 'shop', spec: byHand, source: web.source }], {
      actor: 'sql',
      request: null,
      message: null,
    });
    const refused = await bench.run('apply', '-f', path);
    expect(refused.exit).toBe(5);
    expect(refused.err).toContain('memory_mb: 64 → 128');
    expect(refused.err).toContain('error E_CONFLICT');
    const plan = await bench.run('plan', '-f', path);
    expect(plan.exit).toBe(0);
    expect(plan.err).toContain('wants --force');
    const json = await bench.run('apply', '-f', path, '-o', 'json');
    expect(json).toMatchObject({ exit: 5, out: '' });
    expect(JSON.parse(json.err)).toMatchObject({
      error: { code: 'E_CONFLICT', details: { conflicts: [{ component: 'web' }] } },
    });
    expect((await registry.component(web.key))?.spec.memoryMb).toBe(64);
    expect((await bench.run('apply', '-f', path, '--force')).exit).toBe(0);
    expect((await registry.component(web.key))?.spec.memoryMb).toBe(128);
  });

  test('a component that the file lost stays without --prune', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    await bench.file(
      'shop.toml',
      shopToml.slice(0, shopToml.lastIndexOf('[[components]]')).replace('depends_on = ["db"]', ''),
    );
    const kept = await bench.run('apply', '-f', path);
    expect(kept.out).toContain('remove it with --prune');
    const registry = await bench.registry();
    const db = { service: 'shop', component: 'db' };
    expect((await registry.component(db))?.deleting).toBe(false);
    expect((await bench.run('apply', '-f', path, '--prune')).exit).toBe(0);
    expect((await registry.component(db))?.deleting).toBe(true);
  });

  test('a folder is applied as a whole, or not at all', async () => {
    const bench = new Bench();
    await mkdir(join(bench.home, 'defs'));
    await bench.file('defs/a.toml', 'name = "a"\n[[components]]\nname = "a"\nimage = "localhost/a:1"\n');
    await bench.file('defs/b.toml', 'name = "b"\n[[components]]\nname = "b"\nimge = "localhost/b:1"\n');
    await bench.registry();
    const bad = await bench.run('apply', '-f', 'defs');
    expect(bad.exit).toBe(2);
    expect(bad.err).toMatch(/defs\/b\.toml:4:1: .*imge.*image/);
    expect(bad.err).toContain('next: ');
    expect(await (await bench.registry()).components()).toEqual([]);
    await bench.file('defs/b.toml', 'name = "b"\n[[components]]\nname = "b"\nimage = "localhost/b:1"\n');
    expect((await bench.run('apply', '-f', 'defs/')).exit).toBe(0);
    expect(await (await bench.registry()).components()).toHaveLength(2);
  });

  test('two components on one host port are refused before anything is written', async () => {
    const bench = new Bench();
    await bench.withShop();
    const path = await bench.file(
      'b.toml',
      'name = "b"\n[[components]]\nname = "b"\nimage = "localhost/b:1"\nports = ["8080:80"]\n',
    );
    for (const argv of [
      ['apply', '-f', path],
      ['plan', '-f', path],
    ]) {
      const result = await bench.run(...argv);
      expect(result.exit).toBe(2);
      expect(result.err).toContain('error E_PORT_COLLISION');
    }
  });

  test('problems of a definition are JSON on stderr with -o json', async () => {
    const bench = new Bench();
    const path = await bench.file('bad.toml', 'name = "Bad Name"\n');
    await bench.registry();
    const { exit, err } = await bench.run('apply', '-f', path, '-o', 'json');
    expect(exit).toBe(2);
    const { error } = JSON.parse(err) as {
      error: { code: string; problems: readonly { line: number; field: string }[] };
    };
    expect(error.code).toBe('E_DEFINITION');
    expect(error.problems.find((problem) => problem.field === 'name')).toMatchObject({ line: 1 });
  });
});

describe('deploy', () => {
  test('applies, shows progress and ends when all has converged', async () => {
    const bench = new Bench();
    const path = await bench.file('shop.toml', shopToml);
    const registry = await bench.registry();
    const deploying = bench.start('deploy', '-f', path, '--timeout', '8s');
    const unwatch = registry.watch(() => {
      void (async () => {
        for (const record of await registry.components()) {
          if (record.status.phase === 'pending')
            await bench.observe(`shop/${record.key.component}`, { phase: 'creating', message: 'makes it' });
          else if (record.status.phase === 'creating') await bench.running(`shop/${record.key.component}`);
        }
      })();
    });
    const { exit, out } = await deploying.done;
    unwatch();
    expect(exit).toBe(0);
    expect(out).toMatch(/shop\/web .*running .*it runs/);
    expect(out).toContain('converged: 2 components');
  });

  test('exits with 3 when time is up and with 1 when a component failed for good', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    const late = await bench.run('deploy', '-f', path, '--timeout', '50ms');
    expect(late.exit).toBe(3);
    expect(late.err).toContain('error E_NOT_CONVERGED');
    expect(late.err).toContain('next: see why with: berth explain shop/');
    await bench.running('shop/db');
    await bench.observe('shop/web', { phase: 'failed', reason: 'GaveUp', message: 'it never became ready' });
    const failed = await bench.run('deploy', 'shop', '--timeout', '5s', '-o', 'json');
    expect(failed.exit).toBe(1);
    expect(JSON.parse(failed.out)).toMatchObject({ outcome: 'failed' });
    expect(JSON.parse(failed.err)).toMatchObject({ error: { code: 'E_COMPONENT_FAILED' } });
  });

  test('Ctrl-C ends the wait with 130', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    const waiting = bench.start('deploy', '-f', path);
    await expect.poll(() => waiting.out(), patiently).toContain('shop/web');
    waiting.interrupt();
    expect((await waiting.done).exit).toBe(130);
  });

  test('of a service follows the tags that moved', async () => {
    const bench = new Bench();
    await bench.withShop();
    const drift = {
      field: 'image',
      desired: 'sha256:1',
      observed: 'sha256:2',
      sinceMs: 5,
      evidence: 'the tag',
      action: 'reported',
    };
    await bench.running('shop/web', { drift: [drift] });
    await bench.running('shop/db');
    const { exit, out } = await bench.run('deploy', 'shop', '--timeout', '50ms');
    expect(exit).toBe(3);
    expect(out).toContain('its tag names another one now');
    const record = await (await bench.registry()).component({ service: 'shop', component: 'web' });
    expect(record?.imageRefresh).toBe(1);
  });

  test.each([[['deploy']], [['deploy', 'shop', '-f', 'x.toml']]])('%j is bad usage', async (argv) => {
    expect((await new Bench().run(...argv)).exit).toBe(2);
  });
});
