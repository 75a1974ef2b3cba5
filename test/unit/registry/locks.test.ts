import { once } from 'node:events';
import { execa } from 'execa';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { acquireAgentLock, openRegistry, readAgentHolder } from '../../../src/registry/index.js';
import { openSession } from '../../../src/registry/session.js';
import { Writer } from '../../../src/registry/writer.js';
import { eventually } from '../../support/eventually.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { cli, feedAfter, openTemporary, put, putService, spec, temporaryFolder } from './support.js';

const web = { service: 'shop', component: 'web' };

test('while another program holds the lock, reads go on and writes wait', async () => {
  const { registry, path } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const other = new Database(path);
  onTestFinished(() => {
    other.close();
  });
  other.exec('begin immediate');
  const write = registry.change([put('shop', spec('web', { memoryMb: 64 }))], cli);
  expect(await registry.component(web)).toMatchObject({ spec: { memoryMb: null } });
  // The event loop turns: timers of this process fire while the write waits.
  await eventually(() => registry.component(web));
  other.exec('commit');
  await write;
  expect(await registry.component(web)).toMatchObject({ spec: { memoryMb: 64 } });
});

test('a lock that outlasts the deadline is named, and the write is not made later', async () => {
  const { registry, path } = await openTemporary({ busyDeadlineMs: 40 });
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const other = new Database(path);
  onTestFinished(() => {
    other.close();
  });
  other.exec('begin immediate');
  const writes = [64, 65].map((memoryMb) => registry.change([put('shop', spec('web', { memoryMb }))], cli));
  for (const write of writes) await expect(write).rejects.toMatchObject({ code: 'E_REGISTRY_BUSY' });
  other.exec('rollback');
  const revision = await registry.change([put('shop', spec('web', { memoryMb: 66 }))], cli);
  expect(revision).toBe(3);
});

test('writes that wait together are committed together, and fail alone', async () => {
  const { registry } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const outcomes = await Promise.allSettled([
    registry.change([put('shop', spec('a'))], cli),
    registry.change([put('shop', spec('b', { dependsOn: ['nothing'] }))], cli),
    registry.change([put('shop', spec('c', { dependsOn: ['a'] }))], { ...cli, actor: 'cli:other' }),
  ]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await registry.components()).map((record) => record.key.component)).toEqual(['a', 'c', 'web']);
  const entries = await feedAfter(registry, 2);
  expect(entries.map((entry) => [entry.component, entry.actor])).toEqual([
    ['a', 'cli:test'],
    ['c', 'cli:other'],
  ]);
});

test('two connections write at once, and lose nothing', async () => {
  const { registry, path } = await openTemporary();
  const second = await openRegistry({ path, clock: realClock, chance: realChance });
  onTestFinished(() => second.close());
  await registry.change([putService('shop')], cli);
  const writers = [registry, second].map(async (writer, index) => {
    for (let count = 0; count < 25; count += 1) await writer.change([put('shop', spec(`c${index}-${count}`))], cli);
  });
  await Promise.all(writers);
  expect(await registry.components()).toHaveLength(50);
  expect(await second.components()).toEqual(await registry.components());
  const entries = await feedAfter(second, 0);
  expect(entries.map((entry) => entry.revision)).toEqual(Array.from({ length: 51 }, (_, index) => index + 1));
});

test('a full disk is named, what was answered is kept, and it is got over', async () => {
  const { path } = await openTemporary();
  const session = openSession(path);
  onTestFinished(() => {
    session.close();
  });
  let rollbacks = 0;
  const writer = new Writer({
    session,
    clock: realClock,
    path,
    deadlineMs: 100,
    onCommit: () => undefined,
    onRollback: () => (rollbacks += 1),
  });
  const fill = (bytes: number): Promise<void> =>
    writer.write('durable', (transaction) => {
      transaction.touch();
      session.handle.prepare("insert into sources values (?, hex(zeroblob(?)), '', 0)").run(`s${bytes}`, bytes);
    });
  const pages = Number(session.handle.pragma('page_count', { simple: true }));
  session.handle.pragma(`max_page_count = ${pages + 1}`);
  const sizes = [1, 100_000, 2];
  const outcomes = await Promise.allSettled(sizes.map(fill));
  expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: { code: 'E_DISK_FULL' } });
  expect(rollbacks).toBeGreaterThan(0);
  const answered = sizes.filter((_size, index) => outcomes[index]?.status === 'fulfilled');
  const kept = session.handle.prepare('select service from sources order by service').pluck().all();
  expect(kept).toEqual(answered.map((size) => `s${size}`));
  session.handle.pragma('max_page_count = 1000000');
  await fill(100_001);
  expect(session.handle.pragma('integrity_check', { simple: true })).toBe('ok');
});

