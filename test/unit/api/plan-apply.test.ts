import { describe, expect, test } from 'vitest';
import { planApply } from '../../../src/core/plan-apply.js';
import { baseOf, planRefresh, planReplace } from '../../../src/core/plan-replace.js';
import { initialStatus } from '../../../src/core/status.js';
import { applyInput, componentSpec, definition, PlanWorld, serviceSpec } from '../../support/plan-world.js';

const path = '/defs/shop.toml';
const shop = (memoryMb: number | null = null) =>
  definition(path, serviceSpec('shop', [componentSpec('web', { memoryMb }), componentSpec('db')]));

function applied(...definitions: readonly ReturnType<typeof shop>[]): PlanWorld {
  const world = new PlanWorld();
  world.carryOut(planApply(applyInput(world, definitions.length > 0 ? definitions : [shop()])));
  return world;
}

describe('applying a file', () => {
  test('makes what is new, and then nothing', () => {
    const world = new PlanWorld();
    const plan = planApply(applyInput(world, [shop()]));
    expect(plan.components.map((item) => [item.component, item.action, item.effect])).toEqual([
      ['web', 'create', 'create'],
      ['db', 'create', 'create'],
    ]);
    expect(plan.differs).toBe(true);
    world.carryOut(plan);
    expect(planApply(applyInput(world, [shop()]))).toMatchObject({ changes: [], differs: false, conflicts: [] });
  });

  test('says what a changed field does to what runs', () => {
    const world = applied();
    const web = componentSpec('web', { memoryMb: 64, image: 'localhost/a:2', restart: 'never' });
    const plan = planApply(
      applyInput(world, [definition(path, serviceSpec('shop', [web, componentSpec('db', { vcpus: 1 })]))]),
    );
    expect(plan.components.map((item) => [item.component, item.effect])).toEqual([
      ['web', 'replace'],
      ['db', 'update'],
    ]);
    expect(plan.components[0]?.differences.map((item) => item.field)).toEqual(['image', 'memory_mb', 'restart']);
  });

  test('switches a service off and on by "active"', () => {
    const world = applied();
    const off = definition(path, serviceSpec('shop', [componentSpec('web'), componentSpec('db')], { active: false }));
    const plan = planApply(applyInput(world, [off]));
    expect(plan.services[0]?.differences).toEqual([{ field: 'active', before: true, after: false }]);
    world.carryOut(plan);
    expect(world.records().services[0]?.active).toBe(false);
  });

  test('refuses one service in two files', () => {
    const plan = planApply(applyInput(new PlanWorld(), [shop(), { ...shop(), path: '/defs/again.toml' }]));
    expect(plan.problems).toMatchObject([{ path: '/defs/again.toml', field: 'name' }]);
    expect(plan.changes).toEqual([]);
  });

  test('refuses what breaks a rule with a component of another service', () => {
    const taken = definition('/defs/a.toml', serviceSpec('a', [componentSpec('web', { ports: ['8080:80'] })]));
    const world = applied(taken);
    const also = definition('/defs/b.toml', serviceSpec('b', [componentSpec('web', { ports: ['127.0.0.1:8080:80'] })]));
    const plan = planApply(applyInput(world, [also]));
    expect(plan.breaches).toMatchObject([{ code: 'E_PORT_COLLISION', key: { service: 'b', component: 'web' } }]);
    expect(plan.changes).toEqual([]);
  });

  test('does not mind a rule that was broken before', () => {
    const world = new PlanWorld();
    world.edit('x', componentSpec('one', { ports: ['90:90'] }));
    world.edit('x', componentSpec('two', { ports: ['90:90'] }));
    expect(planApply(applyInput(world, [shop()]))).toMatchObject({ breaches: [], differs: true });
  });

  test.each([false, true])('makes again what is being deleted; gone before it is written: %s', (isGone) => {
    const world = applied();
    world.change({ kind: 'delete-service', name: 'shop' });
    const plan = planApply(applyInput(world, [shop()]));
    expect(plan.components.map((item) => item.action)).toEqual(['create', 'create']);
    if (isGone) world.purge();
    world.carryOut(plan);
    expect(world.record('shop/web')?.deleting).toBe(false);
  });
});

