import { describe, expect, test } from 'vitest';
import { parse } from 'smol-toml';
import type { NewEvent } from '../../../src/core/event.js';
import { Bench, patiently, shopToml } from './support.js';

const stateDrift = {
  field: 'state',
  desired: 'running',
  observed: 'exited',
  sinceMs: Date.UTC(2026, 0, 31),
  evidence: 'podman: died, exit code 137',
  action: 'starts it again',
};
const event = (reason: NewEvent['reason'], component: string | null = 'web'): NewEvent => ({
  service: 'shop',
  component,
  severity: 'warning',
  reason,
  message: `about ${reason}`,
  data: { n: 1 },
});

describe('status', () => {
  test('prints the fields that programs rely on', async () => {
    const bench = new Bench();
    await bench.withShop();
    await bench.running('shop/web', {
      restarts: 2,
      exitCode: 137,
      nextTryAtMs: Date.UTC(2026, 0, 31),
      drift: [stateDrift],
    });
    const registry = await bench.registry();
    await registry.setFreshness([{ driver: 'podman', lastGoodAtMs: Date.now() - 5_000, error: null, since: null }]);
    const { exit, out, err } = await bench.run('status', 'shop', '-o', 'json');
    expect([exit, err]).toEqual([0, '']);
    const report = JSON.parse(out) as { revision: number; components: readonly Record<string, unknown>[] };
    expect(report).toMatchObject({
      revision: await registry.revision(),
      agent: { pid: 4711, since: '1970-01-01T00:00:01.000Z' },
    });
    expect(report.components.map((view) => view['component'])).toEqual(['db', 'web']);
    const web = report.components[1];
    expect(web).toMatchObject({
      service: 'shop',
      component: 'web',
      workload: 'shop-web',
      runtime: 'container',
      driver: 'podman',
      desired: 'running',
      observed: 'running',
      phase: 'running',
      ready: true,
      restarts: 2,
      exitCode: 137,
      nextTryAt: '2026-01-31T00:00:00.000Z',
      reason: 'Running',
      message: 'it runs',
      drift: [
        {
          field: 'state',
          desired: 'running',
          observed: 'exited',
          since: '2026-01-31T00:00:00.000Z',
          evidence: stateDrift.evidence,
          action: stateDrift.action,
        },
      ],
    });
    expect(web?.['generation']).toBe(web?.['observedGeneration']);
    expect(web?.['observedAgeMs']).toBeGreaterThanOrEqual(5_000);
  });

  test('says so when no agent runs, and when nothing is wanted', async () => {
    const bench = new Bench();
    await bench.registry();
    bench.agent = null;
    const { exit, out, err } = await bench.run('status');
    expect(exit).toBe(0);
    expect(out).toContain('nothing is wanted here yet');
    expect(err).toContain('no agent serves this home');
    expect(JSON.parse((await bench.run('status', '-o', 'json')).out)).toMatchObject({ agent: null, components: [] });
  });

  test('aligns its columns, without colours in a pipe', async () => {
    const bench = new Bench();
    await bench.withShop();
    await bench.running('shop/web');
    const lines = (await bench.run('status')).out.trimEnd().split('\n');
    const column = lines[0]?.indexOf('PHASE') ?? -1;
    expect(lines[1]?.slice(column)).toMatch(/^pending/);
    expect(lines[2]?.slice(column)).toMatch(/^running/);
    expect(lines.join('')).not.toContain('\u001b');
  });

  test('has colours on a terminal, and none with NO_COLOR', async () => {
    const bench = new Bench();
    await bench.withShop();
    bench.answers = [];
    expect((await bench.run('status')).out).toContain('\u001b[');
    bench.env['NO_COLOR'] = '1';
    expect((await bench.run('status')).out).not.toContain('\u001b[');
  });

  test('--watch prints again when something changed, and not otherwise', async () => {
    const bench = new Bench();
    await bench.withShop();
    const watching = bench.start('status', '--watch', '-o', 'json');
    const lines = (): readonly string[] =>
      watching
        .out()
        .split('\n')
        .filter((line) => line !== '');
    await expect.poll(lines, patiently).toHaveLength(1);
    const registry = await bench.registry();
    await registry.setFreshness([{ driver: 'podman', lastGoodAtMs: 1, error: null, since: null }]);
    await bench.running('shop/web');
    await expect.poll(lines, patiently).toHaveLength(2);
    expect(JSON.parse(lines()[1] ?? '')).toMatchObject({ components: [{}, { phase: 'running' }] });
    watching.interrupt();
    expect((await watching.done).exit).toBe(0);
  });
});

