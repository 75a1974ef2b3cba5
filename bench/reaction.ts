/** From a commit in the registry to the call of the runtime that it leads to. */
import { execa } from 'execa';
import { eventually } from '../test/support/eventually.js';
import { median, percentile, type Benchmark, type Measure } from './harness.js';
import { benchContext, idle, openRealCore, type RealCore } from './real-core.js';

/** Milliseconds from the moment when `edit` has ended to the next `update` of the driver. */
async function reaction(core: RealCore, edit: () => Promise<number>): Promise<number> {
  const before = core.updates.length;
  const committedMs = await edit();
  await eventually(() => core.updates.length > before, { timeoutMs: 5_000, everyMs: 1, describe: 'the call' });
  const calledMs = core.updates[before] ?? Number.NaN;
  await eventually(() => core.controller.queueDepth === 0, { timeoutMs: 5_000, everyMs: 1 });
  return Math.max(0, calledMs - committedMs);
}

function summed(what: string, values: readonly number[], atMost: number): readonly Measure[] {
  const detail = `of ${values.length} edits`;
  return [
    { what: `${what}, median`, value: median(values), unit: 'ms', target: null, detail },
    { what: `${what}, p99`, value: percentile(values, 0.99), unit: 'ms', target: { atMost }, detail },
  ];
}

export const reactions: Benchmark = {
  name: 'reaction',
  about: 'registry edit → runtime call issued (real registry and controller, simulated runtime)',
  quick: true,
  async run({ quick }) {
    const [edits, foreignEdits] = quick ? [60, 15] : [200, 50];
    const core = await openRealCore(20);
    try {
      const own: number[] = [];
      for (let edit = 0; edit < edits; edit += 1) {
        const spec = idle('c0', 64 + (edit % 2 === 0 ? 32 : 0));
        own.push(
          await reaction(core, async () => {
            await core.registry.change([{ kind: 'put-component', service: 's0', spec, source: null }], benchContext);
            return performance.now();
          }),
        );
      }
      const foreign: number[] = [];
      for (let edit = 0; edit < foreignEdits; edit += 1) {
        const sql = `update components set memory_mb = ${80 + (edit % 2) * 16} where service = 's0' and name = 'c1'`;
        foreign.push(
          await reaction(core, async () => {
            // Its own start and end count, too: the moment of the commit is not told.
            const beganMs = performance.now();
            await execa('sqlite3', ['-cmd', '.timeout 2000', core.path, sql], { timeout: 10_000 });
            return beganMs;
          }),
        );
      }
      return [
        ...summed('own edit → call', own, 20),
        ...summed('edit by the sqlite3 program, its run included → call', foreign, 150),
      ];
    } finally {
      await core.close();
    }
  },
};
