import { expect, it } from 'vitest';
import { expectRefusal, patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

const unknownDigest = `sha256:${'0'.repeat(64)}`;

/** What a tag names, policies of pulling, and digests that stay pinned. */
export function imageCases(bench: Bench, can: Can): void {
  it('resolves a local image, and says when it is not here', async () => {
    const { driver, fixture } = bench;
    expect(await driver.resolveImage(fixture.image.reference, patience())).toBe(fixture.image.digest);
    expect(await driver.resolveImage(`localhost/${bench.freshName()}:1`, patience())).toBeUndefined();
    const { images } = await driver.list(patience());
    if (can.images) expect(images.get(fixture.image.reference)).toBe(fixture.image.digest);
    else expect(driver.imagesOf).not.toBe(driver.name);
  });

  it('pulls nothing that is here already', async () => {
    const { driver, fixture } = bench;
    const { reference, digest } = fixture.image;
    expect(await driver.pull(reference, 'missing', patience())).toBe(digest);
    expect(await driver.pull(reference, 'never', patience())).toBe(digest);
  });

  it('does not pull what it never should', async () => {
    const missing = `localhost/${bench.freshName()}:1`;
    await expectRefusal(bench.driver.pull(missing, 'never', patience()), 'E_IMAGE_MISSING');
  });

  it('says when a missing image cannot be pulled', async () => {
    const missing = `localhost/${bench.freshName()}:1`;
    await expectRefusal(bench.driver.pull(missing, 'missing', patience()), 'E_IMAGE_PULL', 'E_IMAGE_MISSING');
  });

  it('creates nothing from an image that is not here', async () => {
    const request = { ...bench.request(), imageDigest: unknownDigest };
    await expectRefusal(bench.driver.create(request, patience()), 'E_IMAGE_MISSING');
    expect(await bench.driver.inspect(bench.hostNameOf(request), patience())).toBeUndefined();
  });

  it('keeps to the pinned digest though the tag has moved', async () => {
    const { driver, fixture } = bench;
    const { image, secondImage, byHand } = fixture;
    const reference = `localhost/${bench.freshName()}:1`;
    await byHand.tag(image.digest, reference);
    const before = await bench.create({ spec: { image: reference } });
    await byHand.tag(secondImage.digest, reference);
    expect(await driver.resolveImage(reference, patience())).toBe(secondImage.digest);
    if (can.images) expect((await driver.list(patience())).images.get(reference)).toBe(secondImage.digest);

    const after = await bench.create({ spec: { image: reference } });
    for (const id of [before, after]) expect((await bench.inspect(id)).imageDigest).toBe(image.digest);
    await driver.start(before, patience());
    expect((await bench.untilState(before, 'running')).imageDigest).toBe(image.digest);
  });
}
