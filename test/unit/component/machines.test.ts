import { describe, expect, it } from 'vitest';
import type { ComponentSpec } from '../../../src/core/spec.js';
import { ToyComponent } from '../../support/toy-component.js';

const vm = { runtime: 'microvm', readyTimeoutS: 30 } as const;

function booted(spec: Partial<ComponentSpec> = {}): ToyComponent {
  const toy = new ToyComponent({ ...vm, ...spec });
  toy.settle();
  toy.report();
  toy.pass(2_000);
  expect(toy.status).toMatchObject({ phase: 'running', ready: true, goodGeneration: 10 });
  return toy;
}

function container(): ToyComponent {
  const toy = new ToyComponent();
  toy.pass(2_000);
  expect(toy.status.phase).toBe('running');
  return toy;
}

describe('a machine that boots', () => {
  it('is up and not ready until its program is reported started, and good only after that', () => {
    const toy = new ToyComponent(vm);
    toy.pass(20_000);
    expect(toy.main?.state).toBe('running');
    expect(toy.status).toMatchObject({ phase: 'starting', reason: 'Booting', ready: false, goodGeneration: null });
    toy.report();
    toy.settle();
    expect(toy.status).toMatchObject({ phase: 'running', ready: true, goodGeneration: null });
    toy.pass(1_100);
    expect(toy.status.goodGeneration).toBe(10);
    expect(toy.steps.map((step) => step.kind)).toEqual(['resolve-image', 'create', 'start']);
  });

  it('asks for one look while it boots, at the end of its time', () => {
    const toy = new ToyComponent(vm);
    toy.settle();
    expect(toy.lastDecision?.requeueAtMs).toBe((toy.main?.startedAtMs ?? 0) + 30_000);
    const turns = toy.turns.length;
    toy.pass(29_000);
    expect(toy.turns.length - turns).toBeLessThan(4);
  });

  it('is stopped and tried again, later each time, when its program never begins and there is nothing to go back to', () => {
    const toy = new ToyComponent(vm);
    toy.pass(30_500);
    expect(toy.main?.state).toBe('exited');
    expect(toy.status).toMatchObject({ phase: 'backoff', reason: 'NotStarted', failures: 1 });
    expect(toy.status.message).toContain('its program was not reported started within 30 s');
    const first = (toy.status.nextTryAtMs ?? 0) - toy.nowMs;
    toy.pass(32_000);
    expect(toy.status).toMatchObject({ phase: 'backoff', failures: 2 });
    expect((toy.status.nextTryAtMs ?? 0) - toy.nowMs).toBeGreaterThan(first);
    toy.pass(3_000);
    toy.report();
    toy.pass(2_000);
    expect(toy.status).toMatchObject({ phase: 'running', goodGeneration: 10 });
  });

  it('is put back when its program does not begin in time', () => {
    const toy = container();
    toy.edit(vm);
    toy.pass(31_000);
    expect(toy.main).toMatchObject({ nativeId: 'id1', runtime: 'container', state: 'running' });
    expect(toy.workloads).toHaveLength(1);
    expect(toy.status).toMatchObject({ phase: 'failed', reason: 'PutBack', ready: true });
    const putBack = toy.events.find((event) => event.reason === 'PutBack');
    expect(putBack?.message).toContain('its program was not reported started within 30 s');
  });

  it('keeps the old one until the program has been up for a while, however long the boot took', () => {
    const toy = container();
    toy.edit(vm);
    toy.pass(20_000);
    expect(toy.workloads.map(({ name, state }) => [name, state])).toEqual([
      ['shop-web.previous', 'exited'],
      ['shop-web', 'running'],
    ]);
    toy.report();
    toy.pass(500);
    expect(toy.workloads).toHaveLength(2);
    toy.pass(1_000);
    expect(toy.workloads).toHaveLength(1);
    expect(toy.reasons()).toContain('RolledOut');
  });
});

describe('the end of a machine', () => {
  it.each([
    ['always', 'starting'],
    ['on-failure', 'starting'],
    ['never', 'completed'],
  ] as const)('that nobody knows the exit code of, under %s: %s', (restart, phase) => {
    const toy = booted({ restart });
    if (toy.main) toy.end(toy.main, null);
    toy.settle();
    expect(toy.status).toMatchObject({ phase, exitCode: null });
  });
});

