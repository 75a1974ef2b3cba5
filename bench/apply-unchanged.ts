/** Applying again what is there already. */
import { join } from 'node:path';
import { makeTestHome, type TestHome } from '../test/support/test-home.js';
import { median, percentile, timed, type Benchmark, type Measure } from './harness.js';
import { mustSucceed, writeMany } from './many.js';

const rounds = 15;

async function again(home: TestHome, definition: string, what: string, atMost: number): Promise<readonly Measure[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    times.push(await timed(async () => mustSucceed('berth apply', await home.berth('apply', '-f', definition))));
  }
  return [
    { what, value: median(times), unit: 'ms', target: { atMost }, detail: `median of ${rounds}, the process included` },
    { what: `${what}, slowest`, value: percentile(times, 1), unit: 'ms', target: null, detail: '' },
  ];
}

export const applyUnchanged: Benchmark = {
  name: 'apply-unchanged',
  about: 'berth apply of a definition that changes nothing: 20 that run, and 200 in the registry alone',
  async run() {
    const home = await makeTestHome();
    try {
      const agent = await home.startAgent();
      const definition = join(home.path, 'many.toml');
      await writeMany(definition, 'many', 20);
      mustSucceed('berth deploy', await home.berth('deploy', '-f', definition, '--timeout', '60s'));
      const running = await again(home, definition, 'apply again, 20 running', 300);
      await agent.stop();
      const large = join(home.path, 'large.toml');
      await writeMany(large, 'large', 200);
      mustSucceed('berth apply', await home.berth('apply', '-f', large));
      return [...running, ...(await again(home, large, 'apply again, 200 components, no agent', 300))];
    } finally {
      await home.dispose();
    }
  },
};
