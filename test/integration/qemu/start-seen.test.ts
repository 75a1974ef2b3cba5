/** A machine that is looked at while it starts: QEMU talks to one at a time, and whoever starts it has to be that one. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { specHash } from '../../../src/core/spec-diff.js';
import { componentDefaults } from '../../../src/core/spec.js';
import { echoGuest } from '../../support/boot-sector.js';
import { makeQemuHome, type QemuHome } from '../../support/qemu-fixture.js';

const patience = (): AbortSignal => AbortSignal.timeout(60_000);

let home: QemuHome;
let folder: string;
let id: string;

beforeAll(async () => {
  home = await makeQemuHome();
  folder = await mkdtemp(join(tmpdir(), 'bh-seen-'));
  const disk = join(folder, 'guest.img');
  await writeFile(disk, echoGuest({ obeys: true }));
  const image = `file:${disk}`;
  const spec = { ...componentDefaults, name: 'vm', runtime: 'unikernel' as const, image, memoryMb: 16 };
  const imageDigest = await home.driver.pull(image, 'never', patience());
  const made = { role: 'main', generation: 1, specHash: specHash(spec), imageDigest, env: {} } as const;
  id = await home.driver.create({ service: 'seen', spec, ...made }, patience());
});

afterAll(async () => {
  await home.dispose();
  await rm(folder, { recursive: true, force: true });
});

it('starts all the same, however often', async () => {
  for (let turn = 0; turn < 5; turn += 1) {
    const over = { is: false };
    const starting = home.driver.start(id, patience()).finally(() => {
      over.is = true;
    });
    const problems = new Set<string | null | undefined>();
    try {
      while (!over.is) problems.add((await home.driver.inspect(id, patience()))?.problem);
    } finally {
      await starting;
    }
    expect([...problems]).toEqual([null]);
    expect(await home.driver.inspect(id, patience())).toMatchObject({ state: 'running', problem: null });
    await home.driver.stop(id, 5_000, patience());
  }
});
