import { describe, expect, it } from 'vitest';
import { ToyComponent } from '../../support/toy-component.js';

function up(spec: ConstructorParameters<typeof ToyComponent>[0] = {}): ToyComponent {
  const toy = new ToyComponent(spec);
  toy.pass(2_000);
  expect(toy.status.phase).toBe('running');
  return toy;
}

describe('the first run', () => {
  it('resolves the image, creates, starts, and rests', () => {
    const toy = up();
    expect(toy.steps.map((step) => step.kind)).toEqual(['resolve-image', 'create', 'start']);
    expect(toy.status).toMatchObject({ observed: 'running', ready: true, drift: [], goodGeneration: 10, restarts: 0 });
    expect(toy.reasons()).not.toContain('DriftDetected');
  });

  it('waits for its dependencies with the workload made', () => {
    const toy = new ToyComponent();
    toy.waitsFor = ['db (pending)'];
    toy.pass(1_000);
    expect(toy.status).toMatchObject({ phase: 'pending', reason: 'WaitsForDependencies' });
    expect(toy.main?.state).toBe('created');
    toy.waitsFor = [];
    toy.pass(1_000);
    expect(toy.status.phase).toBe('running');
  });

  it('backs off while the image is missing and goes on when it comes', () => {
    const toy = new ToyComponent({ image: 'localhost/none:1' });
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'backoff', failures: 1 });
    expect(toy.status.message).toContain('E_IMAGE_MISSING');
    expect(toy.status.nextTryAtMs).toBeGreaterThan(toy.nowMs);
    toy.tags['localhost/none:1'] = 'sha256:late';
    toy.pass(5_000);
    expect(toy.status.phase).toBe('running');
  });
});

describe('drift by hand', () => {
  it('starts a killed program again at once, then backs off', () => {
    const toy = up();
    const kill = (): void => {
      if (toy.main) toy.end(toy.main, 137);
    };
    kill();
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'running', restarts: 1, failures: 1 });
    expect(toy.reasons()).toEqual(expect.arrayContaining(['DriftDetected', 'Exited', 'Restarted', 'DriftHealed']));
    kill();
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'backoff', failures: 2, exitCode: 137 });
    toy.pass(1_200);
    expect(toy.status).toMatchObject({ phase: 'running', restarts: 2 });
    toy.pass(601_000);
    expect(toy.status.failures).toBe(0);
  });

  it('makes a removed workload anew', () => {
    const toy = up();
    toy.workloads = [];
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'running', nativeId: 'id2' });
    expect(toy.events.find((event) => event.reason === 'DriftDetected')?.message).toContain('missing');
  });

  it('resumes a paused one, gives a renamed one its name back, puts memory back in place', () => {
    const toy = up({ memoryMb: 64 });
    const id = toy.main?.nativeId;
    if (toy.main) toy.main.state = 'paused';
    toy.settle();
    if (toy.main) toy.main.memoryMb = 32;
    toy.settle();
    if (toy.main) toy.main.name = 'other';
    toy.settle();
    expect(toy.main).toMatchObject({ nativeId: id, state: 'running', memoryMb: 64 });
    expect(toy.status.drift).toEqual([]);
  });

  it('stops fighting over a field that keeps changing, until the user acts', () => {
    const toy = up({ memoryMb: 64 });
    for (let count = 0; count < 8; count += 1) {
      if (toy.main) toy.main.memoryMb = 32;
      toy.pass(1_000);
    }
    expect(toy.status).toMatchObject({ phase: 'contested', reason: 'Contested' });
    expect(toy.main?.memoryMb).toBe(32);
    expect(toy.steps.filter((step) => step.kind === 'update')).toHaveLength(5);
    toy.edit({ memoryMb: 48 });
    toy.settle();
    expect(toy.main?.memoryMb).toBe(48);
    expect(toy.status.phase).toBe('running');
  });

  it('reports only in observe mode and is silent in ignore mode', () => {
    const toy = up();
    toy.edit({ reconcile: 'observe' });
    toy.settle();
    const steps = toy.steps.length;
    if (toy.main) toy.main.state = 'paused';
    toy.settle();
    expect(toy.status.drift.map((item) => item.field)).toEqual(['state']);
    toy.edit({ reconcile: 'ignore' });
    toy.settle();
    expect(toy.status.drift).toEqual([]);
    expect(toy.steps).toHaveLength(steps);
  });

  it('what was never made is said to be held, not on its way, and is made once it is healed', () => {
    const toy = new ToyComponent({ reconcile: 'observe' });
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'stopped', observed: 'missing', reason: 'Held' });
    expect(toy.status.message).toContain('not created: reconcile = "observe"');
    expect(toy.status.drift).toMatchObject([
      { field: 'state', desired: 'running', observed: 'missing', action: 'reconcile = "observe": reported only' },
    ]);
    toy.edit({ reconcile: 'ignore' });
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'stopped', reason: 'Ignored', drift: [] });
    expect(toy.status.message).toContain('not created');
    expect(toy.steps).toEqual([]);
    toy.edit({ reconcile: 'auto' });
    toy.pass(2_000);
    expect(toy.status).toMatchObject({ phase: 'running', drift: [] });
  });

  it('what is held and gone again is at rest, with what would be done', () => {
    const toy = up();
    toy.edit({ reconcile: 'observe' });
    toy.settle();
    toy.workloads = [];
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'stopped', observed: 'missing', reason: 'Observing' });
    expect(toy.status.message).toContain('would create its workload');
  });
});

