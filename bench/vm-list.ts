/** Fifty machines that run: one list of all. They boot one sector and halt, so that they cost no processor time. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { specHash } from '../src/core/spec-diff.js';
import { componentDefaults } from '../src/core/spec.js';
import { bootDisk } from '../src/runtimes/qemu/machine/probe-guest.js';
import { makeQemuHome } from '../test/support/qemu-fixture.js';
import { median, percentile, timed, type Benchmark } from './harness.js';

const count = 50;
const lists = 20;
/** cli; hlt; and again. */
const haltingGuest = 'faf4ebfd';
const patience = (): AbortSignal => AbortSignal.timeout(60_000);

export const vmList: Benchmark = {
  name: 'vm-list',
  about: `one list of ${count} machines that run, ${lists} times`,
  async run() {
    const home = await makeQemuHome();
    const folder = await mkdtemp(join(tmpdir(), 'bh-bench-'));
    try {
      const disk = join(folder, 'halt.img');
      await writeFile(disk, bootDisk(haltingGuest));
      const image = `file:${disk}`;
      const digest = await home.driver.pull(image, 'never', patience());
      for (let index = 0; index < count; index += 1) {
        const spec = { ...componentDefaults, name: `c${index}`, runtime: 'unikernel' as const, image, memoryMb: 16 };
        const request = { service: 'many', spec, role: 'main' as const, generation: 1, specHash: specHash(spec) };
        const id = await home.driver.create({ ...request, imageDigest: digest, env: {} }, patience());
        await home.driver.start(id, patience());
      }
      const times: number[] = [];
      for (let turn = 0; turn < lists; turn += 1) {
        times.push(
          await timed(async () => {
            const { workloads } = await home.driver.list(patience());
            const running = workloads.filter(({ state, problem }) => state === 'running' && problem === null);
            if (running.length !== count) throw new Error(`${running.length} of ${count} run`);
          }),
        );
      }
      const target = { atMost: 100 };
      return [
        { what: `list of ${count}, median`, value: median(times), unit: 'ms', target, detail: `of ${lists}` },
        { what: `list of ${count}, slowest`, value: percentile(times, 1), unit: 'ms', target, detail: `of ${lists}` },
      ];
    } finally {
      await home.dispose();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
