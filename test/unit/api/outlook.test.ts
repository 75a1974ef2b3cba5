import { describe, expect, test } from 'vitest';
import type { DoctorCheck } from '../../../src/api/views.js';
import { createLocalClient } from '../../../src/api/local-client.js';
import { firstChangeMs } from '../../../src/api/outlook/backups.js';
import { bytesInWords, listed } from '../../../src/api/outlook/check.js';
import { endOfValidity } from '../../../src/api/outlook/certificates.js';
import { commands } from '../../../src/cli/command-table.js';
import type { Driver } from '../../../src/core/ports/driver.js';
import type { FileSystemSpace, NodeFacts } from '../../../src/core/ports/node-facts.js';
import type { ChangeLogEntry, Registry } from '../../../src/core/ports/registry.js';
import { initialStatus, type ComponentStatus } from '../../../src/core/status.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { fakeDriver } from '../cli/support.js';
import { agent, cli, openTemporary, put, putService, spec } from '../registry/support.js';

const mib = 1_024 ** 2;
const gib = 1_024 ** 3;

/** Valid from 2026-11-28 to 2027-02-26, 03:07 UTC. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBQjCB9aADAgECAhQv1yvPEehKMnItjzu3oUg2eFx7NzAFBgMrZXAwFzEVMBMG
A1UEAwwMc2hvcC5leGFtcGxlMB4XDTI2MTEyODAzMDcwMFoXDTI3MDIyNjAzMDcw
MFowFzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMCowBQYDK2VwAyEAmkqJRzgqy5Lw
322yl5Z7hrb/g4u0F4unnTih19abyUGjUzBRMB0GA1UdDgQWBBRtH2CkCdAVXJvc
ywL20sgoq8QHvDAfBgNVHSMEGDAWgBRtH2CkCdAVXJvcywL20sgoq8QHvDAPBgNV
HRMBAf8EBTADAQH/MAUGAytlcANBAI9UMlyTbCVhg8a2CSReTr5gCnIUq9+KOzs3
Ozd7zcgWI3t6A8W4b4+3UUlRxOJ0kVo6UzdSzUO31+Qw0jA62QE=
-----END CERTIFICATE-----
`;
/** Ended on 2021-01-01. */
const expired = `-----BEGIN CERTIFICATE-----
MIHTMIGGAgEBMAUGAytlcDAWMRQwEgYDVQQDDAtvbGQuZXhhbXBsZTAeFw0yMDAx
MDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBYxFDASBgNVBAMMC29sZC5leGFtcGxl
MCowBQYDK2VwAyEAWvylSCT5sV2HzlftPDu3yUzJmS2uu+Qs4dGbG+G0kEowBQYD
K2VwA0EAgPXdmPxXEcn3XmtYmpwPKr2X+6acMGHdUAFvpvWhhmk+Se5mD164q0pG
KWvNuU+BxIuvXohNS/PdPCS+pm3cAA==
-----END CERTIFICATE-----
`;
const expiredMs = Date.parse('2021-01-01T00:00:00Z');
const endMs = Date.parse('2027-02-26T03:07:00Z');

const roomy: FileSystemSpace = { device: '1', totalBytes: 100 * gib, freeBytes: 60 * gib, inodes: null };

/** A node on which nothing runs out. */
const plenty: NodeFacts = {
  space: () => Promise.resolve(roomy),
  memory: () => ({ totalBytes: 16 * gib, availableBytes: 8 * gib }),
  readText: () => Promise.resolve(undefined),
  lastCopy: () => Promise.resolve(null),
};

interface World {
  readonly node?: Partial<NodeFacts>;
  readonly drivers?: readonly Driver[];
  readonly nowMs?: number;
}

const commandNames = commands.flatMap(({ name }) => name.split(' '));

