/** What is said of a VM, by what is kept of it and seen of its machine. */
import { describe, expect, it } from 'vitest';
import { storyOfNanos, storyOfReport } from '../../../src/runtimes/qemu/judge.js';
import { observeVm, type MachineView } from '../../../src/runtimes/qemu/observe.js';
import type { VmOwner } from '../../../src/runtimes/qemu/record.js';
import { vmRecord } from './vm-record.js';

const owner: VmOwner = {
  name: 'shop-web',
  homeId: 'home',
  service: 'shop',
  component: 'web',
  generation: 3,
  specHash: 'abc',
};
const record = vmRecord(owner);
const seen = (view: MachineView) => observeVm('qemu', { kind: 'whole', id: record.id, record }, view);

describe('observeVm', () => {
  it('tells a machine that is up from its program that has started', () => {
    const up = { kind: 'up', startedAtMs: 5_000, paused: false, problem: null } as const;
    expect(seen({ ...up, started: undefined })).toMatchObject({ state: 'running', programStartedAtMs: null });
    const started = { uuid: 'u', atMs: 7_000 };
    expect(seen({ ...up, started })).toMatchObject({ state: 'running', startedAtMs: 5_000, programStartedAtMs: 7_000 });
    expect(seen({ ...up, started, paused: true }).state).toBe('paused');
  });

  it('claims nothing of what it could not see', () => {
    expect(seen({ kind: 'unseen', problem: 'EIO' })).toMatchObject({
      state: 'unknown',
      problem: 'EIO',
      exitCode: null,
    });
    const down = seen({ kind: 'down', startedAtMs: 5_000, end: undefined });
    expect(down).toMatchObject({ state: 'exited', exitCode: null, finishedAtMs: null });
  });

  it('knows whose a VM is whose record cannot be read, and says that it cannot', () => {
    const broken = observeVm('qemu', { kind: 'broken', id: record.id, owner }, { kind: 'new' });
    expect(broken).toMatchObject({ state: 'unknown', name: 'shop-web', config: null, owner: { component: 'web' } });
    expect(broken.problem).toContain('vm.json');
    expect(observeVm('qemu', { kind: 'broken', id: record.id, owner: undefined }, { kind: 'new' }).owner).toBeNull();
  });
});

describe('how a run went', () => {
  it('is the code that init told, and its words', () => {
    expect(storyOfReport([{ event: 'started' }, { event: 'exited', code: 3 }], '')).toEqual({
      started: true,
      exitCode: 3,
      problem: null,
    });
    const failed = [{ event: 'failed', message: 'no such program' } as const, { event: 'exited', code: 127 } as const];
    expect(storyOfReport(failed, '')).toEqual({ started: false, exitCode: 127, problem: 'no such program' });
  });

  it('without a word is unknown, but for a panic that the console shows', () => {
    expect(storyOfReport([{ event: 'started' }], '')).toMatchObject({ exitCode: null, started: true });
    const panic = storyOfReport([], 'x\n[ 1.2] Kernel panic - not syncing: Attempted to kill init!\n');
    expect(panic).toMatchObject({ exitCode: null });
    expect(panic.problem).toContain('Attempted to kill init');
  });

  it('of Nanos is its byte; a bare SIGTERM is one only if it was asked to end', () => {
    const network = [{ kind: 'network', address: '10.0.2.15' } as const];
    expect(storyOfNanos(network, 15, true).exitCode).toBe(143);
    expect(storyOfNanos(network, 15, false).exitCode).toBe(15);
    expect(storyOfNanos(network, undefined, false)).toMatchObject({ started: true, exitCode: null });
    expect(storyOfNanos([{ kind: 'failed', message: 'no program' }], 127, false)).toEqual({
      started: false,
      exitCode: 127,
      problem: 'no program',
    });
  });
});