describe('two sources, one truth', () => {
  test('an edit elsewhere is shown and not undone', () => {
    const world = applied();
    world.edit('shop', componentSpec('web', { memoryMb: 256 }));
    const plan = planApply(applyInput(world, [shop()]));
    expect(plan.components[0]).toMatchObject({
      action: 'conflict',
      differences: [{ field: 'memory_mb', before: 256 }],
    });
    expect(plan.conflicts).toMatchObject([{ component: 'web' }]);
    expect(plan.changes).toEqual([]);
  });

  test('force undoes it, and the next apply is at peace', () => {
    const world = applied();
    world.edit('shop', componentSpec('web', { memoryMb: 256 }));
    world.carryOut(planApply(applyInput(world, [shop()], { force: true })));
    expect(world.record('shop/web')?.spec.memoryMb).toBeNull();
    expect(planApply(applyInput(world, [shop(32)]))).toMatchObject({ conflicts: [], differs: true });
  });

  test('an edit that says the same is no conflict', () => {
    const world = applied();
    world.edit('shop', componentSpec('web', { memoryMb: 256 }));
    expect(planApply(applyInput(world, [shop(256)])).conflicts).toEqual([]);
  });

  test('what was made by hand needs force, too', () => {
    const world = new PlanWorld();
    world.edit('shop', componentSpec('web', { memoryMb: 1 + 4 }));
    expect(planApply(applyInput(world, [shop()])).conflicts).toMatchObject([
      { component: 'web', appliedRevision: null },
    ]);
  });

  test('the watcher takes a changed file and leaves an unchanged one', () => {
    const world = applied();
    world.edit('shop', componentSpec('web', { memoryMb: 256 }));
    expect(planApply(applyInput(world, [shop()], { explicit: false }))).toMatchObject({
      changes: [],
      conflicts: [],
      differs: false,
    });
    expect(planApply(applyInput(world, [shop(32)], { explicit: false })).conflicts).toHaveLength(1);
    const untouched = applied();
    expect(planApply(applyInput(untouched, [shop(32)], { explicit: false }))).toMatchObject({
      conflicts: [],
      differs: true,
    });
  });

  test('the watcher does not let a second file take a service over; a person may', () => {
    const world = applied();
    const moved = { ...shop(), path: '/defs/moved.toml' };
    expect(planApply(applyInput(world, [moved], { explicit: false }))).toMatchObject({
      changes: [],
      conflicts: [{ component: null }],
    });
    const plan = planApply(applyInput(world, [moved]));
    expect(plan.differs).toBe(false);
    world.carryOut(plan);
    expect(world.record('shop/web')?.source).toBe('/defs/moved.toml');
    expect(planApply(applyInput(world, [moved])).changes).toEqual([]);
  });
});

describe('what is declared no longer', () => {
  const less = definition(path, serviceSpec('shop', [componentSpec('web')]));

  test('stays without prune, and is named', () => {
    const world = applied();
    const plan = planApply(applyInput(world, [less]));
    expect(plan.components.find((item) => item.component === 'db')).toMatchObject({ action: 'kept' });
    world.carryOut(plan);
    expect(world.record('shop/db')?.deleting).toBe(false);
    expect(planApply(applyInput(world, [less])).changes).toEqual([]);
  });

  test('goes with prune, unless it was edited elsewhere', () => {
    const world = applied();
    world.edit('shop', componentSpec('db', { memoryMb: 64 }));
    expect(planApply(applyInput(world, [less], { prune: true }))).toMatchObject({
      changes: [],
      conflicts: [{ component: 'db' }],
    });
    world.carryOut(planApply(applyInput(world, [less], { prune: true, force: true })));
    expect(world.record('shop/db')?.deleting).toBe(true);
    expect(world.record('shop/web')?.deleting).toBe(false);
  });

  test('prune leaves alone what was added by hand', () => {
    const world = applied();
    world.edit('shop', componentSpec('extra'));
    world.carryOut(planApply(applyInput(world, [less], { prune: true })));
    expect(world.record('shop/extra')?.deleting).toBe(false);
  });

  test('a file that vanished from the folder takes its service along, with prune alone', () => {
    const world = applied(shop(), definition('/defs/blog.toml', serviceSpec('blog', [componentSpec('blog')])));
    expect(
      planApply(applyInput(world, [shop()], { folder: '/defs' })).components.find((item) => item.service === 'blog'),
    ).toMatchObject({ action: 'kept' });
    expect(planApply(applyInput(world, [shop()], { prune: true })).changes).toEqual([]);
    world.carryOut(planApply(applyInput(world, [shop()], { prune: true, folder: '/defs' })));
    expect(world.record('blog/blog')?.deleting).toBe(true);
    expect(world.sources().map((source) => source.service)).toEqual(['shop']);
  });
});

