/** What may happen to a component in its life, at random: asked for by its user, done by its program, by other hands, or to the agent. */
import fc from 'fast-check';
import type { ComponentSpec } from '../../src/core/spec.js';
import type { ToyComponent } from '../support/toy-component.js';

/** An act by its name, so that a failure prints a story. */
export interface NamedAct {
  readonly name: string;
  readonly act: (toy: ToyComponent) => void;
}

const named = (name: string, act: NamedAct['act']): fc.Arbitrary<NamedAct> => fc.constant({ name, act });

const digests = ['sha256:one', 'sha256:two', 'sha256:bad', 'sha256:dud'] as const;
/** What the images of bad digests do. */
export const programs = { 'sha256:bad': { exitsWith: 1 }, 'sha256:dud': { doesNotStart: true } };

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
export function peace(toy: ToyComponent): void {
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
): fc.Arbitrary<NamedAct> =>
  fc.nat(3).map((index) => ({
    name: `${name} ${index}`,
    act: (toy: ToyComponent) => {
      const item = pick(toy, index);
      if (item) act(toy, item, index);
    },
  }));

/** What the user asks for. */
export const asked = fc.oneof(
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
    toy.edit({}, { imageRefresh: toy.record.imageRefresh + 1 });
  }),
);

/** What the program itself does. */
export const ends = fc.oneof(
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

/** All of it. */
export const acts = fc.oneof(
  { weight: 6, arbitrary: turns },
  { weight: 2, arbitrary: times },
  { weight: 6, arbitrary: asked },
  { weight: 1, arbitrary: ends },
  { weight: 6, arbitrary: hands },
);

const states = ['created', 'running', 'paused', 'stopping', 'exited', 'removing', 'unknown'] as const;

/** What no user, program or careful hand does: it wants safety and a way on, but may leave what only a person can mend. */
const rough = fc.oneof(
  fc.tuple(fc.nat(3), fc.constantFrom(...states)).map(([index, state]) => ({
    name: `state ${index} ${state}`,
    act: (toy: ToyComponent) => {
      const item = pick(toy, index);
      if (!item) return;
      const others = toy.running.filter((other) => other !== item && other.owner !== null);
      if ((state === 'running' || state === 'paused' || state === 'stopping') && others.length > 0) return;
      if (state === 'exited') toy.end(item, index);
      else item.state = state;
    },
  })),
  upon('meddle with limits', (_, item) => {
    item.memoryMb = 16;
  }),
  upon('hide config', (_, item) => {
    item.config = null;
  }),
  fc.constantFrom(null, 'E_RUNTIME_UNAVAILABLE', 'E_DRIVER_TIMEOUT', 'E_DRIVER_FAILED').map((code) => ({
    name: `creating fails with ${String(code)}`,
    act: (toy: ToyComponent) => {
      toy.createFailsWith = code;
    },
  })),
  fc.boolean().map((deleting) => ({
    name: `deleting ${String(deleting)}`,
    act: (toy: ToyComponent) => {
      toy.edit(undefined, { deleting });
    },
  })),
  fc.constantFrom(null, 'another edit broke a rule').map((invalid) => ({
    name: `invalid by others ${String(invalid)}`,
    act: (toy: ToyComponent) => {
      toy.record.invalid = invalid;
    },
  })),
  fc.constantFrom('auto' as const, 'auto' as const, 'observe' as const, 'ignore' as const).map((reconcile) => ({
    name: `reconcile ${reconcile}`,
    act: (toy: ToyComponent) => {
      toy.edit({ reconcile });
    },
  })),
  fc.constantFrom('container' as const, 'microvm' as const).map((runtime) => ({
    name: `runtime ${runtime}`,
    act: (toy: ToyComponent) => {
      toy.edit({ runtime });
    },
  })),
  fc.boolean().map((readable) => ({
    name: `env file ${readable ? 'readable' : 'unreadable'}`,
    act: (toy: ToyComponent) => {
      toy.envFiles = new Map([['/srv/x.env', readable ? { values: { B: '1' } } : { error: 'no such file' }]]);
      toy.edit({ envFile: ['/srv/x.env'] });
    },
  })),
  fc.constantFrom({ active: true }, { active: false }, { node: 'node-2' }, { node: 'local' }).map((patch) => ({
    name: `service ${JSON.stringify(patch)}`,
    act: (toy: ToyComponent) => {
      toy.edit(undefined, { service: { ...toy.record.service, ...patch } });
    },
  })),
  named('the program reports', (toy) => {
    toy.report();
  }),
  named('much time', (toy) => {
    toy.nowMs += 700_000;
  }),
);

/** All of it, and worse. */
export const roughActs = fc.oneof(
  { weight: 10, arbitrary: turns },
  { weight: 2, arbitrary: times },
  { weight: 3, arbitrary: asked },
  { weight: 2, arbitrary: ends },
  { weight: 3, arbitrary: hands },
  { weight: 4, arbitrary: rough },
);