describe('drift', () => {
  test('shows each difference with its why, and exits with 10 when asked', async () => {
    const bench = new Bench();
    await bench.withShop();
    expect(await bench.run('drift', '--exit-code')).toMatchObject({ exit: 0, out: 'no drift\n' });
    await bench.running('shop/web', { drift: [stateDrift] });
    const { exit, out } = await bench.run('drift', '--exit-code');
    expect(exit).toBe(10);
    expect(out).toContain('podman: died, exit code 137');
    const json = await bench.run('drift', 'shop', '-o', 'json');
    expect(json.exit).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({
      drift: [{ service: 'shop', component: 'web', field: 'state' }],
      unknown: [],
    });
  });

  test('does not pass ignorance off as peace', async () => {
    const bench = new Bench();
    await bench.withShop();
    await bench.observe('shop/web', { phase: 'unknown', message: 'running 34 s ago; podman timed out' });
    expect((await bench.run('drift')).err).toContain('1 of 2 components are unknown');
  });
});

describe('explain', () => {
  test('says what it waits for, what was decided, and who changed it last', async () => {
    const bench = new Bench();
    await bench.file('shop.toml', '');
    await bench.withShop();
    await bench.observe(
      'shop/web',
      { phase: 'blocked', reason: 'Waits', message: 'waits for db', drift: [stateDrift], imageDigest: 'sha256:abc' },
      [event('Exited')],
    );
    const registry = await bench.registry();
    await registry.setFreshness([{ driver: 'podman', lastGoodAtMs: 1, error: 'it timed out', since: 5 }]);
    const { exit, out } = await bench.run('explain', 'shop/web');
    expect(exit).toBe(0);
    for (const part of [
      'shop/web is blocked: waits for db (Waits)',
      'shop/db, which is pending',
      'it timed out',
      'about Exited',
      'cli:tester',
      'sha256:abc',
      'evidence: podman: died',
    ]) {
      expect(out).toContain(part);
    }
    const json = JSON.parse((await bench.run('explain', 'shop/web', '-o', 'json')).out) as Record<string, unknown>;
    expect(json).toMatchObject({
      component: { phase: 'blocked' },
      driverError: { error: 'it timed out' },
      decisions: [{ reason: 'Exited', severity: 'warning' }],
      lastChange: { actor: 'cli:tester', component: 'web' },
      image: { digest: 'sha256:abc' },
    });
  });

  test('wants a component, and names the nearest', async () => {
    const bench = new Bench();
    await bench.withShop();
    expect((await bench.run('explain', 'shop')).exit).toBe(2);
    const wrong = await bench.run('explain', 'shop/wbe');
    expect(wrong.exit).toBe(4);
    expect(wrong.err).toContain('did you mean "shop/web"?');
  });
});

