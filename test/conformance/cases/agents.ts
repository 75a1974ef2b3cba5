import { expect, it } from 'vitest';
import type { Driver } from '../../../src/core/ports/driver.js';
import { eventually } from '../../support/eventually.js';
import { expectRefusal, patience, within, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';
import { callsOf, networkOf, readAll } from '../every-call.js';
import { Listener } from '../listener.js';

/** Two agents of one home, one after the other and at once, and two homes on one host. */
export function agentCases(bench: Bench, can: Can): void {
  const shown = async (driver: Driver, id: string): Promise<unknown> => {
    const { workloads } = await driver.list(patience());
    const seen = workloads.find(({ nativeId }) => nativeId === id);
    return seen && { ...seen, problem: null, programStartedAtMs: undefined };
  };

  it('shows the same to two agents, and lets both stop and remove', async () => {
    const { driver, fixture } = bench;
    const second = await fixture.again();
    const id = await bench.run();
    const listeners = [await Listener.to(driver), await Listener.to(second)];
    try {
      await bench.untilState(id, 'running');
      expect(await shown(second, id)).toEqual(await shown(driver, id));
      await Promise.all([driver.stop(id, 20_000, patience()), second.stop(id, 20_000, patience())]);
      for (const listener of listeners) await listener.until(id, 'died');
      for (const agent of [driver, second]) {
        expect(await agent.inspect(id, patience())).toMatchObject({ state: 'exited', exitCode: 0 });
      }
      expect(await shown(second, id)).toEqual(await shown(driver, id));
      await Promise.all([driver.remove(id, patience()), second.remove(id, patience())]);
      for (const agent of [driver, second]) {
        expect(await agent.inspect(id, patience())).toBeUndefined();
        expect(await shown(agent, id)).toBeUndefined();
      }
    } finally {
      await Promise.all(listeners.map((listener) => listener.end()));
      await second.close();
    }
    // An agent that goes may take a process with it that both talked to; the other has a new one soon.
    await eventually(() => driver.list(patience()), { timeoutMs: 20_000, everyMs: 50, describe: 'a list' });
  });

  it('hands its workloads on to the next agent as they are', async () => {
    const { fixture } = bench;
    const first = await fixture.again();
    const id = bench.remember(await first.create(bench.request({ program: { does: 'tick' } }), patience()));
    await first.start(id, patience());
    const before = await bench.untilState(id, 'running');
    await eventually(async () => (await readAll(first.logs(id, {}, patience()))).length > 1, {
      timeoutMs: 20_000,
      everyMs: 50,
      describe: 'it ticks',
    });
    await first.close();
    await first.close();

    const next = await fixture.again();
    const listener = await Listener.to(next);
    try {
      expect(await next.inspect(id, patience())).toMatchObject({ state: 'running', startedAtMs: before.startedAtMs });
      await next.list(patience());
      await fixture.byHand.kill(id);
      await listener.until(id, 'died');
      const lines = (await readAll(next.logs(id, {}, patience()))).map(({ text }) => text);
      expect(lines).toEqual(lines.map((_, index) => `tick ${index + 1}`));
      await next.remove(id, patience());
    } finally {
      await listener.end();
      await next.close();
    }
    await eventually(() => bench.driver.list(patience()), { timeoutMs: 20_000, everyMs: 50, describe: 'a list' });
  });

  it('refuses every call once it is closed, and ends those under way', async () => {
    const { fixture } = bench;
    const driver = await fixture.again();
    const request = bench.request({ program: { does: 'ignore-term' } });
    const id = bench.remember(await driver.create(request, patience()));
    await driver.start(id, patience());
    const control = new AbortController();
    const nothing = (): void => undefined;
    const events = driver.events({ onConnected: nothing, onEvent: nothing, onLost: nothing }, control.signal);
    const stopping = driver.stop(id, 600_000, patience()).catch((error: unknown) => error);
    await bench.untilListed(id, ({ state }) => {
      expect(['running', 'stopping']).toContain(state);
    });
    await within(driver.close(), 'closing');
    await within(stopping, 'a stop of a driver that was closed');
    const { reads, acts, create } = callsOf(driver, fixture, id, request, bench.request());
    for (const { name, make } of [...reads, ...acts, create]) {
      await within(expectRefusal(make(patience()), 'E_DRIVER_UNREACHABLE'), `${name} after close`);
    }
    control.abort();
    await within(events, 'events of a driver that was closed');
    // Another agent goes on where it left off.
    await eventually(
      async () => {
        expect(['running', 'stopping', 'exited']).toContain((await bench.inspect(id)).state);
      },
      { timeoutMs: 20_000, everyMs: 50, describe: 'it is still there' },
    );
  });

  it('keeps its hands off what another home runs, call by call', async () => {
    const { fixture, driver } = bench;
    const { otherHome, otherHomeId } = fixture;
    const request = bench.request({ spec: { volumes: ['data:/data'] } });
    const id = await bench.createFrom(request, otherHome);
    await otherHome.start(id, patience());
    const before = await otherHome.inspect(id, patience());
    // In whatever order the runtime tells them.
    const objectsOf = async (home: Driver): Promise<readonly string[]> =>
      (await home.listObjects(patience())).map(({ kind, name }) => `${kind} ${name}`).sort();
    const objects = await objectsOf(otherHome);

    const { acts } = callsOf(driver, { ...fixture, homeId: otherHomeId }, id, request, request);
    for (const { name, make } of acts) {
      // What a runtime does not show to others is gone for them: `stop` and `remove` have nothing to do.
      const mayPass = !can.strangers && (name === 'stop' || name === 'remove' || name === 'removeObject');
      const refused = expectRefusal(make(patience()));
      await (mayPass ? refused.catch(() => undefined) : refused);
    }
    await expectRefusal(driver.exec(id, fixture.exec.echo('hello'), patience()));
    await expectRefusal(driver.attach(id, patience()));
    if (can.networks)
      await expectRefusal(driver.removeObject(networkOf(driver, otherHomeId, request.service), patience()));
    expect(await otherHome.inspect(id, patience())).toMatchObject({
      state: 'running',
      name: before?.name,
      startedAtMs: before?.startedAtMs,
    });
    expect(await objectsOf(otherHome)).toEqual(objects);
    expect((await driver.listObjects(patience())).filter(({ service }) => service === request.service)).toEqual([]);
  });
}
