import { expect, it } from 'vitest';
import type { RuntimeEvent } from '../../../src/core/observation.js';
import { eventually } from '../../support/eventually.js';
import { patience, type Bench } from '../bench.js';
import { Listener, waitingForEvents } from '../listener.js';

/** Many things at once: each is told of once, in its order. */
export function stormCases(bench: Bench): void {
  it('tells of each start and end in a storm once and in order', async () => {
    const { driver, fixture } = bench;
    const { workloads, rounds } = fixture.storm;
    const listeners = [await Listener.to(driver), await Listener.to(driver)];
    try {
      const ids = await Promise.all(Array.from({ length: workloads }, () => bench.create()));
      await Promise.all(
        ids.map(async (id) => {
          for (let round = 0; round < rounds; round += 1) {
            await driver.start(id, patience());
            await driver.stop(id, 0, patience());
          }
          await driver.remove(id, patience());
        }),
      );
      const wanted = ['create', ...Array.from({ length: rounds }, () => ['start', 'died']).flat(), 'remove'];
      for (const listener of listeners) {
        for (const id of ids) await eventually(() => checkLife(listener, id, wanted), waitingForEvents);
        expect(listener.lost).toBe(0);
      }
    } finally {
      await Promise.all(listeners.map((listener) => listener.end()));
    }
  });
}

function checkLife(listener: Listener, id: string, wanted: readonly string[]): void {
  const told = listener.events.filter(({ nativeId, action }) => nativeId === id && wanted.includes(action));
  expect(told.map(({ action }) => action)).toEqual(wanted);
  const times = told.map(({ atMs }) => atMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const claims = told.filter(({ action }) => action === 'died').map(({ claim }: RuntimeEvent) => claim);
  expect(claims.every((claim) => claim?.state === 'exited' && claim.exitCode === 137)).toBe(true);
}
