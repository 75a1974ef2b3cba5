import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planApply } from '../../src/core/plan-apply.js';
import type { Definition } from '../../src/core/ports/definition.js';
import { diffSpecs } from '../../src/core/spec-diff.js';
import type { ComponentSpec } from '../../src/core/spec.js';
import { applyInput, componentSpec, definition, PlanWorld, serviceSpec } from '../support/plan-world.js';

const component: fc.Arbitrary<ComponentSpec> = fc
  .record({
    name: fc.constantFrom('web', 'db', 'cache'),
    memoryMb: fc.constantFrom(null, 64, 128),
    restart: fc.constantFrom('always', 'never'),
  })
  .map(({ name, ...patch }) => componentSpec(name, patch as Partial<ComponentSpec>));

const components = fc.uniqueArray(component, { selector: (spec) => spec.name, maxLength: 3 });
const services = ['shop', 'blog'] as const;

/** Each file declares the service of its own name, or the one of the other file moved in. */
const file: fc.Arbitrary<Definition> = fc
  .record({
    service: fc.constantFrom(...services),
    folder: fc.constantFrom('/defs', '/other'),
    components,
    active: fc.boolean(),
  })
  .map(({ service, folder, components: list, active }) =>
    definition(`${folder}/${service}.toml`, serviceSpec(service, list, { active })),
  );

type Action =
  | {
      readonly kind: 'apply';
      readonly file: Definition;
      readonly prune: boolean;
      readonly force: boolean;
      readonly explicit: boolean;
    }
  | { readonly kind: 'edit'; readonly service: string; readonly spec: ComponentSpec }
  | { readonly kind: 'purge' };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('apply' as const),
    file,
    prune: fc.boolean(),
    force: fc.boolean(),
    explicit: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('edit' as const), service: fc.constantFrom(...services), spec: component }),
  fc.record({ kind: fc.constant('purge' as const) }),
);

function act(world: PlanWorld, step: Action): void {
  if (step.kind === 'purge') world.purge();
  else if (step.kind === 'edit') world.edit(step.service, step.spec);
  else world.carryOut(planApply(applyInput(world, [step.file], step)));
}

const past = fc.array(action, { maxLength: 8 });

function worldAfter(steps: readonly Action[]): PlanWorld {
  const world = new PlanWorld();
  for (const step of steps) act(world, step);
  return world;
}

describe('plans of definition files', () => {
  test('what was applied with force and prune has nothing left to change', () => {
    fc.assert(
      fc.property(past, file, (steps, declared) => {
        const world = worldAfter(steps);
        world.carryOut(planApply(applyInput(world, [declared], { prune: true, force: true })));
        expect(planApply(applyInput(world, [declared], { prune: true }))).toMatchObject({
          changes: [],
          conflicts: [],
          differs: false,
        });
        for (const spec of declared.spec.components) {
          const record = world.record(`${declared.spec.name}/${spec.name}`);
          expect(record && diffSpecs(record.spec, spec)).toEqual([]);
        }
      }),
    );
  });

  test('prune reaches what this file declared, and nothing else', () => {
    fc.assert(
      fc.property(past, file, fc.boolean(), (steps, declared, prune) => {
        const world = worldAfter(steps);
        const before = world.records().components;
        world.carryOut(planApply(applyInput(world, [declared], { prune, force: true })));
        for (const record of before) {
          const now = world.record(`${record.key.service}/${record.key.component}`);
          const gone = !record.deleting && now?.deleting === true;
          if (gone) expect([prune, record.source]).toEqual([true, declared.path]);
          else if (record.key.service !== declared.spec.name) expect(now?.spec).toEqual(record.spec);
        }
      }),
    );
  });

  test('force is needed exactly when something newer would be undone', () => {
    fc.assert(
      fc.property(past, file, fc.boolean(), (steps, declared, prune) => {
        const world = worldAfter(steps);
        const plan = planApply(applyInput(world, [declared], { prune }));
        expect(plan.conflicts.length > 0).toBe(undoesSomethingNewer(world, declared, prune));
        if (plan.conflicts.length > 0) expect(plan.changes).toEqual([]);
      }),
    );
  });

  test('an unchanged file changes nothing for the watcher, whatever else happened', () => {
    fc.assert(
      fc.property(past, file, past, (steps, declared, later) => {
        const world = worldAfter(steps);
        world.carryOut(planApply(applyInput(world, [declared], { force: true })));
        for (const step of later) if (step.kind !== 'apply') act(world, step);
        expect(planApply(applyInput(world, [declared], { explicit: false })).changes).toEqual([]);
      }),
    );
  });
});

/** The oracle: compares what is there, one thing at a time, with when the file's service was last fed. */
function undoesSomethingNewer(world: PlanWorld, declared: Definition, prune: boolean): boolean {
  const { spec, path } = declared;
  const fedAt = (service: string): number =>
    world.sources().find((source) => source.service === service)?.appliedRevision ?? 0;
  const { services: rows, components: records } = world.records();
  const row = rows.find((candidate) => candidate.name === spec.name);
  if (row && !row.deleting && row.active !== spec.active && row.revision > fedAt(spec.name)) return true;
  return records.some((record) => {
    if (record.deleting || record.generation <= fedAt(record.key.service)) return false;
    const wanted =
      record.key.service === spec.name
        ? spec.components.find((candidate) => candidate.name === record.key.component)
        : undefined;
    if (wanted) return diffSpecs(record.spec, wanted).length > 0;
    return prune && record.source === path;
  });
}
