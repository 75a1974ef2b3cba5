/** Applying again what is there already, the process of the command included. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTestHome, type TestHome } from '../test/support/test-home.js';
import { podmanCompose } from './compose-peers.js';
import { median, medianRatio, percentile, timed, type Benchmark, type Measure } from './harness.js';
import { bareNode, mustSucceed, writeMany } from './many.js';

const rounds = 15;
const running = 20;
/** In services of so many, for one has at most 200. */
const large = { services: 10, each: 100 };

const again = (home: TestHome, path: string): Promise<number> =>
  timed(async () => mustSucceed('berth apply', await home.berth('apply', '-f', path)));

async function many(home: TestHome, path: string, what: string, target: Measure['target']): Promise<Measure> {
  const ours: number[] = [];
  const node: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await again(home, path));
    node.push(await bareNode());
  }
  const detail = `medians of ${rounds}; slowest ${percentile(ours, 1).toFixed(0)} ms`;
  const peer = { what: 'a bare node process', value: median(node), ratio: medianRatio(ours, node) };
  return { what, value: median(ours), unit: 'ms', target, peer, detail };
}

/** One round, for it takes most of a minute. */
async function againstCompose(home: TestHome, path: string): Promise<Measure> {
  const folder = await mkdtemp(join(tmpdir(), 'bh-bench-'));
  const compose = await podmanCompose({ folder, prefix: home.prefix, count: running });
  try {
    await compose.up();
    const ours = await again(home, path);
    const theirs = await compose.up();
    return {
      what: `apply again, ${running} that run`,
      value: ours,
      unit: 'ms',
      target: null,
      peer: { what: 'podman-compose up again', value: theirs },
      detail: 'one round',
    };
  } finally {
    await compose.down();
    await rm(folder, { recursive: true, force: true });
  }
}

export const applyUnchanged: Benchmark = {
  name: 'apply-unchanged',
  about: 'berth apply of a definition that changes nothing: 20 that run, and 1,000 in the registry alone',
  async run() {
    const home = await makeTestHome();
    try {
      const agent = await home.startAgent();
      const definition = join(home.path, 'many.toml');
      await writeMany(definition, 'many', running);
      mustSucceed('berth deploy', await home.berth('deploy', '-f', definition, '--timeout', '60s'));
      const measures = [
        await many(home, definition, `apply again, ${running} that run`, { atMost: 300 }),
        await againstCompose(home, definition),
      ];
      await agent.stop();
      const folder = join(home.path, 'large');
      await mkdir(folder);
      for (let index = 0; index < large.services; index += 1) {
        await writeMany(join(folder, `large${index}.toml`), `large${index}`, large.each);
      }
      mustSucceed('berth apply', await home.berth('apply', '-f', folder));
      const total = large.services * large.each;
      const what = `apply again, ${total.toLocaleString('en-US')} components, no agent`;
      return [...measures, await many(home, folder, what, { atMost: 200 })];
    } finally {
      await home.dispose();
    }
  },
};
