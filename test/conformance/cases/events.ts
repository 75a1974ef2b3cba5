import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';
import { Listener, waitingForEvents } from '../listener.js';

/** Hints that something happened, of all workloads, through reconnects. */
export function eventCases(bench: Bench, can: Can): void {
  const waiting = waitingForEvents;
  const listen = (): Promise<Listener> => Listener.to(bench.driver);

  it('tells of a whole life, and whose it is', async () => {
    const listener = await listen();
    try {
      const request = bench.request();
      const id = await bench.createFrom(request);
      await bench.driver.start(id, patience());
      await bench.fixture.byHand.kill(id);
      await listener.until(id, 'create', 'start', 'died');
      await bench.driver.remove(id, patience());
      await listener.until(id, 'remove');
      const died = listener.events.find(({ nativeId, action }) => nativeId === id && action === 'died');
      expect(died).toMatchObject({
        kind: 'workload',
        driver: bench.driver.name,
        name: bench.hostNameOf(request),
        owner: { homeId: bench.fixture.homeId, service: request.service, component: request.spec.name },
        claim: { state: 'exited', exitCode: bench.fixture.killedCode },
      });
      const removed = listener.events.find(({ nativeId, action }) => nativeId === id && action === 'remove');
      expect(removed?.claim).toEqual({ state: 'gone', exitCode: null });
      expect(died?.atMs).toBeGreaterThan(0);
    } finally {
      await listener.end();
    }
  });

  it('lets several listen', async () => {
    const listeners = [await listen(), await listen()];
    try {
      const id = await bench.create();
      for (const listener of listeners) await listener.until(id, 'create');
    } finally {
      await Promise.all(listeners.map((listener) => listener.end()));
    }
  });

  if (can.pause) {
    it('tells of a pause, an unpause and a rename', async () => {
      const listener = await listen();
      try {
        const request = bench.request();
        const id = await bench.createFrom(request);
        await bench.driver.start(id, patience());
        await bench.fixture.byHand.pause(id);
        await bench.driver.unpause(id, patience());
        await bench.driver.rename(id, request.service, request.spec.name, 'previous', patience());
        await listener.until(id, 'pause', 'unpause', 'rename');
      } finally {
        await listener.end();
      }
    });
  }

  if (can.images) {
    it('tells that a tag moved', async () => {
      const listener = await listen();
      try {
        const { image, byHand } = bench.fixture;
        await byHand.tag(image.digest, `localhost/${bench.freshName()}:1`);
        await eventually(() => listener.events.some(({ kind, action }) => kind === 'image' && action === 'tag'), {
          ...waiting,
          describe: 'a tag event',
        });
      } finally {
        await listener.end();
      }
    });
  }

  if (can.cutEvents) {
    it('connects again when the stream breaks, and says so', async () => {
      const listener = await listen();
      try {
        await bench.fixture.cutEvents();
        await eventually(() => listener.lost > 0 && listener.connected > 1, { ...waiting, describe: 'a reconnect' });
        const id = await bench.create();
        await listener.until(id, 'create');
      } finally {
        await listener.end();
      }
    });
  }
}
