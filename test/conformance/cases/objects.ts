import { expect, it } from 'vitest';
import { networkName, volumeName } from '../../../src/core/names.js';
import type { HostObject } from '../../../src/core/observation.js';
import type { Driver } from '../../../src/core/ports/driver.js';
import { expectRefusal, patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

/** Networks and volumes that come with workloads and outlive them. */
export function objectCases(bench: Bench, can: Can): void {
  const listed = async (service: string, driver: Driver = bench.driver): Promise<readonly HostObject[]> =>
    (await driver.listObjects(patience())).filter((object) => object.service === service);
  const names = (objects: readonly HostObject[]): readonly string[] => objects.map(({ name }) => name).sort();

  it('says beforehand what it will make, and makes that', async () => {
    const { homeId } = bench.fixture;
    const request = bench.request({ spec: { volumes: ['data:/data', 'data:/again', 'more:/more'] } });
    const { service } = request;
    const said = bench.driver.objectsFor(request);
    const wanted = [
      ...(can.networks ? [networkName(homeId, service)] : []),
      volumeName(homeId, service, 'data'),
      volumeName(homeId, service, 'more'),
    ];
    expect(names(said)).toEqual([...wanted].sort());
    expect(await listed(service)).toEqual([]);
    await bench.createFrom(request);
    expect(names(await listed(service))).toEqual(names(said));
    expect(await listed(service, bench.fixture.otherHome)).toEqual([]);
  });

  if (can.networks) {
    it('shares the network of a service, whoever comes first', async () => {
      const service = bench.freshName();
      await Promise.all(Array.from({ length: 4 }, () => bench.create({ service })));
      expect(names(await listed(service))).toEqual([networkName(bench.fixture.homeId, service)]);
    });
  }

  it('keeps volumes when their workload is removed, and takes them again', async () => {
    const request = bench.request({ spec: { volumes: ['data:/data'] } });
    const id = await bench.createFrom(request);
    await bench.driver.remove(id, patience());
    const volume = volumeName(bench.fixture.homeId, request.service, 'data');
    expect(names(await listed(request.service))).toContain(volume);
    const again = await bench.createFrom(request);
    expect((await bench.inspect(again)).config?.mounts).toMatchObject([{ source: volume }]);
  });

  it('removes what nothing uses, twice if need be, and nothing that is used', async () => {
    const { driver } = bench;
    const request = bench.request({ spec: { volumes: ['data:/data'] } });
    const id = await bench.run({ service: request.service, spec: request.spec });
    const objects = await listed(request.service);
    expect(objects).toHaveLength(can.networks ? 2 : 1);
    for (const object of objects) await expectRefusal(driver.removeObject(object, patience()));
    expect(names(await listed(request.service))).toEqual(names(objects));
    expect((await bench.inspect(id)).state).toBe('running');
    await driver.remove(id, patience());
    for (const object of objects) {
      await driver.removeObject(object, patience());
      await driver.removeObject(object, patience());
    }
    expect(await listed(request.service)).toEqual([]);
  });

  it("does not remove another home's", async () => {
    const { otherHome } = bench.fixture;
    const request = bench.request({ spec: { volumes: ['data:/data'] } });
    const id = await bench.createFrom(request, otherHome);
    await otherHome.remove(id, patience());
    const objects = await listed(request.service, otherHome);
    expect(objects).toHaveLength(can.networks ? 2 : 1);
    for (const object of objects) await expectRefusal(bench.driver.removeObject(object, patience()));
    expect(names(await listed(request.service, otherHome))).toEqual(names(objects));
  });
}
