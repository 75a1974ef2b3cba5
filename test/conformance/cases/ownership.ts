import { expect, it } from 'vitest';
import { expectRefusal, patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

/** Whose a workload is: labels that are read back, and hands kept off what is not ours. */
export function ownershipCases(bench: Bench, can: Can): void {
  it('reads back whose a workload is and what it was made from', async () => {
    const request = bench.request({ generation: 41 });
    const id = await bench.createFrom(request);
    expect((await bench.listed(id))?.owner).toEqual({
      homeId: bench.fixture.homeId,
      service: request.service,
      component: request.spec.name,
      generation: 41,
      specHash: request.specHash,
    });
  });

  it('touches nothing of another home', async () => {
    const { driver, fixture } = bench;
    const { otherHome, otherHomeId } = fixture;
    const request = bench.request();
    const id = await bench.createFrom(request, otherHome);
    await otherHome.start(id, patience());

    if (can.strangers) {
      expect(await bench.listed(id)).toMatchObject({ state: 'running', owner: { homeId: otherHomeId } });
      await expectRefusal(driver.stop(id, 0, patience()));
      await expectRefusal(driver.remove(id, patience()));
    } else {
      // What it cannot see is gone, for all that it knows: it says so and does nothing.
      expect(await bench.listed(id)).toBeUndefined();
      await driver.stop(id, 0, patience());
      await driver.remove(id, patience());
    }
    await expectRefusal(driver.rename(id, request.service, request.spec.name, 'main', patience()));
    await expectRefusal(driver.update(id, { memoryMb: 64, vcpus: null }, patience()));
    const untouched = await otherHome.inspect(id, patience());
    expect(untouched).toMatchObject({ state: 'running', nativeId: id, owner: { homeId: otherHomeId } });
  });

  if (can.strangers) {
    it('touches no stranger', async () => {
      const { driver, fixture } = bench;
      const stranger = await fixture.byHand.runForeign(`${fixture.namePrefix}${bench.freshName()}`);
      expect(await bench.listed(stranger)).toMatchObject({ owner: null, state: 'running' });
      await expectRefusal(driver.stop(stranger, 0, patience()));
      await expectRefusal(driver.remove(stranger, patience()));
      expect(await fixture.byHand.isRunning(stranger)).toBe(true);
      await fixture.byHand.remove(stranger);
    });
  }

  it('lets two homes have components of one name', async () => {
    const { otherHome } = bench.fixture;
    const request = bench.request();
    const [ours, theirs] = [await bench.createFrom(request), await bench.createFrom(request, otherHome)];
    await bench.driver.start(ours, patience());
    await otherHome.start(theirs, patience());
    await bench.driver.remove(ours, patience());
    expect(await otherHome.inspect(theirs, patience())).toMatchObject({ state: 'running' });
  });
}
