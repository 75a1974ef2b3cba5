/** The core with ten, and with ten thousand components: what a look at all costs, one edit, a start, and the memory. */
import { join } from 'node:path';
import { execaNode } from 'execa';
import { median, medianRatio, type Benchmark, type Measure, type RunOptions } from './harness.js';
import type { ScaleAct } from './scale-home.js';

interface Size {
  readonly count: number;
  readonly passes: number[];
  readonly edits: number[];
  readonly starts: number[];
  heapMb: number;
  ask(act: ScaleAct): Promise<number>;
  stop(): Promise<void>;
}

async function open(count: number): Promise<Size> {
  const child = execaNode(join(import.meta.dirname, 'scale-home.js'), [String(count)], {
    ipc: true,
    nodeOptions: ['--expose-gc'],
    reject: false,
    cleanup: true,
  });
  await child.getOneMessage();
  return {
    count,
    passes: [],
    edits: [],
    starts: [],
    heapMb: Number.NaN,
    ask: async (act) => {
      const answer = child.getOneMessage();
      await child.sendMessage(act);
      return Number(await answer);
    },
    stop: async () => {
      child.disconnect();
      await child;
    },
  };
}

/** All sizes in turns, so that a change of the machine's load meets each of them. */
async function measure(sizes: readonly Size[], { quick }: RunOptions): Promise<void> {
  const [passes, edits, starts] = quick ? [3, 25, 1] : [5, 60, 3];
  for (let round = 0; round < edits; round += 1) for (const size of sizes) size.edits.push(await size.ask('edit'));
  for (let round = 0; round < passes; round += 1) for (const size of sizes) size.passes.push(await size.ask('pass'));
  for (let round = 0; round < starts; round += 1)
    for (const size of sizes) size.starts.push(await size.ask('start-up'));
  for (const size of sizes) size.heapMb = await size.ask('memory');
}

function measuresOf(size: Size, least: Size): readonly Measure[] {
  const { count, passes, edits, starts, heapMb } = size;
  const name = count.toLocaleString('en-US');
  const large = count >= 10_000;
  const edit: Measure = {
    what: `one edit among ${name}, commit → call`,
    value: median(edits),
    unit: 'ms',
    target: null,
    detail: `median of ${edits.length}, in turns`,
  };
  const ratio = medianRatio(edits, least.edits);
  const peer = { what: `among ${least.count}`, value: median(least.edits), ratio, bound: { atMost: 2 } };
  return [
    {
      what: `full pass, ${name} components`,
      value: median(passes),
      unit: 'ms',
      target: large ? { atMost: 1_000 } : null,
      detail: `median of ${passes.length}`,
    },
    size === least ? edit : { ...edit, peer },
    {
      what: `start-up, ${name} components that run`,
      value: median(starts),
      unit: 'ms',
      target: null,
      detail: `registry opened → all looked at; median of ${starts.length}`,
    },
    {
      what: `memory, ${name} components`,
      value: heapMb,
      unit: 'MB',
      target: null,
      detail: 'heap, the simulated host included',
    },
  ];
}

export const fullPass: Benchmark = {
  name: 'full-pass',
  about: 'a look at 10 to 10,000 components (simulated driver) that are as they should be, one edit, a start, memory',
  quick: true,
  async run(options) {
    const sizes: Size[] = [];
    try {
      for (const count of options.quick ? [10, 1_000] : [10, 100, 1_000, 10_000]) sizes.push(await open(count));
      await measure(sizes, options);
      const [least] = sizes;
      return least ? sizes.flatMap((size) => measuresOf(size, least)) : [];
    } finally {
      for (const size of sizes) await size.stop();
    }
  },
};