describe('limits of a machine', () => {
  it('are the defaults when the spec says nothing', () => {
    expect(booted().status.drift).toEqual([]);
  });

  it('are changed with another machine', () => {
    const toy = booted();
    toy.edit({ memoryMb: 512 });
    toy.settle();
    expect(toy.main).toMatchObject({ nativeId: 'id2', memoryMb: 512 });
    expect(toy.steps.map((step) => step.kind)).not.toContain('update');
  });

  it('of a container say nothing about the machine that takes its place', () => {
    const toy = container();
    toy.edit(vm);
    toy.turn();
    expect(toy.status.drift.map((item) => item.field)).toEqual(['runtime']);
  });
});

describe('files that a unikernel takes along', () => {
  it('want another machine when they change', () => {
    const toy = booted({ runtime: 'unikernel', files: ['/etc/a'] });
    toy.edit({ files: ['/etc/b'] });
    toy.settle();
    expect(toy.main?.nativeId).toBe('id2');
    toy.report();
    toy.pass(3_000);
    expect(toy.workloads).toHaveLength(1);
    expect(toy.status).toMatchObject({ phase: 'running', drift: [] });
  });
});

describe('what a node cannot do', () => {
  it.each(['E_KERNEL_MISSING', 'E_RUNTIME_UNAVAILABLE'])(
    '%s blocks, is tried steadily, and heals by itself',
    (code) => {
      const toy = container();
      toy.createFailsWith = code;
      toy.edit(vm);
      toy.pass(3_600_000);
      expect(toy.status).toMatchObject({ phase: 'blocked', reason: 'RuntimeUnavailable', failures: 0, ready: true });
      expect(toy.status.message).toContain('set it up');
      expect(toy.main).toMatchObject({ nativeId: 'id1', state: 'running' });
      expect(toy.reasons().filter((reason) => reason === 'Blocked')).toHaveLength(1);
      const tries = toy.steps.filter((step) => step.kind === 'create').length;
      expect(tries).toBeGreaterThan(230);
      expect(tries).toBeLessThan(250);
      toy.createFailsWith = null;
      toy.pass(16_000);
      toy.report();
      toy.pass(2_000);
      expect(toy.main).toMatchObject({ runtime: 'microvm', state: 'running' });
      expect(toy.status.phase).toBe('running');
    },
  );

  it.each(['E_VM_IMAGE', 'E_VM_MEMORY', 'E_OPS', 'E_NOT_SUPPORTED'])(
    '%s gives the generation up and says why',
    (code) => {
      const toy = container();
      toy.createFailsWith = code;
      toy.edit(vm);
      toy.pass(60_000);
      expect(toy.main).toMatchObject({ nativeId: 'id1', state: 'running', startedAtMs: expect.any(Number) as number });
      expect(toy.status).toMatchObject({ phase: 'failed', reason: 'PutBack' });
      expect(toy.steps.map((step) => step.kind)).not.toContain('stop');
      expect(toy.events.find((event) => event.reason === 'PutBack')?.message).toContain(code);
    },
  );

  it('backs off while there is nothing to go back to', () => {
    const toy = new ToyComponent(vm);
    toy.createFailsWith = 'E_VM_IMAGE';
    toy.pass(60_000);
    expect(toy.status.phase).toBe('backoff');
    expect(toy.status.failures).toBeGreaterThan(3);
  });
});

describe('names', () => {
  it('that somebody holds in another runtime are in nobody\u2019s way', () => {
    const toy = container();
    const [own] = toy.workloads;
    if (!own) throw new Error('it has no workload');
    toy.workloads.push({ ...own, driver: 'other', nativeId: 'theirs', owner: null, config: null, startedAtMs: 1 });
    toy.pass(5_000);
    expect(toy.status.phase).toBe('running');
    expect(toy.workloads.map(({ nativeId }) => nativeId)).toEqual(['id1', 'theirs']);
  });

  it('borne in two runtimes are dealt with: the one that is up stays, the other goes', () => {
    const toy = container();
    const [own] = toy.workloads;
    if (!own) throw new Error('it has no workload');
    toy.workloads.push({ ...own, driver: 'other', runtime: 'microvm', nativeId: 'twin', state: 'created' });
    toy.pass(5_000);
    expect(toy.workloads.map(({ nativeId }) => nativeId)).toEqual(['id1']);
    expect(toy.status.phase).toBe('running');
  });
});
