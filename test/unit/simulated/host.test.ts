import { describe, expect, it } from 'vitest';
import type { RuntimeEvent } from '../../../src/core/observation.js';
import { makeStage, type Stage } from './stage.js';

const actionsOf = (stage: Stage, id: string): readonly string[] =>
  stage.host.journal.filter((entry) => entry.id === id).map(({ action }) => action);

function collectEvents(stage: Stage): RuntimeEvent[] {
  const events: RuntimeEvent[] = [];
  void stage.driver.events(
    { onConnected: () => undefined, onLost: () => undefined, onEvent: (event) => events.push(event) },
    stage.signal,
  );
  return events;
}

describe('simulated host', () => {
  it('takes the same course for the same seed', async () => {
    const course = async (seed: number): Promise<unknown> => {
      const stage = makeStage({ exitAfterMs: 70, exitCode: 2 }, {}, seed);
      const ids = [await stage.create(), await stage.create()];
      await stage.clock.advance(100);
      await stage.clock.settle(Promise.all(ids.map((id) => stage.driver.remove(id, stage.signal))));
      return stage.host.journal;
    };
    expect(await course(5)).toEqual(await course(5));
    expect(await course(5)).not.toEqual(await course(6));
  });

  it('keeps a journal of who did what', async () => {
    const stage = makeStage();
    const id = await stage.create();
    stage.host.hand.kill(id);
    await stage.clock.settle(stage.driver.remove(id, stage.signal));
    const entries = stage.host.journal.filter((entry) => entry.id === id).map(({ by, action }) => `${by} ${action}`);
    const home = 'home:aaaaaaaa-0000-4000-8000-000000000001';
    expect(entries).toEqual([`${home} create`, `${home} start`, 'hand died', `${home} remove`]);
  });

  it('lets a program depend on the number of its start', async () => {
    const stage = makeStage(({ startNumber }) => (startNumber < 3 ? { exitAfterMs: 5, exitCode: 1 } : {}));
    const id = await stage.create();
    for (let start = 2; start <= 3; start += 1) {
      await stage.clock.advance(10);
      expect(stage.host.engine.get(id)).toMatchObject({ state: 'exited', exitCode: 1 });
      await stage.clock.settle(stage.driver.start(id, stage.signal));
    }
    await stage.clock.advance(60_000);
    expect(stage.host.engine.get(id).state).toBe('running');
    expect(stage.host.starts(id)).toBe(3);
  });

  it('stops the time of a program while it is paused', async () => {
    const stage = makeStage({ exitAfterMs: 1_000 });
    const id = await stage.create();
    const started = stage.host.engine.get(id).startedAtMs ?? 0;
    await stage.clock.advance(started + 400 - stage.clock.now());
    stage.host.hand.pause(id);
    await stage.clock.advance(10_000);
    expect(stage.host.engine.get(id).state).toBe('paused');
    stage.host.hand.unpause(id);
    await stage.clock.advance(599);
    expect(stage.host.engine.get(id).state).toBe('running');
    await stage.clock.advance(1);
    expect(stage.host.engine.get(id).state).toBe('exited');
  });

  it('waits as long as a program takes to end, and kills it after the grace', async () => {
    const stage = makeStage({ termDelayMs: 2_000, termExitCode: 0 });
    const [patient, hasty] = [await stage.create(), await stage.create()];
    await stage.clock.settle(stage.driver.stop(patient, 5_000, stage.signal));
    expect(stage.host.engine.get(patient).exitCode).toBe(0);
    await stage.clock.settle(stage.driver.stop(hasty, 500, stage.signal));
    expect(stage.host.engine.get(hasty).exitCode).toBe(137);
  });

  it('does not let the grace of one run kill the next', async () => {
    const stage = makeStage({ termExitCode: 0 });
    const id = await stage.create();
    await stage.clock.settle(stage.driver.stop(id, 5_000, stage.signal));
    await stage.clock.settle(stage.driver.start(id, stage.signal));
    await stage.clock.advance(60_000);
    expect(stage.host.engine.get(id)).toMatchObject({ state: 'running', starts: 2 });
  });

  it('shows a stop in progress as such, and a wedged one for ever', async () => {
    const stage = makeStage({ wedged: true });
    const id = await stage.create();
    await expect(stage.clock.settle(stage.driver.stop(id, 1_000, stage.signal))).rejects.toMatchObject({
      code: 'E_DRIVER_TIMEOUT',
    });
    expect(await stage.clock.settle(stage.driver.inspect(id, stage.signal))).toMatchObject({ state: 'stopping' });
    await stage.clock.settle(stage.driver.remove(id, stage.signal));
    expect(stage.host.containers()).toEqual([]);
  });

  it('restores limits at a restart, and tells of their change only when asked to', async () => {
    for (const updateEvents of [false, true]) {
      const stage = makeStage({}, { updateEvents });
      const events = collectEvents(stage);
      const id = await stage.create({ memoryMb: 64 });
      stage.host.hand.updateLimits(id, 32, 0.5);
      await stage.clock.advance(100);
      expect(stage.host.engine.get(id)).toMatchObject({ memoryMb: 32, vcpus: 0.5 });
      expect(events.some(({ action }) => action === 'update')).toBe(updateEvents);
      stage.host.hand.kill(id);
      expect(stage.host.engine.get(id).memoryMb).toBe(64);
    }
  });

  it('comes back from a loss of power with everything down and nobody knowing how it ended', async () => {
    const stage = makeStage();
    const [ran, idle] = [await stage.create({ memoryMb: 64 }), await stage.create({}, false)];
    stage.host.hand.updateLimits(ran, 32, null);
    stage.host.reboot();
    const { workloads } = await stage.clock.settle(stage.driver.list(stage.signal));
    expect(workloads.find(({ nativeId }) => nativeId === ran)).toMatchObject({
      state: 'exited',
      exitCode: null,
      finishedAtMs: null,
      memoryMb: 64,
    });
    expect(workloads.find(({ nativeId }) => nativeId === idle)).toMatchObject({ state: 'created' });
    await stage.clock.settle(stage.driver.start(ran, stage.signal));
    expect(actionsOf(stage, ran).filter((action) => action === 'start')).toHaveLength(2);
  });

  it('reports two running workloads of one component, but not those that a person started', async () => {
    const stage = makeStage();
    const request = stage.request();
    const { driver, clock, signal, host } = stage;
    const main = await clock.settle(driver.create(request, signal));
    const next = await clock.settle(driver.create({ ...request, role: 'next' }, signal));
    await clock.settle(driver.start(main, signal));
    host.hand.start(next);
    expect(host.violations()).toEqual([]);
    host.hand.kill(next);
    await clock.settle(driver.start(next, signal));
    expect(host.violations()).toMatchObject([{ rule: 'two-running' }]);
  });

  it('reports an attempt on what is not ours', async () => {
    const stage = makeStage();
    const stranger = stage.host.hand.runForeign('stranger');
    await expect(stage.clock.settle(stage.driver.remove(stranger, stage.signal))).rejects.toMatchObject({
      code: 'E_DRIVER_FAILED',
    });
    expect(stage.host.violations()).toMatchObject([{ rule: 'foreign-touched' }]);
    expect(stage.host.engine.get(stranger).state).toBe('running');
  });

  it('refuses ports that another program holds, until it lets go', async () => {
    const stage = makeStage();
    stage.host.hand.occupyPort('0.0.0.0:8080:8080/tcp');
    const id = await stage.create({ ports: ['127.0.0.1:8080:80'] }, false);
    await expect(stage.clock.settle(stage.driver.start(id, stage.signal))).rejects.toMatchObject({
      code: 'E_PORT_TAKEN',
      details: { hostPort: 8080 },
    });
    stage.host.hand.freePort('0.0.0.0:8080:8080/tcp');
    await stage.clock.settle(stage.driver.start(id, stage.signal));
    expect(stage.host.engine.get(id).state).toBe('running');
  });

  it('builds and pulls', async () => {
    const { host, driver, clock, signal } = makeStage();
    const published = host.images.publish('example.org/app:2');
    expect(await clock.settle(driver.pull('example.org/app:2', 'missing', signal))).toBe(published);
    const moved = host.images.publish('example.org/app:2');
    expect(await clock.settle(driver.pull('example.org/app:2', 'missing', signal))).toBe(published);
    expect(await clock.settle(driver.pull('example.org/app:2', 'always', signal))).toBe(moved);
    await expect(clock.settle(driver.pull('example.org/none:1', 'missing', signal))).rejects.toMatchObject({
      code: 'E_IMAGE_PULL',
    });

    host.images.setBuild('/src/app', { command: ['run'] });
    const built = await clock.settle(driver.build({ context: '/src/app' }, 'localhost/built:1', signal));
    expect(await clock.settle(driver.build({ context: '/src/app' }, 'localhost/built:1', signal))).toBe(built);
    expect(await clock.settle(driver.resolveImage('localhost/built:1', signal))).toBe(built);
    host.images.setBuild('/src/app', { fails: 'STEP 2: no such file' });
    await expect(
      clock.settle(driver.build({ context: '/src/app' }, 'localhost/built:1', signal)),
    ).rejects.toMatchObject({ code: 'E_BUILD_FAILED', message: 'STEP 2: no such file' });
    host.images.remove(built);
    expect(await clock.settle(driver.resolveImage('localhost/built:1', signal))).toBeUndefined();
  });

  it('lists ten thousand workloads without making them anew', async () => {
    const stage = makeStage({}, { latencies: {} });
    const { clock, driver, signal } = stage;
    const requests = Array.from({ length: 10_000 }, () => stage.request());
    await clock.settle(Promise.all(requests.map((request) => driver.create(request, signal))));
    const first = await clock.settle(driver.list(signal));
    stage.host.hand.start(first.workloads[0]?.nativeId ?? '');
    const second = await clock.settle(driver.list(signal));
    expect(second.workloads).toHaveLength(10_000);
    const anew = second.workloads.filter((workload, index) => workload !== first.workloads[index]);
    expect(anew).toMatchObject([{ state: 'running' }]);
  });
});

