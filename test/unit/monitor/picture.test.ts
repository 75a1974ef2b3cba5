import { describe, expect, it } from 'vitest';
import type { DriverSnapshot, ObservedWorkload, RuntimeEvent } from '../../../src/core/observation.js';
import { Picture } from '../../../src/monitor/picture.js';

const homeId = 'home';

function workload(nativeId: string, patch: Partial<ObservedWorkload> = {}): ObservedWorkload {
  return {
    driver: 'toy',
    runtime: 'container',
    nativeId,
    name: nativeId,
    state: 'running',
    createdAtMs: 1,
    startedAtMs: 10,
    finishedAtMs: null,
    exitCode: null,
    oomKilled: false,
    imageDigest: 'sha256:x',
    imageRef: 'x',
    config: null,
    addresses: [],
    problem: null,
    owner: { homeId, service: 's', component: nativeId, generation: 1, specHash: null },
    ...patch,
  };
}

function list(takenAtMs: number, ...workloads: readonly ObservedWorkload[]): DriverSnapshot {
  return { driver: 'toy', workloads, images: new Map(), takenAtMs };
}

function died(nativeId: string, atMs: number): RuntimeEvent {
  const claim = { state: 'exited', exitCode: 137 } as const;
  return {
    driver: 'toy',
    action: 'died',
    kind: 'workload',
    nativeId,
    name: nativeId,
    owner: null,
    atMs,
    attributes: {},
    claim,
  };
}

const seen = (picture: Picture, id: string): ObservedWorkload | undefined =>
  picture.workloadsOf({ service: 's', component: id }, id)[0];

describe('the picture of a driver', () => {
  it('tells what is new, changed or gone, and nothing else', () => {
    const picture = new Picture(homeId);
    expect(picture.takeList(list(1, workload('a'), workload('b')), 1).map((item) => item.nativeId)).toEqual(['a', 'b']);
    expect(picture.takeList(list(2, workload('a'), workload('b')), 2)).toEqual([]);
    const touched = picture.takeList(list(3, workload('a', { state: 'exited' })), 3);
    expect(touched.map((item) => item.nativeId).sort()).toEqual(['a', 'b']);
  });

  it('does not let an older list hide a newer look', () => {
    const picture = new Picture(homeId);
    picture.takeList(list(1, workload('a')), 1);
    picture.takeLook('new', workload('new'), 20);
    picture.takeLook('a', undefined, 20);
    picture.takeList(list(15, workload('a')), 15);
    expect([seen(picture, 'a'), seen(picture, 'new')?.nativeId]).toEqual([undefined, 'new']);
    picture.takeList(list(30, workload('a')), 30);
    expect([seen(picture, 'a')?.nativeId, seen(picture, 'new')]).toEqual(['a', undefined]);
  });

  it('does not let an older look hide a newer one', () => {
    const picture = new Picture(homeId);
    picture.takeLook('a', workload('a', { state: 'exited' }), 20);
    picture.takeLook('a', workload('a'), 10);
    expect(seen(picture, 'a')?.state).toBe('exited');
  });

  it('takes the word of an event, but not about an earlier run, nor against a later list', () => {
    const picture = new Picture(homeId);
    picture.takeList(list(1, workload('a')), 1);
    expect(picture.takeClaim(died('a', 5), 5)).toEqual([]);
    expect(picture.takeClaim(died('a', 50), 50)).toHaveLength(2);
    expect(seen(picture, 'a')).toMatchObject({ state: 'exited', exitCode: 137, finishedAtMs: 50 });
    picture.takeList(list(40, workload('a')), 40);
    expect(seen(picture, 'a')?.state).toBe('exited');
    picture.takeList(list(60, workload('a', { startedAtMs: 55 })), 60);
    expect(seen(picture, 'a')?.state).toBe('running');
    expect(picture.takeClaim(died('unknown', 99), 99)).toEqual([]);
  });

  it('finds the holder of a name, and follows a rename', () => {
    const picture = new Picture(homeId);
    picture.takeList(list(1, workload('a'), workload('z', { owner: null, name: 'wanted' })), 1);
    expect(picture.workloadsOf({ service: 's', component: 'a' }, 'wanted').map((item) => item.nativeId)).toEqual([
      'a',
      'z',
    ]);
    picture.takeLook('a', workload('a', { name: 'other' }), 5);
    expect(picture.workloadsOf({ service: 's', component: 'q' }, 'a')).toEqual([]);
    expect(picture.owned()).toHaveLength(1);
  });
});