/** What the doctor says without asking the drivers what they can do. Its remedies name commands that there are. */
async function checksOf(registry: Registry, { node = {}, drivers = [], nowMs }: World = {}) {
  const clock = { ...realClock, now: () => nowMs ?? realClock.now() };
  const client = createLocalClient({
    registry,
    reader: () => Promise.reject(new Error('nothing is read')),
    drivers: () => Promise.resolve(drivers),
    node: { ...plenty, ...node },
    clock,
    chance: realChance,
    actor: 'cli:test',
    agentHolder: () => Promise.resolve({ pid: 1, sinceMs: 0 }),
  });
  const { checks } = await client.doctor({ drivers: false });
  for (const { remedy } of checks) {
    const named = [...(remedy ?? '').matchAll(/\bberth ([a-z]+)/g)].map(([, command]) => command);
    expect(commandNames).toEqual(expect.arrayContaining(named));
  }
  return checks;
}

function of(checks: readonly DoctorCheck[], area: string): readonly DoctorCheck[] {
  return checks.filter((check) => check.area === area);
}

async function observe(registry: Registry, component: string, patch: Partial<ComponentStatus>): Promise<void> {
  const record = await registry.component({ service: 'shop', component });
  if (record === undefined) throw new Error(`no ${component}`);
  const { key, generation, revision } = record;
  const status = { ...initialStatus, observedGeneration: generation, observedRevision: revision, ...patch };
  await registry.updateStatus([{ key, generation, status, events: [] }], agent);
}

describe('disks', () => {
  const space = (more: Partial<FileSystemSpace>) => () => Promise.resolve({ ...roomy, ...more });

  test.each([
    ['plenty', {}, 'ok'],
    ['a tenth of a large one', { totalBytes: 900 * gib, freeBytes: 60 * gib }, 'ok'],
    ['less than a tenth', { freeBytes: 9 * gib }, 'warning'],
    ['less than 1 GiB', { totalBytes: 4 * gib, freeBytes: 900 * mib }, 'warning'],
    ['less than a fiftieth', { freeBytes: 1.9 * gib }, 'error'],
    ['less than 200 MiB', { totalBytes: gib, freeBytes: 199 * mib }, 'error'],
    ['no inode counts', { inodes: { total: 0, free: 0 } }, 'ok'],
    ['few inodes', { inodes: { total: 1_000, free: 99 } }, 'warning'],
    ['next to no inodes', { inodes: { total: 1_000, free: 19 } }, 'error'],
  ] as const)('%s', async (_name, more, level) => {
    const { registry } = await openTemporary();
    const [check, ...others] = of(await checksOf(registry, { node: { space: space(more) } }), 'disk');
    expect(others).toEqual([]);
    expect(check).toMatchObject({ level, ok: level === 'ok' });
    expect(check?.remedy === null).toBe(level === 'ok');
  });

  test('what lies on one file system is one check; each driver tells where it keeps things, and asks no more', async () => {
    const { registry } = await openTemporary();
    const refuse = (): Promise<never> => Promise.reject(new Error('nobody was to ask'));
    const store = (what: string, path: string): Partial<Driver> => ({
      stores: () => Promise.resolve([{ what, path }]),
      open: refuse,
      capabilities: refuse,
    });
    const drivers = [
      fakeDriver(store('images', '/images')),
      fakeDriver(store('machines', '/vm')),
      fakeDriver({ stores: refuse }),
    ];
    const node: Partial<NodeFacts> = {
      space: (path) =>
        Promise.resolve(path === '/vm' ? undefined : { ...roomy, device: path === '/images' ? '2' : '1' }),
    };
    const checks = of(await checksOf(registry, { node, drivers }), 'disk');
    expect(checks.map(({ detail }) => detail.replace(/.*; /, ''))).toEqual(['holds the registry', 'holds images']);
    const one = of(await checksOf(registry, { node: plenty, drivers }), 'disk');
    expect(one.map(({ detail }) => detail)).toEqual([
      '60.0 GiB of 100 GiB free (60 %); holds the registry, images, machines',
    ]);
  });

  test('one that does not answer is told, and the others are', async () => {
    const { registry } = await openTemporary();
    const drivers = [fakeDriver({ stores: () => Promise.resolve([{ what: 'images', path: '/far' }]) })];
    const node: Partial<NodeFacts> = {
      space: (path) =>
        path === '/far' ? Promise.reject(new Error('/far did not answer within 1 s')) : Promise.resolve(roomy),
    };
    expect(of(await checksOf(registry, { node, drivers }), 'disk')).toMatchObject([
      { name: '/far', level: 'warning', detail: 'images: /far did not answer within 1 s' },
      { level: 'ok' },
    ]);
  });
});

