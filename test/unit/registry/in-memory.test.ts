/** A registry in memory: the same registry, on a clock that a simulation owns, and nothing else. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ComponentRecord, Registry } from '../../../src/core/ports/registry.js';
import {
  editBySql,
  imageOf,
  openRegistry,
  storageError,
  type OpenOptions,
  type StorageOperation,
} from '../../../src/registry/index.js';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';
import { cli, feedAfter, openTemporary, put, putService, spec, temporaryFolder } from './support.js';

async function openInMemory(options: Partial<OpenOptions> = {}) {
  const clock = createVirtualClock();
  const chance = createSeededChance(1);
  const registry = await openRegistry({ path: 'memory', clock, chance, inMemory: true, ...options });
  onTestFinished(() => registry.close());
  return { registry, clock };
}

const names = (records: readonly ComponentRecord[]): readonly string[] => records.map((record) => record.key.component);

const insertOther = `insert into components (service, name, image) values ('shop', 'other', 'localhost/other:1')`;

describe('a registry in memory', () => {
  it('answers as one in a file does', async () => {
    const { registry } = await openInMemory();
    const { registry: other } = await openTemporary();
    const seen = async (each: Registry): Promise<unknown> => {
      await each.change([putService('shop'), put('shop', spec('api')), put('shop', spec('web'))], cli);
      await each.change([{ kind: 'delete-component', key: { service: 'shop', component: 'api' } }], cli);
      await expect(each.change([putService('shop', false), put('shop', spec('api'), 99)], cli)).rejects.toMatchObject({
        code: 'E_CONFLICT',
      });
      const components = await each.components();
      return {
        revision: await each.revision(),
        components: components.map(({ deleting, key, generation }) => ({ deleting, key, generation })),
        services: await each.services(),
        feed: (await feedAfter(each, 0)).map(({ revision, op, entity }) => ({ revision, op, entity })),
      };
    };
    expect(await seen(registry)).toEqual(await seen(other));
  });

  it('has no file, arms no timer, and tells of its commits', async () => {
    const path = join(temporaryFolder(), 'registry.db');
    const { registry, clock } = await openInMemory({ path });
    let told = 0;
    registry.watch(() => {
      told += 1;
    });
    expect(clock.pendingTimers()).toBe(0);
    await registry.change([put('shop', spec('web'))], cli);
    expect(told).toBe(1);
    expect(existsSync(path)).toBe(false);
  });
});

it('an image begins another registry, and the two go their ways', async () => {
  const { registry } = await openInMemory();
  await registry.change([put('shop', spec('web'))], cli);
  const { registry: copy } = await openInMemory({ image: imageOf(registry) });
  expect(copy.homeId).toBe(registry.homeId);
  expect(await copy.components()).toEqual(await registry.components());
  await copy.change([put('shop', spec('api'))], cli);
  expect(names(await copy.components())).toEqual(['api', 'web']);
  expect(names(await registry.components())).toEqual(['web']);
});

describe('an edit by SQL', () => {
  it('counts as a stranger’s in memory, at the simulation’s time', async () => {
    const { registry, clock } = await openInMemory();
    await registry.change([put('shop', spec('web'))], cli);
    let told = 0;
    registry.watch(() => {
      told += 1;
    });
    await clock.advance(1_000);
    const before = await registry.revision();
    editBySql(registry, insertOther);
    expect(names(await registry.components())).toEqual(['other', 'web']);
    expect(told).toBe(1);
    expect(await feedAfter(registry, before)).toMatchObject([{ actor: 'sql', atMs: clock.now(), component: 'other' }]);
    await clock.advance(1_000);
    await registry.change([put('shop', spec('third'))], cli);
    expect((await feedAfter(registry, before)).at(-1)).toMatchObject({ actor: 'cli:test', atMs: clock.now() });
  });

  it('keeps what was committed before the statement that failed, and no open transaction', async () => {
    const { registry } = await openInMemory();
    expect(() => {
      editBySql(registry, `${insertOther}; begin; delete from components; insert into nowhere values (1)`);
    }).toThrow(/no such table/);
    expect(await registry.components()).toMatchObject([{ key: { component: 'other' }, deleting: false }]);
  });

  it('has foreign keys when asked for', async () => {
    const { registry } = await openInMemory();
    await registry.change([put('shop', spec('web'))], cli);
    const orphan = 'update context set purging = 1; delete from services; update context set purging = 0';
    expect(() => {
      editBySql(registry, orphan, { foreignKeys: true });
    }).toThrow(/FOREIGN KEY/);
    expect(await registry.services()).toHaveLength(1);
    editBySql(registry, orphan);
    expect(await registry.services()).toEqual([]);
  });

  it('reaches a file through a connection of its own', async () => {
    const { registry, sqlite } = await openTemporary();
    let told = 0;
    const heard = new Promise<void>((resolve) => {
      registry.watch(() => {
        told += 1;
        resolve();
      });
    });
    editBySql(registry, insertOther);
    await heard;
    expect(told).toBe(1);
    expect(names(await registry.components())).toEqual(['other']);
    expect(sqlite('select name from components')).toBe('other');
    expect(sqlite('select count(*) from context where at is null and actor is null')).toBe('1');
  });
});

describe('the hooks of the storage', () => {
  it('see each operation once before and once after, and may refuse it', async () => {
    const seen: string[] = [];
    const refused = new Set<StorageOperation['kind']>();
    const note = (when: string, { kind, connection }: StorageOperation): void => {
      seen.push(`${when} ${connection} ${kind}`);
      if (when === 'before' && refused.has(kind)) throw storageError('SQLITE_IOERR_FSYNC');
    };
    const registry = await openRegistry({
      path: 'memory',
      clock: createVirtualClock(),
      chance: createSeededChance(1),
      inMemory: true,
      storage: {
        before: (operation) => {
          note('before', operation);
        },
        after: (operation) => {
          note('after', operation);
        },
      },
    });
    onTestFinished(() => registry.close());
    seen.length = 0;
    await registry.setFreshness([{ driver: 'podman', lastGoodAtMs: 1, error: null, since: null }]);
    const kinds = ['begin', 'write', 'write', 'write', 'commit'];
    expect(seen).toEqual(kinds.flatMap((kind) => [`before writer ${kind}`, `after writer ${kind}`]));
    refused.add('commit');
    await expect(registry.setFreshness([])).rejects.toMatchObject({ code: 'E_REGISTRY_IO' });
    expect(await registry.freshness()).toHaveLength(1);
  });
});
