/** Random lives of one component: whatever happens, safety holds at each step, and it converges once left in peace. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf } from '../../reconcilers/component/machine.js';
import type { ComponentSpec } from '../../src/core/spec.js';
import { ToyComponent } from '../support/toy-component.js';

type Act = (toy: ToyComponent) => void;

/** A named act, so that a failure prints a story. */
const named = (name: string, act: Act): fc.Arbitrary<{ readonly name: string; readonly act: Act }> =>
  fc.constant({ name, act });

const digests = ['sha256:one', 'sha256:two', 'sha256:bad', 'sha256:dud'] as const;
const programs = { 'sha256:bad': { exitsWith: 1 }, 'sha256:dud': { doesNotStart: true } };

function pick(toy: ToyComponent, index: number): ToyComponent['workloads'][number] | undefined {
  return toy.workloads[index % Math.max(1, toy.workloads.length)];
}

const specPatch: fc.Arbitrary<Partial<ComponentSpec>> = fc.record(
  {
    memoryMb: fc.constantFrom(null, 32, 64),
    env: fc.constantFrom({}, { A: '1' }, { A: '2' }),
    image: fc.constantFrom('localhost/web:1', 'localhost/web:2', 'localhost/none:1'),
    restart: fc.constantFrom('always' as const, 'on-failure' as const, 'never' as const),
    update: fc.constantFrom('pinned' as const, 'auto' as const),
    reconcile: fc.constantFrom('auto' as const, 'auto' as const, 'observe' as const),
  },
  { requiredKeys: [] },
);

const faults = ['none', 'none', 'none', 'crash-before-step', 'crash-after-step', 'step-fails'] as const;

function leaveName(toy: ToyComponent): void {
  toy.workloads = toy.workloads.filter((item) => item.owner !== null);
}

/** Nothing and nobody stands in the way any more. */
function peace(toy: ToyComponent): void {
  toy.answering = true;
  toy.waitsFor = [];
  toy.dependentsUp = [];
  toy.edit(undefined, { invalid: null });
  leaveName(toy);
}

/** Somebody else's workload under our name. */
function takeName(toy: ToyComponent): void {
  if (toy.main) return;
  const [own] = toy.workloads;
  if (own) toy.workloads.push({ ...own, nativeId: 'theirs', name: 'shop-web', owner: null, state: 'running' });
}

/** An act upon one of the workloads. */
const upon = (
  name: string,
  act: (toy: ToyComponent, item: ToyComponent['workloads'][number], index: number) => void,
): fc.Arbitrary<{ readonly name: string; readonly act: Act }> =>
  fc.nat(3).map((index) => ({
    name: `${name} ${index}`,
    act: (toy: ToyComponent) => {
      const item = pick(toy, index);
      if (item) act(toy, item, index);
    },
  }));

/** What the user asks for. */
const asked = fc.oneof(
  {
    weight: 3,
    arbitrary: specPatch.map((patch) => ({
      name: `edit ${JSON.stringify(patch)}`,
      act: (toy: ToyComponent) => {
        toy.edit(patch);
      },
    })),
  },
  fc.constantFrom(...digests).map((digest) => ({
    name: `tag ${digest}`,
    act: (toy: ToyComponent) => {
      toy.tags['localhost/web:1'] = digest;
    },
  })),
  named('stop', (toy) => {
    toy.edit(undefined, { desired: 'stopped' });
  }),
  named('start', (toy) => {
    toy.edit(undefined, { desired: 'running' });
  }),
  named('restart', (toy) => {
    toy.edit(undefined, { restartToken: toy.record.restartToken + 1 });
  }),
  named('refresh', (toy) => {
    toy.edit(undefined, { imageRefresh: toy.record.imageRefresh + 1 });
  }),
);

/** What the program itself does. */
const ends = fc.oneof(
  named('crash', (toy) => {
    if (toy.main?.state === 'running') toy.end(toy.main, 1);
  }),
  named('end', (toy) => {
    if (toy.main?.state === 'running') toy.end(toy.main, 0);
  }),
);

/** What other hands do, and what stands in the way. */
const hands = fc.oneof(
  upon('kill', (toy, item) => {
    if (item.state === 'running') toy.end(item, 137);
  }),
  upon('remove', (toy, item) => {
    toy.workloads = toy.workloads.filter((other) => other !== item);
  }),
  upon('pause', (_, item) => {
    if (item.state === 'running') item.state = 'paused';
  }),
  upon('rename', (_, item, index) => {
    item.name = `odd${index}`;
  }),
  upon('start', (toy, item) => {
    if (item.owner === null || toy.running.length > 0) return;
    Object.assign(item, { state: 'running', startedAtMs: toy.nowMs, finishedAtMs: null });
  }),
  named('somebody takes the name', takeName),
  named('and leaves it', leaveName),
  fc.boolean().map((waits) => ({
    name: `waits ${String(waits)}`,
    act: (toy: ToyComponent) => {
      toy.waitsFor = waits ? ['db'] : [];
      toy.dependentsUp = waits ? ['api'] : [];
    },
  })),
  fc.constantFrom(null, 'a rule is broken').map((invalid) => ({
    name: `invalid ${String(invalid)}`,
    act: (toy: ToyComponent) => {
      toy.edit(undefined, { invalid });
    },
  })),
  fc.boolean().map((answering) => ({
    name: `answering ${String(answering)}`,
    act: (toy: ToyComponent) => {
      toy.answering = answering;
    },
  })),
);

const turns = fc
  .constantFrom(...faults)
  .map((fault) => ({ name: `turn ${fault}`, act: (toy: ToyComponent) => void toy.turn(fault) }));

const times = fc.integer({ min: 1, max: 20_000 }).map((ms) => ({
  name: `${ms} ms`,
  act: (toy: ToyComponent) => {
    toy.nowMs += ms;
  },
}));

const acts = fc.oneof(
  { weight: 6, arbitrary: turns },
  { weight: 2, arbitrary: times },
  { weight: 6, arbitrary: asked },
  { weight: 1, arbitrary: ends },
  { weight: 6, arbitrary: hands },
);

function life(acting: readonly { readonly name: string; readonly act: Act }[]): ToyComponent {
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
