/** Durable writes of the registry: each in a transaction of its own, on the disk when it returns. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistry } from '../src/registry/index.js';
import { realChance, realClock } from '../test/support/real-clock.js';
import { percentile, timed, type Benchmark } from './harness.js';
import { benchContext, idle } from './real-core.js';

const writes = 3_000;

export const registryWrites: Benchmark = {
  name: 'registry-writes',
  about: `durable registry writes, ${writes} one after another; the lag of a watch of the same process`,
  quick: true,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    const path = join(folder, 'registry.db');
    const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: true });
    try {
      await registry.change([{ kind: 'put-component', service: 's', spec: idle('c', 64), source: null }], benchContext);
      let notifiedMs = 0;
      const unwatch = registry.watch(() => (notifiedMs = performance.now()));
      const lags: number[] = [];
      const key = { service: 's', component: 'c' };
      const totalMs = await timed(async () => {
        for (let write = 0; write < writes; write += 1) {
          const beganMs = performance.now();
          await registry.change([{ kind: 'request-restart', key }], benchContext);
          if (notifiedMs >= beganMs) lags.push(notifiedMs - beganMs);
        }
      });
      unwatch();
      const perSecond = writes / (totalMs / 1_000);
      return [
        { what: 'writes', value: perSecond, unit: '/s', target: { atLeast: 2_000 }, detail: '' },
        {
          what: 'watch lag, p99',
          value: lags.length === 0 ? Number.POSITIVE_INFINITY : percentile(lags, 0.99),
          unit: 'ms',
          target: { atMost: 20 },
          detail: `from the begin of the write; of ${lags.length} that were told before the next`,
        },
      ];
    } finally {
      await registry.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
