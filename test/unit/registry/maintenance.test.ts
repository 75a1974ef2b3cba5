import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  acquireAgentLock,
  backupRegistry,
  checkRegistry,
  openRegistry,
  readLastCopy,
  restoreRegistry,
  type RestoreResult,
} from '../../../src/registry/index.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { cli, openTemporary, put, putService, spec, sqlite, temporaryFolder } from './support.js';

const web = { service: 'shop', component: 'web' };

const restore = (path: string, backup: string): RestoreResult =>
  restoreRegistry({ path, backup, clock: realClock, chance: realChance, host: 'here', pid: 1 });

test('a backup of a registry in use comes back, with a new epoch and new revisions', async () => {
  const { registry, path } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web', { memoryMb: 64 }))], cli);
  const backup = await backupRegistry({ path, clock: realClock });
  expect(statSync(backup).mode & 0o777).toBe(0o600);
  expect(checkRegistry(backup)).toMatchObject({ ok: true });
  const lost = await registry.change([put('shop', spec('web', { memoryMb: 65 }))], cli);
  await registry.close();
  const result = restore(path, backup);
  const again = await openRegistry({ path, clock: realClock, chance: realChance });
  onTestFinished(() => again.close());
  expect(again.homeId).toBe(registry.homeId);
  expect(again.epoch).toBe(result.epoch);
  expect(again.epoch).not.toBe(registry.epoch);
  expect(await again.component(web)).toMatchObject({ spec: { memoryMb: 64 } });
  expect(await again.revision()).toBeGreaterThan(lost);
  expect(await again.feed(lost, 10)).toMatchObject({ kind: 'gap' });
  expect(sqlite(result.keptAside ?? '', 'select memory_mb from components')).toBe('65');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('the last backup is noted beside the registry, and a restore does not take the note back', async () => {
  const { registry, path } = await openTemporary();
  const revision = await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  expect(readLastCopy(path)).toBeNull();
  const at = (atMs: number) => ({ ...realClock, now: () => atMs });
  const first = await backupRegistry({ path, clock: at(1_000) });
  expect(readLastCopy(path)).toEqual({ atMs: 1_000, path: first, revision });
  expect(statSync(`${path}.last-backup`).mode & 0o777).toBe(0o600);
  await registry.change([put('shop', spec('web', { memoryMb: 65 }))], cli);
  const second = await backupRegistry({ path, target: join(temporaryFolder(), 'copy.db'), clock: at(2_000) });
  await registry.close();
  restore(path, first);
  expect(readLastCopy(path)).toEqual({ atMs: 2_000, path: second, revision: revision + 1 });
  writeFileSync(`${path}.last-backup`, '{}');
  expect(() => readLastCopy(path)).toThrow(/last-backup cannot be read/);
});

test('a damaged registry is replaced and kept aside', async () => {
  const { registry, path } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const backup = await backupRegistry({ path, target: join(temporaryFolder(), 'copy.db'), clock: realClock });
  await registry.close();
  writeFileSync(path, 'damage');
  expect(checkRegistry(path)).toMatchObject({ ok: false, version: null, problems: [{ kind: 'damage' }] });
  const { keptAside } = restore(path, backup);
  expect(readFileSync(keptAside ?? '', 'utf8')).toBe('damage');
  expect(checkRegistry(path)).toMatchObject({ ok: true, problems: [] });
});

test('what cannot be restored changes nothing', async () => {
  const { registry, path } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const backup = await backupRegistry({ path, clock: realClock });
  await expect(backupRegistry({ path, target: backup, clock: realClock })).rejects.toMatchObject({ code: 'E_USAGE' });
  const broken = join(temporaryFolder(), 'broken.db');
  writeFileSync(broken, 'nothing of use');
  expect(() => restore(path, broken)).toThrow(/damaged/);
  expect(() => restore(path, join(temporaryFolder(), 'none.db'))).toThrow(/no registry/);
  const release = acquireAgentLock(path, { pid: 1, host: 'here', startedAtMs: 0 });
  expect(() => restore(path, backup)).toThrow(/serves/);
  release();
  expect(await registry.component(web)).toBeDefined();
  expect(existsSync(`${path}.restoring`)).toBe(false);
});

test('a check names rules and references that SQL broke', async () => {
  const { registry, path } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web')), put('shop', spec('db'))], cli);
  expect(checkRegistry(path)).toMatchObject({ ok: true });
  sqlite(path, `update components set ports = '["80:80"]'`);
  const { ok, problems } = checkRegistry(path);
  expect(ok).toBe(false);
  expect(problems).toMatchObject([{ kind: 'rule', message: expect.stringContaining('port 80') as unknown }]);
  sqlite(
    path,
    `pragma foreign_keys = off; update context set purging = 1; delete from services; update context set purging = 0`,
  );
  expect(checkRegistry(path).problems.map((problem) => problem.kind)).toContain('reference');
});