describe('events', () => {
  test('are filtered by target, time and number', async () => {
    const bench = new Bench();
    await bench.withShop();
    await bench.running('shop/web', {}, [event('Created'), event('Started')]);
    await bench.running('shop/db', {}, [event('Stopped', 'db')]);
    const reasons = async (...argv: readonly string[]): Promise<readonly string[]> => {
      const { out } = await bench.run('events', '-o', 'json', ...argv);
      return out
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { reason: NewEvent['reason'] }).reason);
    };
    expect(await reasons()).toEqual(['Created', 'Started', 'Stopped']);
    expect(await reasons('shop/web')).toEqual(['Created', 'Started']);
    expect(await reasons('--tail', '1')).toEqual(['Stopped']);
    expect(await reasons('--since', '1h')).toEqual(['Created', 'Started', 'Stopped']);
    expect(await reasons('--since', '2999-01-01')).toEqual([]);
    expect((await bench.run('events')).out).toMatch(/warning .*shop\/web .*Created .*about Created/);
  });

  test('--follow prints each new one as an object a line, until interrupted', async () => {
    const bench = new Bench();
    await bench.withShop();
    await bench.running('shop/db', {}, [event('Created', 'db')]);
    const following = bench.start('events', '-f', '-o', 'json');
    await expect.poll(() => following.out(), patiently).toContain('Created');
    await bench.running('shop/web', {}, [event('Started')]);
    await expect.poll(() => following.out(), patiently).toContain('Started');
    const objects = following
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { revision: number; at: string; data: unknown });
    expect(objects).toHaveLength(2);
    expect(objects[1]).toMatchObject({ data: { n: 1 } });
    expect(objects[1]?.revision).toBeGreaterThan(objects[0]?.revision ?? 0);
    following.interrupt();
    expect((await following.done).exit).toBe(0);
  });

  test('--follow of what does not exist ends at once', async () => {
    const bench = new Bench();
    await bench.withShop();
    expect((await bench.run('events', 'shpo', '-f')).exit).toBe(4);
  });

  test('--follow ends quietly when its reader is gone', async () => {
    const bench = new Bench();
    await bench.withShop();
    const following = bench.start('events', '-f');
    await bench.running('shop/web', {}, [event('Started')]);
    await expect.poll(() => following.out(), patiently).toContain('Started');
    following.closeStdout();
    expect(await following.done).toMatchObject({ exit: 0, err: '' });
  });
});