describe('memory', () => {
  test('limits of what is to run are added up, and what has none is counted', async () => {
    const { registry } = await openTemporary();
    const changes = [
      putService('shop'),
      put('shop', spec('a', { memoryMb: 9_000 })),
      put('shop', spec('b', { memoryMb: 9_000 })),
      put('shop', spec('c')),
    ];
    await registry.change(changes, cli);
    const [check] = of(await checksOf(registry), 'memory');
    expect(check).toMatchObject({ level: 'warning', remedy: expect.stringContaining('memory_mb') as string });
    expect(check?.detail).toContain('add up to 17.6 GiB; 1 without a limit');
    await registry.change([{ kind: 'set-desired', key: { service: 'shop', component: 'a' }, desired: 'stopped' }], cli);
    expect(of(await checksOf(registry), 'memory')).toMatchObject([{ level: 'ok', remedy: null }]);
  });

  test('little that is available is told, whatever the limits', async () => {
    const { registry } = await openTemporary();
    const node = { memory: () => ({ totalBytes: 16 * gib, availableBytes: 0.5 * gib }) };
    expect(of(await checksOf(registry, { node }), 'memory')).toMatchObject([{ level: 'warning' }]);
  });
});

describe('holds', () => {
  test('stand oldest first, with since when, by whom, why, and what differs', async () => {
    const { registry } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('db')), put('shop', spec('web'))], cli);
    const ann = { actor: 'cli:ann', request: null, message: 'looking into it' };
    await registry.change([put('shop', spec('web', { reconcile: 'ignore' }))], ann);
    await registry.change([put('shop', spec('db', { reconcile: 'observe' }))], { ...ann, message: null });
    // Later changes of what is held do not make the hold younger.
    await registry.change([put('shop', spec('web', { reconcile: 'observe', memoryMb: 64 }))], cli);
    const drift = { field: 'state', desired: 'running', observed: 'exited', sinceMs: 1, evidence: 'e', action: 'a' };
    await observe(registry, 'web', { drift: [drift] });
    const history = await registry.history({ service: 'shop', component: 'web' });
    const since = new Date(history[1]?.atMs ?? 0).toISOString();
    const checks = of(await checksOf(registry), 'holds');
    expect(checks.map(({ name, level }) => [name, level])).toEqual([
      ['shop/web', 'warning'],
      ['shop/db', 'warning'],
    ]);
    expect(checks[0]?.detail).toBe(
      `reconcile = "observe" since ${since} by cli:ann: looking into it; differs in state`,
    );
    expect(checks[1]?.detail).toMatch(/^reconcile = "observe" since \S+ by cli:ann$/);
    expect(checks[0]?.remedy).toContain('berth edit shop');
    const free = [put('shop', spec('web')), put('shop', spec('db'))];
    await registry.change(free, cli);
    expect(of(await checksOf(registry), 'holds')).toEqual([]);
  });

  test('of very many the oldest stand alone, the others as a number', async () => {
    const { registry } = await openTemporary();
    const held = Array.from({ length: 230 }, (_, index) => put('shop', spec(`c${index}`, { reconcile: 'observe' })));
    await registry.change([putService('shop'), ...held], cli);
    const checks = of(await checksOf(registry), 'holds');
    expect(checks).toHaveLength(21);
    expect(checks.at(-1)).toMatchObject({ name: 'more', detail: '210 more components are held' });
  });
});

