/** Random lives of one component: whatever happens, safety holds at each step, and it converges once left in peace. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf } from '../../reconcilers/component/machine.js';
import { ToyComponent } from '../support/toy-component.js';
import { acts, asked, ends, peace, programs, type NamedAct } from './component-lives.js';

function life(acting: readonly NamedAct[]): ToyComponent {
  const toy = new ToyComponent();
  toy.tags = { 'localhost/web:1': 'sha256:one', 'localhost/web:2': 'sha256:two' };
  toy.programs = programs;
  for (const { act } of acting) {
    const { steps } = toy;
    const before = steps.length;
    const blind = !toy.answering;
    act(toy);
    expect(
      toy.running.filter((item) => item.owner !== null && !item.name.startsWith('odd')).length,
      'running at once',
    ).toBeLessThanOrEqual(1);
    if (blind) expect(steps.length, 'steps on ignorance').toBe(before);
  }
  return toy;
}

describe('a component', () => {
  it('is safe at each step and converges once left in peace', () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 60 }), (acting) => {
        const toy = life(acting);
        peace(toy);
        toy.programs = {};
        toy.tags['localhost/none:1'] = 'sha256:late';
        toy.edit({ reconcile: 'auto' }, { desired: 'running' });
        toy.pass(1_300_000);
        expect(['running', 'completed']).toContain(toy.status.phase);
        expect(toy.workloads.length).toBeLessThanOrEqual(toy.status.phase === 'completed' ? 2 : 1);
        expect(toy.status.observedGeneration).toBe(toy.record.generation);
        if (toy.status.phase === 'running') {
          expect(toy.main?.memoryMb).toBe(toy.record.spec.memoryMb);
          expect(toy.main?.config?.env['A']).toBe(toy.record.spec.env['A']);
          expect(toy.status.drift.filter((item) => item.field !== 'image')).toEqual([]);
        }
        const steps = toy.steps.length;
        toy.pass(7_200_000);
        expect(toy.steps.length, 'steps in peace').toBe(steps);
      }),
      { numRuns: 1_500 },
    );
  });

  it('always ends a deletion with nothing left', () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 40 }), (acting) => {
        const toy = life(acting);
        peace(toy);
        toy.edit(undefined, { deleting: true });
        toy.pass(1_300_000);
        expect(toy.purged).toBe(true);
        expect(toy.workloads).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('takes only usual ways while nobody disturbs it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: asked }, ends), { maxLength: 25 }), (acting) => {
        const toy = new ToyComponent();
        toy.tags = { 'localhost/web:1': 'sha256:one', 'localhost/web:2': 'sha256:two' };
        toy.programs = programs;
        for (const { act } of acting) {
          act(toy);
          toy.pass(30_000);
        }
        for (const [from, verb] of toy.turns) expect(kindOf(from, verb), `${from} ${verb}`).not.toBe('surprise');
      }),
      { numRuns: 1_000, seed: Number(process.env['BERTH_SEED'] ?? '1') },
    );
  });

  it('never comes back from deletion', () => {
    for (const verb of ['UP', 'START', 'CREATE', 'BUILD', 'STOP'] as const)
      expect(kindOf('deleting', verb)).toBeUndefined();
  });
});
