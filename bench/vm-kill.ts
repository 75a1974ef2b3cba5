/** A microVM's QEMU is killed by hand: when `berth events -f` shows the drift. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureExampleImage, exampleImage } from '../scripts/lib/podman.mjs';
import { eventually } from '../test/support/eventually.js';
import { machinesOf } from '../test/support/machines.js';
import { followEvents, row } from '../test/support/reading.js';
import { makeTestHome } from '../test/support/test-home.js';
import { ensureTestKernel } from '../test/support/vm-kernel.js';
import { median, percentile, type Benchmark } from './harness.js';
import { mustSucceed } from './many.js';

const kills = 10;

export const vmKill: Benchmark = {
  name: 'vm-kill',
  about: `the QEMU of a microVM killed by hand, ${kills} times: drift in berth events -f after the kill`,
  async run() {
    const kernel = await ensureTestKernel();
    await ensureExampleImage(() => undefined);
    const home = await makeTestHome({
      ...kernel.env,
      BERTH_HEALS_BEFORE_CONTEST: '1000',
      BERTH_BACKOFF_FIRST_S: '0.05',
      BERTH_BACKOFF_LONGEST_S: '0.05',
    });
    try {
      await home.startAgent();
      const definition = join(home.path, 'vm.toml');
      await writeFile(
        definition,
        `name = "vm"\n[[components]]\nname = "c"\nruntime = "microvm"\nimage = "${exampleImage}"\npull = "never"\nmemory_mb = 96\ncommand = ["sleep", "100000"]\nstop_timeout_s = 1\n`,
      );
      mustSucceed('berth deploy', await home.berth('deploy', '-f', definition, '--timeout', '60s'));
      const events = await followEvents(home);
      const lags: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        await eventually(
          async () => {
            const component = await row(home, 'c');
            return component.phase === 'running' && component.ready && component.drift.length === 0;
          },
          { timeoutMs: 60_000, everyMs: 100, describe: 'it runs again' },
        );
        const [machine] = await machinesOf(home.path);
        if (!machine) throw new Error('no machine runs');
        const killedMs = performance.now();
        process.kill(machine.pid, 'SIGKILL');
        const drift = await events.take((event) => event.reason === 'DriftDetected', 'the drift');
        lags.push(drift.arrivedMs - killedMs);
      }
      await events.stop();
      const target = { atMost: 250 };
      return [
        { what: 'kill → drift, median', value: median(lags), unit: 'ms', target, detail: `of ${kills}` },
        { what: 'kill → drift, slowest', value: percentile(lags, 1), unit: 'ms', target, detail: `of ${kills}` },
      ];
    } finally {
      await home.dispose();
    }
  },
};
