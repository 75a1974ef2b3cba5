/** A process of its own with a core of so many components: does what it is told to, and answers a figure. */
import { eventually } from '../test/support/eventually.js';
import { timed } from './harness.js';
import { benchContext, idle, openRealCore, type RealCore } from './real-core.js';

export type ScaleAct = 'pass' | 'edit' | 'start-up' | 'memory';

/** Milliseconds of a look at each component, none of which has changed. */
function fullPass(core: RealCore, count: number): Promise<number> {
  return timed(async () => {
    const looked = core.looks();
    core.controller.onAll();
    await eventually(() => core.looks() >= looked + count && core.controller.queueDepth === 0, {
      everyMs: 1,
      timeoutMs: 60_000,
      describe: 'every component was looked at',
    });
  });
}

/** Milliseconds from the commit of one edit until the runtime was called. */
async function oneEdit(core: RealCore): Promise<number> {
  const before = core.updates.length;
  const spec = idle('c0', 64 + (before % 2 === 0 ? 32 : 0));
  await core.registry.change([{ kind: 'put-component', service: 's0', spec, source: null }], benchContext);
  const committedMs = performance.now();
  await eventually(() => core.updates.length > before, { everyMs: 1, timeoutMs: 10_000, describe: 'the call' });
  await eventually(() => core.controller.queueDepth === 0, { everyMs: 1, timeoutMs: 60_000 });
  return Math.max(0, (core.updates[before] ?? Number.NaN) - committedMs);
}

/** Mebibytes of the heap that are in use, once what nobody needs is collected. */
function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

const count = Number(process.argv[2]);
const emptyMb = heapMb();
const core = await openRealCore(count);

async function figureOf(act: ScaleAct): Promise<number> {
  switch (act) {
    case 'pass':
      return fullPass(core, count);
    case 'edit':
      return oneEdit(core);
    case 'start-up':
      return core.restart();
    case 'memory':
      return heapMb() - emptyMb;
  }
}

process.on('message', (act: ScaleAct) => {
  void figureOf(act).then((figure) => process.send?.(figure));
});
process.on('disconnect', () => {
  void core.close();
});
process.send?.('ready');
