/** A look at every component when nothing has changed, and one edit among many. */
import { eventually } from '../test/support/eventually.js';
import { median, timed, type Benchmark, type Measure } from './harness.js';
import { benchContext, idle, openRealCore } from './real-core.js';

const rounds = 5;

async function measured(count: number): Promise<readonly Measure[]> {
  const core = await openRealCore(count);
  try {
    const passes: number[] = [];
    const singles: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      passes.push(
        await timed(async () => {
          const looked = core.looks();
          core.controller.onAll();
          await eventually(() => core.looks() >= looked + count && core.controller.queueDepth === 0, {
            everyMs: 1,
            timeoutMs: 60_000,
            describe: 'every component was looked at',
          });
        }),
      );
      const before = core.updates.length;
      const spec = idle('c0', 64 + (round % 2 === 0 ? 32 : 0));
      singles.push(
        await timed(async () => {
          await core.registry.change([{ kind: 'put-component', service: 's0', spec, source: null }], benchContext);
          await eventually(() => core.updates.length > before, { everyMs: 0, timeoutMs: 10_000 });
        }),
      );
      await eventually(() => core.controller.queueDepth === 0, { everyMs: 1, timeoutMs: 60_000 });
    }
    const detail = `median of ${rounds}`;
    const target = count >= 10_000 ? { atMost: 1_000 } : null;
    return [
      { what: `full pass, ${count} components`, value: median(passes), unit: 'ms', target, detail },
      { what: `one edit among ${count}, until the call`, value: median(singles), unit: 'ms', target: null, detail },
    ];
  } finally {
    await core.close();
  }
}

export const fullPass: Benchmark = {
  name: 'full-pass',
  about: 'a full pass over components that are as they should be, on the simulated driver; one edit among them',
  quick: true,
  async run() {
    const measures: Measure[] = [];
    for (const count of [10, 1_000, 10_000]) measures.push(...(await measured(count)));
    return measures;
  },
};
