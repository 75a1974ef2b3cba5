import { expect, it } from 'vitest';
import { expectRefusal, patience, within, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

const graceMs = 20_000;
const longGraceMs = 120_000;

/** Each word said twice at once, and words that cross each other. */
export function twiceCases(bench: Bench, can: Can): void {
  /** In the middle of its grace; a machine that was told to end shows nothing of it. */
  const untilStopping = (id: string): Promise<unknown> => bench.untilState(id, can.daemon ? 'stopping' : 'running');

  it('starts once, stops once and removes once what it is told to at once', async () => {
    const { driver } = bench;
    const id = await bench.create();
    const both = (call: () => Promise<void>): Promise<unknown> => Promise.all([call(), call(), call()]);

    await both(() => driver.start(id, patience()));
    const { startedAtMs } = await bench.untilState(id, 'running');
    await driver.start(id, patience());
    expect(await bench.inspect(id)).toMatchObject({ state: 'running', startedAtMs });

    await both(() => driver.stop(id, graceMs, patience()));
    expect(await bench.inspect(id)).toMatchObject({ state: 'exited', startedAtMs, exitCode: 0 });

    await both(() => driver.remove(id, patience()));
    expect(await driver.inspect(id, patience())).toBeUndefined();
    expect(await bench.listed(id)).toBeUndefined();
  });

  it('removes what is being started', async () => {
    const { driver } = bench;
    const request = bench.request();
    const id = await bench.createFrom(request);
    const [started] = await Promise.allSettled([driver.start(id, patience()), driver.remove(id, patience())]);
    if (started.status === 'rejected') await expectRefusal(Promise.reject(started.reason as Error));
    await driver.remove(id, patience());
    expect(await driver.inspect(id, patience())).toBeUndefined();
    // Nothing of it holds the name.
    await bench.createFrom(request);
  });

  it('removes what is being stopped, however long its grace', async () => {
    const { driver } = bench;
    const id = await bench.run({ program: { does: 'ignore-term' } });
    const stopping = driver.stop(id, longGraceMs, patience());
    await untilStopping(id);
    await within(driver.remove(id, patience()), 'a remove during a stop');
    await within(stopping, 'a stop of what was removed');
    expect(await driver.inspect(id, patience())).toBeUndefined();
    await bench.untilEnded([id]);
  });

  it('ends what is removed by hand while it is stopped', async () => {
    const { driver, fixture } = bench;
    const id = await bench.run({ program: { does: 'ignore-term' } });
    const stopping = driver.stop(id, longGraceMs, patience());
    await untilStopping(id);
    await fixture.byHand.remove(id);
    await within(stopping, 'a stop of what was removed');
    expect(await driver.inspect(id, patience())).toBeUndefined();
    await bench.untilEnded([id]);
  });

  it('makes a workload while the one of its name is removed, or says that the name is taken', async () => {
    const { driver } = bench;
    const request = bench.request();
    const old = await bench.createFrom(request);
    await driver.start(old, patience());
    const [made] = await Promise.allSettled([
      bench.createFrom({ ...request, generation: 2 }),
      driver.remove(old, patience()),
    ]);
    if (made.status === 'rejected') await expectRefusal(Promise.reject(made.reason as Error), 'E_NAME_TAKEN');
    const { workloads } = await driver.list(patience());
    const left = workloads.filter(({ name }) => name === bench.hostNameOf(request));
    expect(left.map(({ nativeId }) => nativeId)).toEqual(made.status === 'fulfilled' ? [made.value] : []);
    expect(left.every(({ state, owner }) => state === 'created' && owner?.generation === 2)).toBe(true);
    if (left.length === 0) await bench.createFrom(request);
  });
}
