import { expect, it } from 'vitest';
import { expectRefusal, patience, type Bench } from '../bench.js';

const stopGraceMs = 10_000;
/** A guest that is still booting hears nothing of it. */
const politeGraceMs = 30_000;
const neverMade = 'f'.repeat(64);

/** Create, start, stop, remove: the states and codes in between, and each word said twice. */
export function lifeCases(bench: Bench): void {
  it('lives from create to remove', async () => {
    const { driver } = bench;
    const id = await bench.create();
    const created = await bench.listed(id);
    expect(created).toMatchObject({ nativeId: id, driver: driver.name, state: 'created' });
    expect(created).toMatchObject({ startedAtMs: null, finishedAtMs: null, exitCode: null, problem: null });

    await driver.start(id, patience());
    const running = await bench.inspect(id);
    expect(running).toMatchObject({ state: 'running', finishedAtMs: null, exitCode: null, oomKilled: false });
    expect(running.startedAtMs).toBeGreaterThanOrEqual((created?.createdAtMs ?? Infinity) - 1_000);

    await driver.stop(id, politeGraceMs, patience());
    const stopped = await bench.inspect(id);
    expect(stopped).toMatchObject({ state: 'exited', exitCode: 0, startedAtMs: running.startedAtMs });
    expect(stopped.finishedAtMs).toBeGreaterThanOrEqual(running.startedAtMs ?? Infinity);

    await driver.remove(id, patience());
    expect(await driver.inspect(id, patience())).toBeUndefined();
    expect(await bench.listed(id)).toBeUndefined();
  });

  it('answers the same to inspect by id, to inspect by name and to list', async () => {
    const request = bench.request();
    const id = await bench.createFrom(request);
    const byId = await bench.inspect(id);
    expect(await bench.inspect(bench.hostNameOf(request))).toEqual(byId);
    expect(await bench.listed(id)).toEqual(byId);
  });

  it('answers undefined for what the runtime does not know', async () => {
    expect(await bench.driver.inspect(neverMade, patience())).toBeUndefined();
    expect(await bench.driver.inspect(bench.freshName(), patience())).toBeUndefined();
  });

  it('starts once what is started twice', async () => {
    const id = await bench.run();
    const { startedAtMs } = await bench.inspect(id);
    await bench.driver.start(id, patience());
    expect(await bench.inspect(id)).toMatchObject({ state: 'running', startedAtMs });
  });

  it('takes a second stop, and a stop of what never ran or is gone', async () => {
    const { driver } = bench;
    const id = await bench.run();
    await driver.stop(id, stopGraceMs, patience());
    const { finishedAtMs } = await bench.inspect(id);
    await driver.stop(id, stopGraceMs, patience());
    expect(await bench.inspect(id)).toMatchObject({ state: 'exited', finishedAtMs });

    const neverRan = await bench.create();
    await driver.stop(neverRan, stopGraceMs, patience());
    expect((await bench.inspect(neverRan)).startedAtMs).toBeNull();
    await driver.stop(neverMade, stopGraceMs, patience());
  });

  it('takes a second remove, and a remove of what never was', async () => {
    const id = await bench.create();
    await bench.driver.remove(id, patience());
    await bench.driver.remove(id, patience());
    await bench.driver.remove(neverMade, patience());
  });

  it('says that what it should start, rename or update is gone', async () => {
    const { driver } = bench;
    await expectRefusal(driver.start(neverMade, patience()), 'E_WORKLOAD_MISSING');
    await expectRefusal(driver.rename(neverMade, 'a', 'b', 'main', patience()), 'E_WORKLOAD_MISSING');
    await expectRefusal(driver.update(neverMade, { memoryMb: 64, vcpus: null }, patience()), 'E_WORKLOAD_MISSING');
  });

  it.each([0, 3])('reports that a program ended by itself with code %i', async (code) => {
    const id = await bench.run({ program: { does: 'exit', code } });
    const ended = await bench.untilState(id, 'exited');
    expect(ended.exitCode).toBe(code);
    expect(ended.finishedAtMs).not.toBeNull();
  });

  it('starts again what has ended, under the same id', async () => {
    const id = await bench.run({ program: { does: 'exit', code: 3 } });
    const first = await bench.untilState(id, 'exited');
    await bench.driver.start(id, patience());
    const second = await bench.untilListed(id, (workload) => {
      expect(workload.state).toBe('exited');
      expect(workload.startedAtMs).toBeGreaterThan(first.startedAtMs ?? Infinity);
    });
    expect(second.exitCode).toBe(3);
  });

  it('kills after the grace what ignores SIGTERM', async () => {
    const id = await bench.run({ program: { does: 'ignore-term' } });
    await bench.driver.stop(id, 1_000, patience());
    expect(await bench.inspect(id)).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  it('leaves a program its grace to end by itself', async () => {
    const id = await bench.run();
    await bench.driver.stop(id, 60_000, patience());
    expect(await bench.inspect(id)).toMatchObject({ state: 'exited', exitCode: 0 });
  });

  it('kills at once with a grace of nothing', async () => {
    const id = await bench.run({ program: { does: 'ignore-term' } });
    await bench.driver.stop(id, 0, patience());
    expect(await bench.inspect(id)).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  it('comes out of a stop during a start in a state that a second stop settles', async () => {
    const { driver } = bench;
    const id = await bench.create();
    await Promise.allSettled([driver.start(id, patience()), driver.stop(id, stopGraceMs, patience())]);
    await driver.stop(id, stopGraceMs, patience());
    await bench.untilListed(id, ({ state }) => {
      expect(['created', 'exited']).toContain(state);
    });
    await driver.start(id, patience());
    await bench.untilState(id, 'running');
  });

  it('removes what runs', async () => {
    const id = await bench.run({ program: { does: 'ignore-term' } });
    await bench.driver.remove(id, patience());
    expect(await bench.driver.inspect(id, patience())).toBeUndefined();
  });

  it('lists fifty workloads in one pass', async () => {
    const service = bench.freshName();
    const ids: string[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      ids.push(...(await Promise.all(Array.from({ length: 5 }, () => bench.create({ service })))));
    }
    await bench.driver.list(patience());
    const before = bench.fixture.listCalls?.();
    const { workloads, takenAtMs } = await bench.driver.list(patience());
    if (before !== undefined) expect(bench.fixture.listCalls?.()).toBe(before + 1);
    const listed = new Map(workloads.map((workload) => [workload.nativeId, workload]));
    for (const id of ids) expect(listed.get(id)).toMatchObject({ state: 'created', owner: { service } });
    expect(takenAtMs).toBeGreaterThan(0);
  });
}