describe('restart policies', () => {
  it.each([
    ['on-failure', 0, 'completed'],
    ['never', 3, 'completed'],
    ['always', 0, 'running'],
    ['on-failure', 3, 'running'],
  ] as const)('%s after exit %i: %s', (restart, exitCode, phase) => {
    const toy = up({ restart });
    if (toy.main) toy.end(toy.main, exitCode);
    toy.settle();
    expect(toy.status.phase).toBe(phase);
    if (phase === 'completed') expect(toy.status.drift).toEqual([]);
  });

  it('does not run a completed program a second time, even when its workload is gone', () => {
    const toy = up({ restart: 'never' });
    if (toy.main) toy.end(toy.main, 0);
    toy.settle();
    toy.workloads = [];
    toy.pass(60_000);
    expect(toy.status.phase).toBe('completed');
    expect(toy.workloads).toEqual([]);
  });

  it('carries a restart request out once', () => {
    const toy = up();
    const id = toy.main?.nativeId;
    const before = toy.main?.startedAtMs ?? 0;
    toy.edit(undefined, { restartToken: 1 });
    toy.pass(5_000);
    expect(toy.main?.nativeId).toBe(id);
    expect(toy.main?.startedAtMs).toBeGreaterThan(before);
    expect(toy.steps.filter((step) => step.kind === 'start')).toHaveLength(2);
    expect(toy.reasons()).not.toContain('Exited');
  });
});

