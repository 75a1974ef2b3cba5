import { expect, it, type TestContext } from 'vitest';
import { patience, type Bench } from '../bench.js';

/** Limits as they are in force, changed in place by us or by hand. */
export function limitCases(bench: Bench): void {
  const needLimits = (context: TestContext): void => {
    context.skip(!bench.fixture.can.limits, 'this host cannot set limits');
  };

  it('sets the limits of the definition', async (context) => {
    needLimits(context);
    const id = await bench.run({ spec: { memoryMb: 64, vcpus: 0.5 } });
    const running = await bench.inspect(id);
    expect(running.memoryMb).toBe(64);
    expect(running.vcpus).toBeCloseTo(0.5, 2);
    expect(await bench.listed(id)).toMatchObject({ memoryMb: 64, vcpus: running.vcpus });
  });

  it('sets none where the definition has none', async () => {
    const running = await bench.inspect(await bench.run());
    expect([null, undefined]).toContain(running.memoryMb);
    expect([null, undefined]).toContain(running.vcpus);
  });

  it('changes limits in place, without a restart, and the list shows it', async (context) => {
    needLimits(context);
    const id = await bench.run({ spec: { memoryMb: 64 } });
    const { startedAtMs } = await bench.inspect(id);
    await bench.driver.update(id, { memoryMb: 96, vcpus: 0.25 }, patience());
    const updated = await bench.untilListed(id, ({ memoryMb, vcpus }) => {
      expect(memoryMb).toBe(96);
      expect(vcpus).toBeCloseTo(0.25, 2);
    });
    expect(updated).toMatchObject({ state: 'running', startedAtMs });
  });

  it('lifts limits in place', async (context) => {
    needLimits(context);
    const id = await bench.run({ spec: { memoryMb: 64, vcpus: 0.5 } });
    await bench.driver.update(id, { memoryMb: null, vcpus: null }, patience());
    await bench.untilListed(id, ({ memoryMb, vcpus }) => {
      expect(memoryMb).toBeNull();
      expect(vcpus).toBeNull();
    });
  });

  it('sees a limit that was changed by hand', async (context) => {
    needLimits(context);
    const id = await bench.run({ spec: { memoryMb: 64 } });
    await bench.fixture.byHand.updateMemory(id, 80);
    await bench.untilListed(id, ({ memoryMb }) => {
      expect(memoryMb).toBe(80);
    });
  });

  it('reports the limit that is in force after a restart, and can set it again', async (context) => {
    needLimits(context);
    const { driver } = bench;
    const id = await bench.run({ spec: { memoryMb: 64 } });
    await driver.update(id, { memoryMb: 96, vcpus: null }, patience());
    await driver.stop(id, 10_000, patience());
    await driver.start(id, patience());
    // Podman 4.3 restores the limit of the creation, others keep the changed one.
    expect([64, 96]).toContain((await bench.inspect(id)).memoryMb);
    await driver.update(id, { memoryMb: 96, vcpus: null }, patience());
    expect((await bench.inspect(id)).memoryMb).toBe(96);
  });
}
