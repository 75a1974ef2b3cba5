import { describe, expect, it } from 'vitest';
import { BerthError } from '../../../src/core/errors.js';
import type { FaultKind } from '../../../src/runtimes/simulated/index.js';
import { makeStage } from './stage.js';

const code = (error: unknown): string => (error instanceof BerthError ? error.code : String(error));

describe('planned faults', () => {
  it.each<[FaultKind, string, boolean]>([
    ['fail-before', 'E_DRIVER_FAILED', false],
    ['unreachable', 'E_DRIVER_UNREACHABLE', false],
    ['hang', 'E_DRIVER_TIMEOUT', false],
    ['lost-answer', 'E_DRIVER_UNREACHABLE', true],
    ['hang-after', 'E_DRIVER_TIMEOUT', true],
    ['slow-answer', 'E_DRIVER_TIMEOUT', true],
  ])('%s: fails with %s, done: %s', async (kind, wanted, isDone) => {
    const { host, driver, clock, signal, create } = makeStage();
    const id = await create({}, false);
    host.faults.next('start', kind);
    const answer = await clock.settle(driver.start(id, signal).then(() => 'ok', code));
    expect(answer).toBe(wanted);
    expect(host.starts(id)).toBe(isDone ? 1 : 0);
    await clock.settle(driver.start(id, signal));
    expect(host.starts(id)).toBe(1);
  });

  it('late: is done after the caller has given up', async () => {
    const { host, driver, clock, signal, create } = makeStage();
    const id = await create({}, false);
    host.faults.next('start', 'late', { delayMs: 30_000 });
    await expect(clock.settle(driver.start(id, signal))).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
    expect(host.starts(id)).toBe(0);
    await clock.advance(30_000);
    expect(host.starts(id)).toBe(1);
  });

  it('stale: a list answers what it answered before, with its own time', async () => {
    const { host, driver, clock, signal, create } = makeStage();
    const id = await create();
    const before = await clock.settle(driver.list(signal));
    host.hand.kill(id);
    host.faults.next('list', 'stale');
    expect(await clock.settle(driver.list(signal))).toBe(before);
    const after = await clock.settle(driver.list(signal));
    expect(after.workloads[0]?.state).toBe('exited');
    expect(after.takenAtMs).toBeGreaterThan(before.takenAtMs);
  });

  it('can be planned by the number of the call, for several calls, and in words of their own', async () => {
    const { host, driver, clock, signal } = makeStage();
    host.faults.atCall(host.faults.calls() + 2, 'fail-before', {
      error: new BerthError('E_DISK_FULL', 'no space left'),
    });
    await clock.settle(driver.list(signal));
    await expect(clock.settle(driver.list(signal))).rejects.toMatchObject({ code: 'E_DISK_FULL' });
    host.faults.next('any', 'unreachable', { times: 2 });
    for (let count = 0; count < 2; count += 1) {
      await expect(clock.settle(driver.stats(signal))).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
    }
    await clock.settle(driver.stats(signal));
    expect(host.faults.calls('stats')).toBe(3);
  });
});

describe('outages', () => {
  it('hang: calls time out, and what nobody waits for any more is not done', async () => {
    const { host, driver, clock, signal, create } = makeStage();
    const id = await create({}, false);
    host.setOutage('hang');
    await expect(clock.settle(driver.start(id, signal))).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
    const listing = driver.list(signal);
    await clock.advance(1_000);
    host.setOutage(null);
    await clock.settle(listing);
    await clock.advance(60_000);
    expect(host.starts(id)).toBe(0);
  });

  it('hang: can carry out later what nobody waits for any more', async () => {
    const { host, driver, clock, signal, create } = makeStage();
    const id = await create({}, false);
    host.setOutage('hang', { carryOutAbandoned: true });
    await expect(clock.settle(driver.start(id, signal))).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
    host.setOutage(null);
    await clock.advance(1_000);
    expect(host.starts(id)).toBe(1);
  });

  it('refuse: calls fail at once', async () => {
    const { host, driver, clock, signal } = makeStage();
    host.setOutage('refuse');
    const began = clock.monotonic();
    await expect(clock.settle(driver.list(signal))).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
    expect(clock.monotonic() - began).toBeLessThan(10);
  });
});

describe('crashes', () => {
  it('before an effect leave it undone, after it done, and answer in neither case', async () => {
    for (const moment of ['before', 'after'] as const) {
      const { host, driver, clock, signal, newDriver, create } = makeStage();
      const id = await create({}, false);
      host.onEffect = (effect) => {
        if (effect.moment === moment && effect.action === 'start') driver.crash();
      };
      let answered = false;
      void driver.start(id, signal).finally(() => (answered = true));
      await clock.advance(60_000);
      expect(answered).toBe(false);
      expect(host.starts(id)).toBe(moment === 'before' ? 0 : 1);

      host.onEffect = null;
      const next = newDriver();
      await clock.settle(next.start(id, signal));
      expect(host.starts(id)).toBe(1);
      expect(clock.pendingTimers()).toBe(0);
    }
  });

  it('in the middle of a create leave what was made before', async () => {
    const { host, driver, clock, signal, request } = makeStage();
    const seen: string[] = [];
    host.onEffect = ({ action, moment, number }) => {
      if (moment === 'before') seen.push(`${number} ${action}`);
      if (moment === 'after' && action === 'volume-create') driver.crash();
    };
    void driver.create(request({ volumes: ['data:/data'] }), signal);
    await clock.advance(60_000);
    expect(seen).toEqual(['1 network-create', '2 volume-create']);
    expect(host.things().map(({ kind }) => kind)).toEqual(['network', 'volume']);
    expect(host.containers()).toEqual([]);
  });

  it('end event streams and later calls without a word', async () => {
    const { host, driver, clock, signal, create } = makeStage();
    const id = await create();
    let events = 0;
    const sink = { onConnected: () => undefined, onLost: () => undefined, onEvent: () => (events += 1) };
    void driver.events(sink, signal);
    await clock.flush();
    driver.crash();
    host.hand.kill(id);
    let answered = false;
    void driver.list(signal).finally(() => (answered = true));
    await clock.advance(60_000);
    expect([events, answered]).toEqual([0, false]);
  });

  it('do not undo what had reached the host', async () => {
    const { host, driver, clock, signal, create } = makeStage({}, { latencies: { start: 100 } });
    const id = await create({}, false);
    void driver.start(id, signal);
    await clock.advance(50);
    driver.crash();
    await clock.advance(50);
    expect(host.starts(id)).toBe(1);
  });
});