describe('a changed spec', () => {
  it('replaces: the new one is made before the old one stops, the old one goes when the new one has proven itself', () => {
    const toy = up();
    toy.steps.length = 0;
    toy.edit({ env: { A: '1' } });
    toy.pass(3_000);
    expect(toy.steps.map((step) => step.kind)).toEqual(['create', 'stop', 'rename', 'rename', 'start', 'remove']);
    expect(toy.workloads).toHaveLength(1);
    const reasons = toy.reasons();
    expect(reasons.indexOf('DriftHealed')).toBeGreaterThan(reasons.lastIndexOf('Started'));
    expect(toy.main?.config?.env['A']).toBe('1');
    expect(toy.status).toMatchObject({ phase: 'running', goodGeneration: 11, observedGeneration: 11 });
  });

  it('changes limits in place', () => {
    const toy = up();
    const id = toy.main?.nativeId;
    toy.edit({ memoryMb: 96, vcpus: 0.5 });
    toy.settle();
    expect(toy.main).toMatchObject({ nativeId: id, memoryMb: 96, vcpus: 0.5 });
  });

  it('puts the old one back when the new one does not stay up, with its image, and does not try again', () => {
    const toy = up();
    toy.tags['localhost/web:2'] = 'sha256:two';
    toy.programs = { 'sha256:two': { exitsWith: 1 } };
    toy.edit({ image: 'localhost/web:2' });
    toy.pass(20_000);
    expect(toy.status).toMatchObject({ phase: 'failed', reason: 'PutBack', ready: true, failedGeneration: 11 });
    expect(toy.main).toMatchObject({ imageDigest: 'sha256:one', state: 'running', nativeId: 'id1' });
    expect(toy.workloads).toHaveLength(1);
    expect(toy.status.restarts).toBe(0);
    expect(toy.reasons()).toContain('PutBack');
    const steps = toy.steps.length;
    toy.pass(3_600_000);
    expect(toy.steps).toHaveLength(steps);
    toy.programs = {};
    toy.edit({ env: { FIXED: '1' } });
    toy.pass(5_000);
    expect(toy.status).toMatchObject({ phase: 'running', goodGeneration: 12 });
    expect(toy.main?.imageDigest).toBe('sha256:two');
  });

  it('puts the old one back when the new one cannot be started', () => {
    const toy = up();
    toy.tags['localhost/web:2'] = 'sha256:two';
    toy.programs = { 'sha256:two': { doesNotStart: true } };
    toy.edit({ image: 'localhost/web:2' });
    toy.pass(30_000);
    expect(toy.status).toMatchObject({ phase: 'failed', reason: 'PutBack' });
    expect(toy.main).toMatchObject({ nativeId: 'id1', state: 'running' });
  });

  it('lets a workload that has only just started prove itself, so that it can be put back', () => {
    const toy = new ToyComponent();
    toy.settle();
    toy.tags['localhost/web:2'] = 'sha256:two';
    toy.programs = { 'sha256:two': { exitsWith: 1 } };
    toy.edit({ image: 'localhost/web:2' });
    toy.settle();
    expect(toy.main).toMatchObject({ nativeId: 'id1', state: 'running' });
    toy.pass(20_000);
    expect(toy.status).toMatchObject({ phase: 'failed', reason: 'PutBack', goodGeneration: 10 });
    expect(toy.main).toMatchObject({ nativeId: 'id1', state: 'running' });
  });

  it('keeps the old workload for the put-back also when it was changed in place since it was made', () => {
    const toy = up();
    toy.edit({ memoryMb: 64 });
    toy.pass(2_000);
    toy.tags['localhost/web:2'] = 'sha256:two';
    toy.programs = { 'sha256:two': { exitsWith: 1 } };
    toy.edit({ image: 'localhost/web:2' });
    toy.pass(20_000);
    expect(toy.status).toMatchObject({ phase: 'failed', reason: 'PutBack', goodGeneration: 11 });
    expect(toy.main).toMatchObject({ nativeId: 'id1', state: 'running', memoryMb: 64 });
  });

  it('heals the good one while it holds', () => {
    const toy = up();
    toy.tags['localhost/web:2'] = 'sha256:two';
    toy.programs = { 'sha256:two': { exitsWith: 1 } };
    toy.edit({ image: 'localhost/web:2' });
    toy.pass(20_000);
    toy.workloads = [];
    toy.pass(5_000);
    expect(toy.main).toMatchObject({ imageDigest: 'sha256:one', state: 'running' });
    expect(toy.status.phase).toBe('failed');
  });

  it('leaves the running one alone while the new image is missing', () => {
    const toy = up();
    toy.edit({ image: 'localhost/none:1' });
    toy.pass(100_000);
    expect(toy.main).toMatchObject({ nativeId: 'id1', state: 'running' });
    expect(toy.status.phase).toBe('backoff');
  });
});

