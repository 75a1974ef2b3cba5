/** Whole steps of the control plane in simulation, with the registry in memory and in a file. */
import { join } from 'node:path';
import { execaNode } from 'execa';
import type { Benchmark, Measure, RunOptions } from './harness.js';

const deadlineMs = 120_000;

async function measuredAlone(storage: 'memory' | 'file', { quick }: RunOptions): Promise<readonly Measure[]> {
  const child = execaNode(join(import.meta.dirname, 'steps-home.js'), [storage, quick ? 'quick' : 'whole'], {
    ipc: true,
    timeout: deadlineMs,
  });
  const measures = (await child.getOneMessage()) as unknown as readonly Measure[];
  await child;
  return measures;
}

export const steps: Benchmark = {
  name: 'steps',
  about:
    'whole steps of the control plane in simulation, registry included: edits, killed programs, removed containers',
  quick: true,
  async run(options: RunOptions) {
    const inMemory = await measuredAlone('memory', options);
    return options.quick ? inMemory : [...inMemory, ...(await measuredAlone('file', options))];
  },
};
