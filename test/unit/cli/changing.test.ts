import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { volumeName } from '../../../src/core/names.js';
import { Bench, patiently, shopToml } from './support.js';

const web = { service: 'shop', component: 'web' };

describe('start, stop and restart', () => {
  test('set what is wanted now, and an apply leaves it so', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    const registry = await bench.registry();
    const stopped = await bench.run('stop', 'shop/web', '-m', 'maintenance');
    expect(stopped).toMatchObject({ exit: 0, out: 'shop/web: wanted stopped\n' });
    expect(await registry.component(web)).toMatchObject({ desired: 'stopped' });
    expect((await bench.run('apply', '-f', path)).out).toContain('2 unchanged');
    expect(await registry.component(web)).toMatchObject({ desired: 'stopped' });
    expect((await bench.run('start', 'shop', '-o', 'json')).out).toContain('"component": "db"');
    expect(await registry.component(web)).toMatchObject({ desired: 'running' });
  });

  test('nothing of a service that is not active can be started', async () => {
    const bench = new Bench();
    const path = await bench.file('shop.toml', shopToml.replace('name = "shop"', 'name = "shop"\nactive = false'));
    await bench.run('apply', '-f', path);
    const { exit, err } = await bench.run('start', 'shop/web');
    expect(exit).toBe(2);
    expect(err).toContain('set active = true');
    expect(JSON.parse((await bench.run('status', '-o', 'json')).out)).toMatchObject({
      components: [{ desired: 'stopped' }, {}],
    });
  });

  test('restart asks once, of what is wanted running', async () => {
    const bench = new Bench();
    await bench.withShop();
    const registry = await bench.registry();
    expect((await bench.run('restart', 'shop/web')).exit).toBe(0);
    expect((await registry.component(web))?.restartToken).toBe(1);
    await bench.run('stop', 'shop/web');
    const refused = await bench.run('restart', 'shop/web');
    expect(refused.exit).toBe(2);
    expect(refused.err).toContain('next: start it with: berth start shop/web');
  });

  test('--wait ends when it is so', async () => {
    const bench = new Bench();
    await bench.withShop();
    const stopping = bench.start('stop', 'shop/web', '--wait', '--timeout', '8s');
    await expect.poll(() => stopping.out(), patiently).toContain('shop/web');
    await bench.observe('shop/web', { phase: 'stopped', observed: 'stopped', message: 'stopped as wanted' });
    expect(await stopping.done).toMatchObject({ exit: 0 });
    await bench.running('shop/db');
    expect((await bench.run('restart', 'shop/db', '--wait', '--timeout', '30ms')).exit).toBe(3);
  });

  test('say when no agent will act on it', async () => {
    const bench = new Bench();
    await bench.withShop();
    bench.agent = null;
    expect((await bench.run('stop', 'shop')).err).toContain('no agent serves this home');
  });
});

describe('delete', () => {
  test('asks on a terminal, and wants --yes elsewhere', async () => {
    const bench = new Bench();
    await bench.withShop();
    const registry = await bench.registry();
    const blind = await bench.run('delete', 'shop/web');
    expect(blind.exit).toBe(2);
    expect(blind.err).toContain('--yes');
    bench.answers = ['n'];
    expect((await bench.run('delete', 'shop/web')).exit).toBe(1);
    expect((await registry.component(web))?.deleting).toBe(false);
    bench.answers = ['y'];
    expect((await bench.run('delete', 'shop/web')).exit).toBe(0);
    expect((await registry.component(web))?.deleting).toBe(true);
  });

  test('refuses what another component depends on', async () => {
    const bench = new Bench();
    await bench.withShop();
    const { exit, err } = await bench.run('delete', 'shop/db', '--yes');
    expect(exit).toBe(2);
    expect(err).toContain('shop/web depends on "db"');
  });

  test('of a service waits until all of it is gone', async () => {
    const bench = new Bench();
    await bench.withShop();
    const registry = await bench.registry();
    const deleting = bench.start('delete', 'shop', '--yes', '--wait', '--timeout', '8s');
    await expect.poll(() => deleting.out(), patiently).toContain('shop/db');
    const context = { actor: 'agent', request: null, message: null };
    for (const component of ['web', 'db']) await registry.purgeComponent({ service: 'shop', component }, [], context);
    expect((await deleting.done).exit).toBe(0);
    expect((await bench.run('delete', 'shop', '--yes')).exit).toBe(4);
  });

  test('a volume goes by name alone, and not while it is mounted', async () => {
    const bench = new Bench();
    await bench.withShop();
    const registry = await bench.registry();
    const name = volumeName(registry.homeId, 'shop', 'data');
    await registry.recordIntents([
      { kind: 'volume', driver: 'podman', name, service: 'shop', component: null, generation: null },
    ]);
    const mounted = await bench.run('delete', 'shop', '--volume', 'data', '--yes');
    expect(mounted.exit).toBe(5);
    expect(mounted.err).toContain('mounted by shop/db');
    await bench.run('delete', 'shop', '--yes');
    const wrong = await bench.run('delete', 'shop', '--volume', 'dato', '--yes');
    expect(wrong.exit).toBe(4);
    expect(wrong.err).toContain('did you mean "data"?');
    expect((await bench.run('delete', 'shop', '--volume', 'data', '--yes')).exit).toBe(0);
    expect(await registry.volumesToRemove()).toEqual([{ service: 'shop', volume: 'data' }]);
    expect((await bench.run('delete', 'shop/web', '--volume', 'data', '--yes')).exit).toBe(2);
  });
});