describe('images', () => {
  const drift = { field: 'image', desired: 'a', observed: 'b', sinceMs: 0, evidence: '', action: '' };

  test('a moved tag is followed by a person’s apply, never by the watcher', () => {
    const world = applied();
    world.patch('shop/web', { status: { ...initialStatus, drift: [drift] } });
    const plan = planApply(applyInput(world, [shop()]));
    expect(plan.components[0]).toMatchObject({ action: 'update', effect: 'replace', refreshImage: 'moved' });
    expect(plan.changes[0]).toMatchObject({ kind: 'put-component', refreshImage: true });
    expect(planApply(applyInput(world, [shop()], { explicit: false })).changes).toEqual([]);
  });

  test('pull = "always" asks again, which is no difference yet', () => {
    const always = definition(path, serviceSpec('shop', [componentSpec('web', { pull: 'always' })]));
    const world = applied(always);
    const plan = planApply(applyInput(world, [always]));
    expect(plan.differs).toBe(false);
    expect(plan.changes[0]).toMatchObject({ refreshImage: true });
  });

  test('a refresh touches what moved alone', () => {
    const world = applied();
    world.patch('shop/db', { status: { ...initialStatus, drift: [drift] } });
    const plan = planRefresh(world.records().components);
    expect(plan.changes).toMatchObject([{ kind: 'put-component', spec: { name: 'db' }, refreshImage: true }]);
  });
});

describe('edits', () => {
  test('make the service exactly what they say, and keep its sources', () => {
    const world = applied();
    const base = baseOf('shop', world.records());
    const spec = serviceSpec('shop', [componentSpec('web', { memoryMb: 64 }), componentSpec('cache')]);
    world.carryOut(planReplace({ spec, records: world.records(), base, force: false }));
    expect(world.record('shop/web')).toMatchObject({ source: path, spec: { memoryMb: 64 } });
    expect(world.record('shop/cache')?.source).toBeNull();
    expect(world.record('shop/db')?.deleting).toBe(true);
  });

  test('conflict with what changed since they were begun, and with nothing else', () => {
    const world = applied();
    const base = baseOf('shop', world.records());
    world.edit('shop', componentSpec('db', { memoryMb: 128 }));
    const onlyWeb = serviceSpec('shop', [
      componentSpec('web', { memoryMb: 64 }),
      componentSpec('db', { memoryMb: 128 }),
    ]);
    expect(planReplace({ spec: onlyWeb, records: world.records(), base, force: false }).conflicts).toEqual([]);
    const both = serviceSpec('shop', [componentSpec('web', { memoryMb: 64 }), componentSpec('db')]);
    expect(planReplace({ spec: both, records: world.records(), base, force: false })).toMatchObject({
      changes: [],
      conflicts: [{ component: 'db' }],
    });
  });

  test('conflict with a component that came, and with one that went', () => {
    const world = applied();
    const base = baseOf('shop', world.records());
    world.edit('shop', componentSpec('cache'));
    world.change({ kind: 'delete-component', key: { service: 'shop', component: 'db' } });
    const spec = serviceSpec('shop', [componentSpec('web'), componentSpec('db')]);
    const plan = planReplace({ spec, records: world.records(), base, force: false });
    expect(plan.conflicts.map((item) => item.component).sort()).toEqual(['cache', 'db']);
  });
});
