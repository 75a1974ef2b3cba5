import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { expectRefusal, patience, type Bench } from '../bench.js';

/** Calls that are cancelled, and calls at once. */
export function callCases(bench: Bench): void {
  it('opens twice', async () => {
    await bench.driver.open(patience());
    await bench.driver.open(patience());
  });

  it('tells what the host can do, with a remedy for what it cannot', async () => {
    const capabilities = await bench.driver.capabilities(patience());
    expect(capabilities.length).toBeGreaterThan(0);
    for (const { name, ok, detail, remedy } of capabilities) {
      expect(name).not.toBe('');
      expect(detail).not.toBe('');
      expect(remedy === null || remedy !== '', `${name}: a remedy in words, or null`).toBe(true);
      if (ok) expect(remedy).toBeNull();
    }
  });

  it('fails at once when its signal has fired before', async () => {
    const cancelled = AbortSignal.abort(new Error('cancelled'));
    await expectRefusal(bench.driver.list(cancelled), 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE');
    const request = bench.request();
    await expectRefusal(bench.driver.create(request, cancelled), 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE');
    expect(await bench.driver.inspect(bench.hostNameOf(request), patience())).toBeUndefined();
  });

  it('ends soon after its signal fires', async () => {
    const id = await bench.run({ program: { does: 'ignore-term' } });
    const cancel = new AbortController();
    let isOver = false;
    const stopping = expectRefusal(
      bench.driver.stop(id, 600_000, cancel.signal),
      'E_DRIVER_TIMEOUT',
      'E_DRIVER_UNREACHABLE',
    ).finally(() => {
      isOver = true;
    });
    await bench.untilListed(id, ({ state }) => {
      expect(['running', 'stopping']).toContain(state);
    });
    cancel.abort();
    await eventually(() => isOver, { describe: 'the cancelled call ends' });
    await stopping;
    await bench.driver.remove(id, patience());
    expect(await bench.driver.inspect(id, patience())).toBeUndefined();
  });

  it('does many things at once', async () => {
    const { driver } = bench;
    const service = bench.freshName();
    const ids = await Promise.all(Array.from({ length: 6 }, () => bench.create({ service })));
    const snapshots = [driver.list(patience()), driver.list(patience())];
    await Promise.all(ids.map((id) => driver.start(id, patience())));
    await Promise.all(snapshots);
    const { workloads } = await driver.list(patience());
    const states = workloads.filter(({ nativeId }) => ids.includes(nativeId)).map(({ state }) => state);
    expect(states).toEqual(ids.map(() => 'running'));
    await Promise.all(ids.map((id) => driver.remove(id, patience())));
  });
}