describe('simulated events', () => {
  const words = (events: readonly RuntimeEvent[], id: string): readonly string[] =>
    events.filter(({ nativeId }) => nativeId === id).map(({ action }) => action);

  it('come in the order and words of Podman', async () => {
    const stage = makeStage({ termExitCode: 0 });
    const events = collectEvents(stage);
    const id = await stage.create();
    await stage.clock.settle(stage.driver.stop(id, 1_000, stage.signal));
    await stage.clock.advance(100);
    expect(words(events, id)).toEqual(['create', 'init', 'start', 'died', 'stop']);
    expect(events.find(({ action }) => action === 'died')?.attributes).toEqual({ containerExitCode: '0' });
  });

  it('get lost, come twice and change places as planned', async () => {
    const stage = makeStage();
    const events = collectEvents(stage);
    const { host, clock } = stage;
    const id = await stage.create({}, false);
    await clock.advance(100);
    events.length = 0;
    host.events.plan('drop', ({ action }) => action === 'start');
    host.hand.start(id);
    host.events.plan('duplicate', ({ action }) => action === 'pause');
    host.hand.pause(id);
    host.events.plan('swap-with-next', ({ action }) => action === 'unpause');
    host.hand.unpause(id);
    host.hand.rename(id, 'other');
    await clock.advance(100);
    expect(words(events, id)).toEqual(['init', 'pause', 'pause', 'rename', 'unpause']);
  });

  it('wait while the runtime hangs, and are lost while it refuses', async () => {
    const stage = makeStage();
    const events = collectEvents(stage);
    const { host, clock } = stage;
    const id = await stage.create();
    await clock.advance(100);
    events.length = 0;
    host.setOutage('hang');
    host.hand.pause(id);
    await clock.advance(10_000);
    expect(events).toEqual([]);
    host.setOutage(null);
    expect(words(events, id)).toEqual(['pause']);

    host.setOutage('refuse');
    host.hand.unpause(id);
    await clock.advance(10_000);
    host.setOutage(null);
    await clock.advance(10_000);
    host.hand.kill(id);
    await clock.advance(100);
    expect(words(events, id)).toEqual(['pause', 'died']);
  });
});