describe('edit', () => {
  const editing = async (): Promise<Bench> => {
    const bench = new Bench();
    bench.env['EDITOR'] = 'fake --wait';
    await bench.withShop();
    return bench;
  };

  test('shows the plan and carries it out; the file stays the source', async () => {
    const bench = await editing();
    bench.editor = (text) => ({ text: text.replace('128', '64') });
    const { exit, out } = await bench.run('edit', 'shop', '-m', 'less');
    expect(exit).toBe(0);
    expect(out).toContain('memory_mb: 128 → 64');
    const record = await (await bench.registry()).component(web);
    expect(record).toMatchObject({ spec: { memoryMb: 64 } });
    expect(record?.source).toMatch(/shop\.toml$/);
  });

  test('asks on a terminal', async () => {
    const bench = await editing();
    bench.editor = (text) => ({ text: text.replace('128', '64') });
    bench.answers = ['n'];
    expect((await bench.run('edit', 'shop')).out).toContain('nothing was changed');
    expect((await (await bench.registry()).component(web))?.spec.memoryMb).toBe(128);
  });

  test('an unchanged text changes nothing', async () => {
    const bench = await editing();
    const revision = await (await bench.registry()).revision();
    expect(await bench.run('edit', 'shop')).toMatchObject({ exit: 0, out: 'nothing was edited\n' });
    expect(await (await bench.registry()).revision()).toBe(revision);
  });

  test('what changed meanwhile is a conflict, and the text is kept', async () => {
    const bench = await editing();
    const registry = await bench.registry();
    bench.editor = async (text) => {
      const record = await registry.component(web);
      if (record) {
        const spec = { ...record.spec, memoryMb: 512 };
        await registry.change([{ kind: 'put-component', service: 'shop', spec, source: null }], {
          actor: 'sql',
          request: null,
          message: null,
        });
      }
      return { text: text.replace('128', '64') };
    };
    const { exit, err } = await bench.run('edit', 'shop');
    expect(exit).toBe(5);
    expect(err).toContain('error E_CONFLICT');
    const kept = /kept in (\S+)/.exec(err)?.[1] ?? '';
    expect(await readFile(kept, 'utf8')).toContain('memory_mb = 64');
    expect((await registry.component(web))?.spec.memoryMb).toBe(512);
  });

  test('a wrong text is kept and named; on a terminal it may be mended', async () => {
    const bench = await editing();
    bench.editor = (text) => ({ text: text.replace('memory_mb = 128', 'memory_mb = "much"') });
    const wrong = await bench.run('edit', 'shop');
    expect(wrong.exit).toBe(2);
    expect(wrong.err).toMatch(/shop\.toml:\d+:\d+: /);
    expect(wrong.err).toContain('your text is kept in');
    bench.answers = ['y', 'y'];
    let calls = 0;
    bench.editor = (text) => ({
      text: text.replace(/memory_mb = .*/, `memory_mb = ${(calls += 1) === 1 ? '"much"' : '96'}`),
    });
    expect((await bench.run('edit', 'shop')).exit).toBe(0);
    expect((await (await bench.registry()).component(web))?.spec.memoryMb).toBe(96);
  });

  test.each([
    ['an editor that fails', { EDITOR: 'fake' }, 1, 1],
    ['no editor at all', {}, 0, 1],
  ])('%s changes nothing', async (_name, env, editorExit, exit) => {
    const bench = new Bench();
    await bench.withShop();
    Object.assign(bench.env, env);
    bench.editor = () => ({ text: '', exit: editorExit });
    const result = await bench.run('edit', 'shop');
    expect(result.exit).toBe(exit);
    expect(result.err).toContain('error E_EDITOR');
  });

  test('cannot rename a service', async () => {
    const bench = await editing();
    bench.editor = (text) => ({ text: text.replace('name = "shop"', 'name = "store"') });
    const { exit, err } = await bench.run('edit', 'shop');
    expect(exit).toBe(2);
    expect(err).toContain('cannot be renamed');
    expect(shopToml).toContain('name = "shop"');
  });
});
