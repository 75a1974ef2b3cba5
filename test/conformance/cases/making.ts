import { expect, it } from 'vitest';
import { isBerthError } from '../../../src/core/errors.js';
import { expectRefusal, patience, within, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

/** Images that are built, pulled and removed while workloads come and go. */
export function makingCases(bench: Bench, can: Can): void {
  it('builds and pulls while the workload of that image is removed', async () => {
    const { driver, fixture } = bench;
    const context = await fixture.buildContext();
    const image = `localhost/${bench.freshName()}:1`;
    const digest = await driver.build({ context }, image, patience());
    const id = await bench.createFrom({ ...bench.request({ spec: { image } }), imageDigest: digest });
    const building = driver.build({ context }, image, patience());
    const pulling = driver.pull(`localhost/${bench.freshName()}:1`, 'missing', patience());
    const refused = expectRefusal(pulling, 'E_IMAGE_PULL', 'E_IMAGE_MISSING');
    await driver.remove(id, patience());
    expect(await driver.inspect(id, patience())).toBeUndefined();
    const again = await building;
    await refused;
    expect(await driver.resolveImage(image, patience())).toBe(again);
    const next = await bench.createFrom({ ...bench.request({ spec: { image } }), imageDigest: again });
    expect((await bench.inspect(next)).imageDigest).toBe(again);
    await driver.remove(next, patience());
    await fixture.byHand.removeImage(again);
  });

  it('says what is wrong with a build, and leaves the reference as it was', async () => {
    const image = `localhost/${bench.freshName()}:1`;
    const context = `${await bench.fixture.buildContext()}/not-there`;
    await expectRefusal(bench.driver.build({ context }, image, patience()), 'E_BUILD_FAILED');
    expect(await bench.driver.resolveImage(image, patience())).toBeUndefined();
  });

  it('ends a build and a pull soon after their signal fires', async () => {
    const { driver, fixture } = bench;
    const context = await fixture.buildContext();
    const cancel = new AbortController();
    const calls = [
      driver.build({ context }, `localhost/${bench.freshName()}:1`, cancel.signal),
      driver.pull(`localhost/${bench.freshName()}:1`, 'always', cancel.signal),
    ].map((call) =>
      call.then(
        () => 'answered',
        (error: unknown) => error,
      ),
    );
    setTimeout(() => cancel.abort(), 20);
    for (const outcome of await within(Promise.all(calls), 'cancelled calls')) {
      // One that was quick may have its answer.
      const isFine =
        outcome === 'answered' || isBerthError(outcome, 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE', 'E_IMAGE_PULL');
      expect(isFine, String(outcome)).toBe(true);
    }
  });

  it('makes a workload whole or not at all while its image is removed', async () => {
    const { driver, fixture } = bench;
    const spare = await fixture.spareImage();
    const request = { ...bench.request({ spec: { image: spare.reference } }), imageDigest: spare.digest };
    const [made] = await Promise.allSettled([
      bench.createFrom(request),
      fixture.byHand.removeImage(spare.digest).catch(() => undefined),
    ]);
    if (made.status === 'rejected') {
      await expectRefusal(Promise.reject(made.reason as Error), 'E_IMAGE_MISSING', 'E_DRIVER_FAILED');
    }
    const seen = await driver.inspect(bench.hostNameOf(request), patience());
    if (seen) {
      // What is there is whole, and runs, or says what is wrong with it; either way it can be removed.
      if (seen.problem === null) {
        await driver.start(seen.nativeId, patience());
        await bench.untilState(seen.nativeId, 'running');
      }
      await driver.remove(seen.nativeId, patience());
    }
    await bench.create({ service: request.service, spec: { name: request.spec.name } });
  });

  it(
    can.images ? 'loses its workloads with an image that is removed by force' : 'keeps a machine whose image is gone',
    async () => {
      const { driver, fixture } = bench;
      const spare = await fixture.spareImage();
      const request = { ...bench.request({ spec: { image: spare.reference } }), imageDigest: spare.digest };
      const id = await bench.createFrom(request);
      await fixture.byHand.removeImage(spare.digest);
      expect(await driver.resolveImage(spare.reference, patience())).toBeUndefined();
      const seen = await driver.inspect(id, patience());
      if (can.images) {
        expect(seen).toBeUndefined();
      } else {
        expect(seen).toMatchObject({ state: 'created', imageDigest: spare.digest });
        await driver.start(id, patience());
        await bench.untilState(id, 'running');
      }
      const next = { ...bench.request(), imageDigest: spare.digest };
      // What was built of it for a machine is kept, and serves the next one, too.
      if (can.images) await expectRefusal(driver.create(next, patience()), 'E_IMAGE_MISSING');
      else expect((await bench.inspect(await bench.createFrom(next))).imageDigest).toBe(spare.digest);
    },
  );
}