describe('tries', () => {
  test('what is given up, and a generation that is not tried again, are told without secrets', async () => {
    const { registry } = await openTemporary();
    const env = { API_TOKEN: 'hush-hush-hush' };
    await registry.change(
      [putService('shop'), ...['back', 'failed', 'fine', 'waits'].map((name) => put('shop', spec(name, { env })))],
      cli,
    );
    const failed = { phase: 'failed', message: 'it says hush-hush-hush' } as const;
    await observe(registry, 'failed', failed);
    await observe(registry, 'waits', { ...failed, nextTryAtMs: 5_000 });
    await observe(registry, 'fine', { phase: 'running' });
    const generation = (await registry.component({ service: 'shop', component: 'back' }))?.generation ?? 0;
    await observe(registry, 'back', { phase: 'running', failedGeneration: generation, goodGeneration: 1 });
    const checks = of(await checksOf(registry), 'tries');
    expect(checks.map(({ name }) => name)).toEqual(['shop/back', 'shop/failed']);
    expect(checks[0]?.detail).toContain('is not tried again; generation 1 stands in for it');
    expect(checks[1]?.detail).toMatch(/^failed: it says /);
    expect(checks[1]?.remedy).toBe('see why with: berth explain shop/failed');
    expect(checks[1]?.detail).not.toContain('hush-hush-hush');
  });
});

describe('backups', () => {
  const dayMs = 24 * 3_600_000;

  test('where nothing is defined there is nothing to lose', async () => {
    const { registry } = await openTemporary();
    expect(of(await checksOf(registry), 'backups')).toEqual([]);
  });

  test('none, one that has everything, and one that is behind', async () => {
    const { registry } = await openTemporary();
    await registry.change([putService('shop'), put('shop', spec('web'))], cli);
    expect(of(await checksOf(registry), 'backups')).toMatchObject([
      { level: 'warning', detail: expect.stringContaining('never') as string },
    ]);
    const copy = { atMs: 1_000, path: '/backups/one.db', revision: await registry.revision() };
    const node = { lastCopy: () => Promise.resolve(copy) };
    expect(of(await checksOf(registry, { node }), 'backups')).toMatchObject([{ level: 'ok' }]);
    await registry.change([put('shop', spec('web', { memoryMb: 64 }))], cli);
    const history = await registry.history({ service: 'shop', component: 'web' });
    const changedMs = history[0]?.atMs ?? 0;
    // The grace is that of the change: it is not over because the copy is old.
    const soon = of(await checksOf(registry, { node, nowMs: changedMs + dayMs }), 'backups');
    expect(soon).toMatchObject([{ level: 'ok' }]);
    const late = of(await checksOf(registry, { node, nowMs: changedMs + dayMs + 1 }), 'backups');
    expect(late).toMatchObject([{ level: 'warning', remedy: expect.stringContaining('berth db backup') as string }]);
    expect(late[0]?.detail).toContain('1970-01-01T00:00:01.000Z to /backups/one.db; 1 component has changed');
  });
});

test('to stop and restart is no change that a copy lacks; of several changes the first counts', async () => {
  const { registry } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const copy = { atMs: 1_000, path: '/backups/one.db', revision: await registry.revision() };
  const node = { lastCopy: () => Promise.resolve(copy) };
  const key = { service: 'shop', component: 'web' };
  await registry.change([{ kind: 'set-desired', key, desired: 'stopped' }], cli);
  const [check] = of(await checksOf(registry, { node, nowMs: Number.MAX_SAFE_INTEGER / 2 }), 'backups');
  expect(check).toMatchObject({ level: 'ok', detail: expect.stringContaining('no component has changed') as string });
  const entry = { actor: 'a', request: null, message: null, entity: 'component', ...key, op: 'update' } as const;
  const history: readonly ChangeLogEntry[] = [
    {
      ...entry,
      revision: 14,
      atMs: 400,
      before: { desired: 'running', env: {} },
      after: { desired: 'stopped', env: {} },
    },
    { ...entry, revision: 13, atMs: 300, before: { image: 'b' }, after: { image: 'c' } },
    { ...entry, revision: 12, atMs: 200, before: { image: 'a' }, after: { image: 'b' } },
    { ...entry, revision: 11, atMs: 150, before: { desired: 'stopped' }, after: { desired: 'running' } },
    { ...entry, revision: 10, atMs: 100, before: null, after: { image: 'a' } },
  ];
  expect(firstChangeMs(history, { ...copy, revision: 10 })).toBe(200);
  expect(firstChangeMs(history, { ...copy, revision: 9 })).toBe(100);
  expect(firstChangeMs(history, { ...copy, revision: 13 })).toBeNull();
});