describe('history, rollback and export', () => {
  test('history shows who changed what and why; rollback takes the last change back', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    const before = (await bench.run('export', 'shop')).out;
    await bench.file('shop.toml', before.replace('128', '256').replace('shop-db:1', 'shop-db:2'));
    expect((await bench.run('apply', '-f', path, '-m', 'more memory')).exit).toBe(0);
    const { out } = await bench.run('history', 'shop/web');
    expect(out).toContain('memory_mb: 128 → 256');
    expect(out).toContain('more memory');
    await bench.run('stop', 'shop');
    const dry = await bench.run('rollback', 'shop', '--dry-run');
    expect(dry.out).toContain('memory_mb: 256 → 128');
    const back = await bench.run('rollback', 'shop', '-m', 'too much');
    expect(back.exit).toBe(0);
    expect((await bench.run('export', 'shop')).out).toBe(before);
    // A start or stop is no change of the definition, and stays as it is.
    const registry = await bench.registry();
    expect((await registry.components()).map((record) => record.desired)).toEqual(['stopped', 'stopped']);
    expect((await registry.history({ service: 'shop', limit: 1 }))[0]).toMatchObject({ message: 'too much' });
    // The file is older than the rollback now.
    expect((await bench.run('apply', '-f', path)).exit).toBe(5);
  });

  test('rollback --to goes to any revision that is kept, and says when there was nothing', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    const registry = await bench.registry();
    const first = await registry.revision();
    for (const memory of ['64', '32']) {
      const { text } = {
        text: (await bench.run('export', 'shop')).out.replace(/memory_mb = \d+/, `memory_mb = ${memory}`),
      };
      await bench.file('shop.toml', text);
      expect((await bench.run('apply', '-f', path)).exit).toBe(0);
    }
    const result = await bench.run('rollback', 'shop', '--to', String(first), '-o', 'json');
    expect(JSON.parse(result.out)).toMatchObject({ to: first, changed: true });
    expect((await registry.component({ service: 'shop', component: 'web' }))?.spec.memoryMb).toBe(128);
    expect((await bench.run('rollback', 'shop', '--to', 'x')).exit).toBe(2);
    expect((await bench.run('rollback', 'nothing')).exit).toBe(4);
  });

  test('what one author changed at one instant goes back together', async () => {
    const bench = new Bench();
    await bench.withShop();
    const registry = await bench.registry();
    const records = await registry.components();
    const changes = records.map((record) => ({
      kind: 'put-component' as const,
      service: 'shop',
      spec: { ...record.spec, memoryMb: 77 },
      source: record.source,
    }));
    await registry.change(changes, { actor: 'watch:/defs/shop.toml', request: null, message: null });
    expect((await bench.run('rollback', 'shop')).exit).toBe(0);
    expect((await registry.components()).map((record) => record.spec.memoryMb)).toEqual([null, 128]);
  });

  test('rollback brings back what was deleted', async () => {
    const bench = new Bench();
    await bench.withShop();
    expect((await bench.run('delete', 'shop', '--yes')).exit).toBe(0);
    expect((await bench.run('rollback', 'shop')).exit).toBe(0);
    const records = await (await bench.registry()).components();
    expect(records.map((record) => [record.deleting, record.service.deleting])).toEqual([
      [false, false],
      [false, false],
    ]);
  });

  test('rollback brings back what was deleted and is gone', async () => {
    const bench = new Bench();
    await bench.withShop();
    const before = (await bench.run('export', 'shop')).out;
    expect((await bench.run('delete', 'shop', '--yes')).exit).toBe(0);
    await bench.purged('shop/web', 'shop/db');
    expect(await (await bench.registry()).services()).toEqual([]);
    const back = await bench.run('rollback', 'shop');
    expect(back).toMatchObject({ exit: 0, err: '' });
    expect((await bench.run('export', 'shop')).out).toBe(before);
  });

  test('rollback brings back what a definition left out, while it goes and when it is gone', async () => {
    for (const gone of [[], ['shop/db']]) {
      const bench = new Bench();
      const path = await bench.withShop();
      const before = (await bench.run('export', 'shop')).out;
      const without = shopToml.slice(0, shopToml.lastIndexOf('[[components]]')).replace('depends_on = ["db"]', '');
      await bench.file('shop.toml', without);
      expect(await bench.run('apply', '-f', path, '--prune')).toMatchObject({ exit: 0 });
      await bench.purged(...gone);
      // A second rollback takes back the first, and that is no removal of the agent's either.
      expect(await bench.run('rollback', 'shop')).toMatchObject({ exit: 0 });
      expect((await bench.run('export', 'shop')).out).toBe(before);
      expect(await bench.run('rollback', 'shop')).toMatchObject({ exit: 0 });
      expect((await bench.run('export', 'shop')).out).not.toContain('shop-db');
    }
  });

  test('rollback finds the last change however often the service was restarted since', async () => {
    const bench = new Bench();
    const path = await bench.withShop();
    const before = (await bench.run('export', 'shop')).out;
    await bench.file('shop.toml', before.replace('128', '256'));
    expect(await bench.run('apply', '-f', path)).toMatchObject({ exit: 0 });
    const registry = await bench.registry();
    const restart = { kind: 'request-restart' as const, key: { service: 'shop', component: 'web' } };
    for (let count = 0; count < 501; count += 1) {
      await registry.change([restart], { actor: 'cli:user', request: String(count), message: null });
    }
    expect(await bench.run('rollback', 'shop')).toMatchObject({ exit: 0 });
    expect((await bench.run('export', 'shop')).out).toBe(before);
  });

  test('a service that just began has nothing before it', async () => {
    const bench = new Bench();
    await bench.withShop();
    const { exit, err } = await bench.run('rollback', 'shop');
    expect(exit).toBe(4);
    expect(err).toContain('did not exist at revision 0');
  });

  test('export prints a definition that applies to the same', async () => {
    const bench = new Bench();
    await bench.withShop();
    const { out } = await bench.run('export', 'shop');
    expect(parse(out)).toMatchObject({ name: 'shop' });
    const path = await bench.file('again.toml', out);
    expect((await bench.run('plan', '-f', path, '--exit-code')).exit).toBe(0);
    expect(JSON.parse((await bench.run('export', 'shop', '-o', 'json')).out)).toMatchObject({
      name: 'shop',
      active: true,
    });
  });
});
