import { expect, it } from 'vitest';
import { componentDefaults } from '../../../src/core/spec.js';
import { expectRefusal, patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

/** Limits as they are in force, changed in place by us or by hand. */
export function limitCases(bench: Bench, can: Can): void {
  if (can.limits) limitsInPlace(bench);
  else limitsOfMachines(bench);
}

/** A machine has its memory and processors from its start on. */
function limitsOfMachines(bench: Bench): void {
  it('gives a machine the limits of the definition, or its own, and changes none in place', async () => {
    const memoryMb = bench.request().spec.memoryMb ?? 0;
    const id = await bench.run({ spec: { vcpus: 2 } });
    expect(await bench.inspect(id)).toMatchObject({ memoryMb, vcpus: 2 });
    const refused = bench.driver.update(id, { memoryMb: memoryMb * 2, vcpus: null }, patience());
    await expectRefusal(refused, 'E_NOT_SUPPORTED');
    expect(await bench.listed(id)).toMatchObject({ memoryMb, vcpus: 2, state: 'running' });
    const plain = await bench.create({ spec: { memoryMb: componentDefaults.memoryMb } });
    expect(await bench.inspect(plain)).toMatchObject({ memoryMb: 256, vcpus: 1 });
  });
}

function limitsInPlace(bench: Bench): void {
  it('sets the limits of the definition', async () => {
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

  it('changes limits in place, without a restart, and the list shows it', async () => {
    const id = await bench.run({ spec: { memoryMb: 64 } });
    const { startedAtMs } = await bench.inspect(id);
    await bench.driver.update(id, { memoryMb: 96, vcpus: 0.25 }, patience());
    const updated = await bench.untilListed(id, ({ memoryMb, vcpus }) => {
      expect(memoryMb).toBe(96);
      expect(vcpus).toBeCloseTo(0.25, 2);
    });
    expect(updated).toMatchObject({ state: 'running', startedAtMs });
  });

  it('lifts limits in place', async () => {
    const id = await bench.run({ spec: { memoryMb: 64, vcpus: 0.5 } });
    await bench.driver.update(id, { memoryMb: null, vcpus: null }, patience());
    await bench.untilListed(id, ({ memoryMb, vcpus }) => {
      expect(memoryMb).toBeNull();
      expect(vcpus).toBeNull();
    });
  });

  it('sees a limit that was changed by hand', async () => {
    const id = await bench.run({ spec: { memoryMb: 64 } });
    await bench.fixture.byHand.updateMemory(id, 80);
    await bench.untilListed(id, ({ memoryMb }) => {
      expect(memoryMb).toBe(80);
    });
  });

  it('reports the limit that is in force after a restart, and can set it again', async () => {
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