describe('a tag that moves', () => {
  it('is reported and not followed, and restarts keep the digest', () => {
    const toy = up();
    toy.tags['localhost/web:1'] = 'sha256:moved';
    toy.settle();
    expect(toy.status.drift).toMatchObject([{ field: 'image', observed: 'sha256:one', desired: 'sha256:moved' }]);
    toy.workloads = [];
    toy.settle();
    expect(toy.main?.imageDigest).toBe('sha256:one');
    toy.edit({ memoryMb: 64 });
    toy.settle();
    expect(toy.main?.imageDigest).toBe('sha256:one');
    toy.edit(undefined, { imageRefresh: 1 });
    toy.pass(3_000);
    expect(toy.main?.imageDigest).toBe('sha256:moved');
    expect(toy.status).toMatchObject({ phase: 'running', drift: [] });
  });

  it('is followed with update = "auto", and put back when the new image fails', () => {
    const toy = up({ update: 'auto' });
    toy.tags['localhost/web:1'] = 'sha256:moved';
    toy.pass(3_000);
    expect(toy.main?.imageDigest).toBe('sha256:moved');
    toy.programs = { 'sha256:bad': { exitsWith: 1 } };
    toy.tags['localhost/web:1'] = 'sha256:bad';
    toy.pass(30_000);
    expect(toy.main).toMatchObject({ imageDigest: 'sha256:moved', state: 'running' });
    expect(toy.status.phase).toBe('failed');
    toy.tags['localhost/web:1'] = 'sha256:mended';
    toy.pass(30_000);
    expect(toy.main).toMatchObject({ imageDigest: 'sha256:mended', state: 'running' });
    expect(toy.status.phase).toBe('running');
  });
});