const holderScript = (path: string): string => `
  import Database from 'better-sqlite3';
  const handle = new Database(${JSON.stringify(path)});
  handle.exec('begin exclusive');
  console.log('held');
  setInterval(() => {}, 1000);
`;

test('one agent a registry; the second names the first', () => {
  const path = join(temporaryFolder(), 'registry.db');
  expect(readAgentHolder(path)).toEqual({ running: false, info: null });
  const first = { pid: 4_711, host: 'here', startedAtMs: 1_700_000_000_000 };
  const release = acquireAgentLock(path, first);
  expect(readAgentHolder(path)).toEqual({ running: true, info: first });
  expect(() => acquireAgentLock(path, { ...first, pid: 5 })).toThrow(/4711.*2023-11-14/);
  expect(readAgentHolder(path)).toEqual({ running: true, info: first });
  release();
  release();
  expect(readAgentHolder(path)).toEqual({ running: false, info: null });
  acquireAgentLock(path, first)();
});

const lookerScript = (path: string): string => `
  import Database from 'better-sqlite3';
  const handle = new Database(${JSON.stringify(path)}, { readonly: true });
  handle.exec('begin; select count(*) from sqlite_schema');
  console.log('looks');
  setTimeout(() => handle.close(), 400);
`;

test('whoever looks whether an agent runs keeps none from starting', async () => {
  const path = join(temporaryFolder(), 'registry.db');
  const info = { pid: 2, host: 'here', startedAtMs: 0 };
  acquireAgentLock(path, info)();
  const child = execa(process.execPath, ['--input-type=module', '--eval', lookerScript(`${path}.agent.lock`)], {
    timeout: 30_000,
    reject: false,
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  const release = acquireAgentLock(path, info, 20_000);
  expect(readAgentHolder(path)).toEqual({ running: true, info });
  release();
  await child;
});

test('a look that does not end is called no agent', () => {
  const path = join(temporaryFolder(), 'registry.db');
  const info = { pid: 2, host: 'here', startedAtMs: 0 };
  acquireAgentLock(path, info)();
  const looker = new Database(`${path}.agent.lock`, { readonly: true });
  onTestFinished(() => {
    looker.close();
  });
  looker.exec('begin; select count(*) from sqlite_schema');
  expect(() => acquireAgentLock(path, info, 30)).toThrow(expect.objectContaining({ code: 'E_REGISTRY_BUSY' }) as Error);
  looker.exec('commit');
  acquireAgentLock(path, info, 30)();
});

test('the lock of a killed agent is free', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'registry.db');
  acquireAgentLock(path, { pid: 1, host: 'here', startedAtMs: 0 })();
  const child = execa(process.execPath, ['--input-type=module', '--eval', holderScript(`${path}.agent.lock`)], {
    timeout: 30_000,
    reject: false,
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  writeFileSync(`${path}.agent.json`, JSON.stringify({ pid: child.pid, host: 'here', startedAtMs: 5 }));
  await eventually(() => readAgentHolder(path).running);
  expect(readAgentHolder(path).info?.pid).toBe(child.pid);
  expect(() => acquireAgentLock(path, { pid: 2, host: 'here', startedAtMs: 0 })).toThrow(String(child.pid));
  child.kill('SIGKILL');
  await child;
  await eventually(() => !readAgentHolder(path).running);
  acquireAgentLock(path, { pid: 2, host: 'here', startedAtMs: 0 })();
});
