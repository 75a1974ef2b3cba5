import { expect, it } from 'vitest';
import { maxNameLength } from '../../../src/core/names.js';
import { expectRefusal, patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

const isDown = (state: string): boolean => state === 'created' || state === 'exited';

/** Names on the host, the roles of a replacement, and names that are taken. */
export function nameCases(bench: Bench, can: Can): void {
  it('takes the longest names and every allowed character', async () => {
    const service = bench.freshName().padEnd(maxNameLength, 'x0');
    const component = 'a-b-0123456789-cdefghijklmnopqrstuvwxyz'.slice(0, maxNameLength);
    const request = bench.request({ service, spec: { name: component }, role: 'previous' });
    const id = await bench.createFrom(request);
    expect(await bench.inspect(id)).toMatchObject({
      name: bench.hostNameOf(request),
      owner: { service, component },
    });
    await bench.driver.start(id, patience());
    await bench.untilState(id, 'running');
  });

  it('names a component that is called as its service after both at once', async () => {
    const name = bench.freshName();
    const id = await bench.create({ service: name, spec: { name } });
    expect((await bench.inspect(id)).name).toBe(`${bench.fixture.namePrefix}${name}`);
  });

  it('moves a replacement through its roles without stopping it', async () => {
    const { driver } = bench;
    const main = bench.request();
    const { service, spec } = main;
    const old = await bench.createFrom(main);
    await driver.start(old, patience());
    const fresh = await bench.createFrom({ ...main, role: 'next', generation: 2 });
    const { startedAtMs } = await bench.inspect(old);

    await driver.rename(old, service, spec.name, 'previous', patience());
    await driver.rename(fresh, service, spec.name, 'main', patience());
    expect(await bench.listed(old)).toMatchObject({
      name: bench.hostNameOf({ ...main, role: 'previous' }),
      state: 'running',
      startedAtMs,
      owner: { service, component: spec.name, generation: 1 },
    });
    expect(await bench.listed(fresh)).toMatchObject({ name: bench.hostNameOf(main), owner: { generation: 2 } });
    expect((await bench.inspect(bench.hostNameOf(main))).nativeId).toBe(fresh);
    expect(await driver.inspect(bench.hostNameOf({ ...main, role: 'next' }), patience())).toBeUndefined();
  });

  it('takes a rename to the name it has', async () => {
    const request = bench.request();
    const id = await bench.createFrom(request);
    await bench.driver.rename(id, request.service, request.spec.name, 'main', patience());
    expect((await bench.inspect(id)).name).toBe(bench.hostNameOf(request));
  });

  it('does not rename onto a name that is taken', async () => {
    const main = bench.request();
    const next = { ...main, role: 'next' as const };
    const [old, fresh] = [await bench.createFrom(main), await bench.createFrom(next)];
    await expectRefusal(bench.driver.rename(fresh, main.service, main.spec.name, 'main', patience()), 'E_NAME_TAKEN');
    expect((await bench.inspect(old)).name).toBe(bench.hostNameOf(main));
    expect((await bench.inspect(fresh)).name).toBe(bench.hostNameOf(next));
  });

  it('lets exactly one of two creates of one name win', async () => {
    const request = bench.request();
    const results = await Promise.allSettled([bench.createFrom(request), bench.createFrom(request)]);
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(won).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') await expectRefusal(Promise.reject(result.reason as Error), 'E_NAME_TAKEN');
    }
    const { workloads } = await bench.driver.list(patience());
    const named = workloads.filter(({ name }) => name === bench.hostNameOf(request));
    expect(named.map(({ nativeId }) => nativeId)).toEqual(won);
    expect(named.every(({ state }) => isDown(state))).toBe(true);
  });

  if (can.strangers) {
    it('refuses a name that a stranger holds, and leaves the stranger alone', async () => {
      const request = bench.request();
      const stranger = await bench.fixture.byHand.runForeign(bench.hostNameOf(request));
      await expectRefusal(bench.driver.create(request, patience()), 'E_NAME_TAKEN');
      const seen = await bench.inspect(bench.hostNameOf(request));
      expect(seen).toMatchObject({ nativeId: stranger, owner: null, state: 'running' });
      await bench.fixture.byHand.remove(stranger);
      await bench.createFrom(request);
    });
  }
}