describe('stop, delete, blindness', () => {
  it('stops and starts the same workload without calling it a crash', () => {
    const toy = up();
    toy.edit(undefined, { desired: 'stopped' });
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'stopped', observed: 'stopped' });
    if (toy.main) Object.assign(toy.main, { state: 'running', startedAtMs: toy.nowMs });
    toy.settle();
    expect(toy.main?.state).toBe('exited');
    toy.edit(undefined, { desired: 'running' });
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'running', restarts: 0, failures: 0 });
    expect(toy.main?.nativeId).toBe('id1');
  });

  it('deletes in order: waits for dependents, stops, removes, purges', () => {
    const toy = up();
    toy.dependentsUp = ['api'];
    toy.edit(undefined, { deleting: true });
    toy.settle();
    expect(toy.status.reason).toBe('WaitsForDependents');
    toy.dependentsUp = [];
    toy.settle();
    expect(toy.purged).toBe(true);
    expect(toy.workloads).toEqual([]);
  });

  it('lives on with what is left when it is wanted again before its deletion was done', () => {
    const toy = up();
    toy.edit(undefined, { deleting: true });
    toy.turn();
    expect(toy.status.phase).toBe('deleting');
    toy.edit(undefined, { deleting: false });
    toy.turn();
    expect(toy.status).toMatchObject({ phase: 'pending', reason: 'WantedAgain' });
    toy.settle();
    expect(toy.status.phase).toBe('running');
    expect(toy.main?.nativeId).toBe('id1');
  });

  it('does nothing while the driver does not answer, and nothing after it answers again', () => {
    const toy = up();
    const steps = toy.steps.length;
    toy.answering = false;
    toy.workloads = [];
    toy.edit({ env: { B: '2' } });
    toy.pass(60_000);
    expect(toy.status).toMatchObject({ phase: 'unknown', observed: 'unknown', ready: false, observedGeneration: 10 });
    expect(toy.status.message).toContain('toy hangs');
    expect(toy.steps).toHaveLength(steps);
  });

  it('leaves a service of another node alone, and shows no drift it does not know of', () => {
    const toy = new ToyComponent();
    toy.edit(undefined, { service: { ...toy.record.service, node: 'elsewhere' } });
    toy.pass(10_000);
    expect(toy.status).toMatchObject({ phase: 'blocked', reason: 'OtherNode', drift: [] });
    expect(toy.steps).toEqual([]);
  });

  it('leaves the holder of its name alone', () => {
    const toy = new ToyComponent();
    toy.turn();
    toy.workloads = [{ ...foreign, name: 'shop-web' }];
    toy.pass(10_000);
    expect(toy.status).toMatchObject({ phase: 'blocked', reason: 'NameTaken' });
    expect(toy.workloads).toEqual([{ ...foreign, name: 'shop-web' }]);
    toy.workloads = [];
    toy.settle();
    expect(toy.status.phase).toBe('running');
  });

  it('applies another env file at once: that is an edit', () => {
    const toy = new ToyComponent({ envFile: ['/e'] });
    toy.envFiles = new Map([
      ['/e', { values: { A: '1' } }],
      ['/f', { values: { A: '2' } }],
    ]);
    toy.pass(2_000);
    toy.edit({ memoryMb: 64 });
    toy.pass(2_000);
    expect(toy.main?.nativeId).toBe('id1');
    toy.edit({ envFile: ['/f'] });
    toy.pass(3_000);
    expect(toy.main?.config?.env['A']).toBe('2');
    expect(toy.status).toMatchObject({ phase: 'running', drift: [] });
  });

  it('never runs two: what somebody started beside it stops first', () => {
    const toy = up();
    toy.edit({ env: { A: '1' } });
    toy.settle();
    const [previous] = toy.workloads.filter((item) => item.name === 'shop-web.previous');
    if (!previous || !toy.main) throw new Error('no roll-out');
    toy.end(toy.main, 1);
    Object.assign(previous, { state: 'running', startedAtMs: toy.nowMs });
    for (let count = 0; count < 20; count += 1) {
      toy.turn();
      expect(toy.running.length).toBeLessThanOrEqual(1);
    }
    toy.pass(5_000);
    expect(toy.status.phase).toBe('running');
    expect(toy.workloads.map((item) => item.name)).toEqual(['shop-web']);
  });

  it('keeps a replacement that is up and cannot be read', () => {
    const toy = up();
    const [main] = toy.workloads;
    if (main) Object.assign(main, { name: 'shop-web.next', config: null, problem: 'inspect failed' });
    toy.pass(10_000);
    expect(toy.status).toMatchObject({ phase: 'unknown', reason: 'WorkloadUnreadable' });
    expect(toy.workloads).toHaveLength(1);
    expect(toy.steps.map((step) => step.kind)).not.toContain('remove');
  });

  it('applies a line that went from a secret file at the next restart, and never shows what it held', () => {
    const toy = new ToyComponent({ secretFile: ['/s'] });
    toy.envFiles = new Map([['/s', { values: { TOKEN: 'hunter2' } }]]);
    toy.pass(2_000);
    const id = toy.main?.nativeId;
    toy.envFiles = new Map([['/s', { values: {} }]]);
    toy.pass(2_000);
    expect(toy.main?.nativeId).toBe(id);
    expect(toy.status.drift).toMatchObject([{ field: 'env.TOKEN', desired: '(none)', observed: '(set)' }]);
    toy.edit({ secretFile: [] });
    toy.pass(5_000);
    expect(toy.main?.config?.env).toEqual({ PATH: '/bin' });
    expect(JSON.stringify(toy.status) + JSON.stringify(toy.events)).not.toContain('hunter2');
  });

  it('applies a changed env file at the next restart, not before', () => {
    const toy = new ToyComponent({ envFile: ['/e'], secretFile: ['/s'] });
    toy.envFiles = new Map([
      ['/e', { values: { A: '1' } }],
      ['/s', { values: { TOKEN: 'old' } }],
    ]);
    toy.pass(2_000);
    toy.envFiles = new Map([
      ['/e', { values: { A: '2' } }],
      ['/s', { values: { TOKEN: 'new' } }],
    ]);
    toy.pass(2_000);
    expect(toy.main?.config?.env).toMatchObject({ A: '1', TOKEN: 'old' });
    expect(toy.status.drift.map((item) => item.field)).toEqual(['env.A', 'env.TOKEN']);
    expect(JSON.stringify(toy.status) + JSON.stringify(toy.events)).not.toMatch(/"(old|new)"/);
    toy.edit(undefined, { restartToken: 1 });
    toy.pass(5_000);
    expect(toy.main?.config?.env).toMatchObject({ A: '2', TOKEN: 'new' });
    expect(toy.status).toMatchObject({ phase: 'running', drift: [] });
  });
});

const foreign = {
  driver: 'toy',
  runtime: 'container' as const,
  nativeId: 'theirs',
  name: 'x',
  owner: null,
  state: 'running' as const,
  createdAtMs: 1,
  startedAtMs: 1,
  finishedAtMs: null,
  exitCode: null,
  oomKilled: false,
  imageDigest: 'sha256:x',
  imageRef: 'x',
  config: null,
  addresses: [],
  problem: null,
};
