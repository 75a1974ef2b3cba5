import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { expectRefusal, patience, type Bench } from '../bench.js';

/** Published ports, and ports that are taken. */
export function portCases(bench: Bench): void {
  it('does not start on a port that is taken, and leaves its holder alone', async () => {
    const { driver } = bench;
    const ports = [`127.0.0.1:${await bench.fixture.freePort()}:8080`];
    const [holder, second] = [await bench.run({ spec: { ports } }), await bench.create({ spec: { ports } })];
    const { startedAtMs } = await bench.inspect(holder);
    await expectRefusal(driver.start(second, patience()), 'E_PORT_TAKEN');
    expect((await bench.inspect(second)).state).not.toBe('running');
    expect(await bench.inspect(holder)).toMatchObject({ state: 'running', startedAtMs });

    await driver.stop(holder, 10_000, patience());
    await eventually(() => driver.start(second, patience()), {
      timeoutMs: 10_000,
      everyMs: 100,
      describe: 'the port is free',
    });
    await bench.untilState(second, 'running');
  });

  it('frees its ports when it is removed', async () => {
    const { driver } = bench;
    const ports = [`127.0.0.1:${await bench.fixture.freePort()}:8080`];
    await driver.remove(await bench.run({ spec: { ports } }), patience());
    const second = await bench.create({ spec: { ports } });
    await eventually(() => driver.start(second, patience()), {
      timeoutMs: 10_000,
      everyMs: 100,
      describe: 'the port is free',
    });
  });
}