describe('certificates', () => {
  test.each([
    [-20, 'ok', 'valid until'],
    [-13, 'warning', 'valid until'],
    [0, 'error', 'no longer valid since'],
  ] as const)('%i days from its end: %s', async (days, level, words) => {
    const { registry } = await openTemporary();
    const volumes = ['/etc/shop/tls.crt:/tls.crt:ro', '/etc/shop/key.pem:/key.pem:ro', '/etc/shop:/etc/shop', 'd:/d'];
    await registry.change([putService('shop'), put('shop', spec('web', { volumes }))], cli);
    const asked: string[] = [];
    const node: Partial<NodeFacts> = {
      readText: (path) => {
        asked.push(path);
        return Promise.resolve(path.endsWith('.crt') ? certificate : 'no certificate');
      },
    };
    const checks = of(await checksOf(registry, { node, nowMs: endMs + days * 24 * 3_600_000 }), 'certificates');
    expect(checks).toMatchObject([{ name: '/etc/shop/tls.crt', level }]);
    expect(checks[0]?.detail).toBe(`${words} 2027-02-26T03:07:00.000Z; mounted by shop/web`);
    expect(asked.sort()).toEqual(['/etc/shop/key.pem', '/etc/shop/tls.crt']);
  });

  test('those that cannot be looked at are told in one check, and the others are told', async () => {
    const { registry } = await openTemporary();
    const volumes = ['a', 'b', 'c', 'd'].map((name) => `/etc/shop/${name}.crt:/${name}.crt:ro`);
    await registry.change([putService('shop'), put('shop', spec('web', { volumes }))], cli);
    const node: Partial<NodeFacts> = {
      readText: (path) =>
        /[bc]/.test(path.slice(10, 11))
          ? Promise.reject(new Error(`${path} did not answer`))
          : Promise.resolve(certificate),
    };
    const checks = of(await checksOf(registry, { node, nowMs: endMs - 90 * 24 * 3_600_000 }), 'certificates');
    expect(checks.map(({ name, level }) => [name, level])).toEqual([
      ['/etc/shop/a.crt', 'ok'],
      ['/etc/shop/d.crt', 'ok'],
      ['/etc/shop/b.crt', 'warning'],
    ]);
    expect(checks[2]?.detail).toBe('cannot be told: /etc/shop/b.crt did not answer; nor can 1 more');
  });

  test('of a chain the first counts, and none of a list of trusted ones; what is none is passed over', () => {
    expect(endOfValidity(`words\n${certificate}\n${expired}`)).toBe(endMs);
    expect(endOfValidity(expired + certificate)).toBe(expiredMs);
    expect(endOfValidity(certificate.repeat(10))).toBe(endMs);
    expect(endOfValidity(expired + certificate.repeat(10))).toBeNull();
    const broken = certificate.replace('MII', 'AAA');
    expect(endOfValidity(broken)).toBeNull();
    expect(endOfValidity(broken + certificate)).toBe(endMs);
    expect(endOfValidity('')).toBeNull();
    expect(endOfValidity('-----BEGIN CERTIFICATE-----'.repeat(100_000))).toBeNull();
  });
});

test('a part that cannot be looked at says so, and the others are told', async () => {
  const { registry } = await openTemporary();
  await registry.change([putService('shop'), put('shop', spec('web'))], cli);
  const node = { lastCopy: () => Promise.reject(new Error('the note cannot be read')) };
  const checks = await checksOf(registry, { node });
  expect(of(checks, 'backups')).toMatchObject([
    { level: 'warning', detail: 'cannot be told: the note cannot be read' },
  ]);
  expect(of(checks, 'disk')).toHaveLength(1);
});

test('sizes and lists in words', () => {
  expect([0, 999, 1_000, 1_024 ** 2, 1.5 * gib, 252 * gib].map(bytesInWords)).toEqual([
    '0 B',
    '999 B',
    '1.0 KiB',
    '1.0 MiB',
    '1.5 GiB',
    '252 GiB',
  ]);
  expect([listed([]), listed(['a']), listed(['a', 'b', 'c']), listed(['a', 'b', 'c', 'd'])]).toEqual([
    '',
    'a',
    'a, b and c',
    'a, b, c and 1 more',
  ]);
});
