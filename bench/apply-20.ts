/** 20 containers until all run: `berth deploy` against others that do the same, in turns. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../test/support/eventually.js';
import { makeTestHome, podman, type TestHome } from '../test/support/test-home.js';
import { kubePlay, podmanCompose, podmanLoop, type Peer } from './compose-peers.js';
import { median, medianRatio, timed, type Benchmark, type Measure } from './harness.js';
import { mustSucceed, writeMany } from './many.js';

const count = 20;
const service = 'many';

async function byBerth(home: TestHome, definition: string): Promise<number> {
  const ms = await timed(async () => {
    mustSucceed('berth deploy', await home.berth('deploy', '-f', definition, '--timeout', '60s'));
  });
  const running = await podman('ps', '--filter', `name=^${home.prefix}${service}-`, '--format', '{{.Names}}');
  if (running.stdout.split('\n').length !== count) throw new Error(`not all run: ${running.stdout}`);
  mustSucceed('berth delete', await home.berth('delete', service, '--yes'));
  await eventually(async () => (await home.berth('status', service)).exitCode === 4, {
    timeoutMs: 60_000,
    everyMs: 100,
    describe: 'the service is gone',
  });
  return ms;
}

async function byPeer(peer: Peer): Promise<number> {
  try {
    return await peer.up();
  } finally {
    await peer.down();
  }
}

interface Contest {
  readonly what: string;
  readonly peer: Peer;
  readonly rounds: number;
  readonly atMost?: number;
}

async function against(home: TestHome, definition: string, contest: Contest): Promise<Measure> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < contest.rounds; round += 1) {
    ours.push(await byBerth(home, definition));
    theirs.push(await byPeer(contest.peer));
  }
  return {
    what: `berth deploy of ${count}`,
    value: median(ours),
    unit: 'ms',
    target: null,
    peer: {
      what: contest.what,
      value: median(theirs),
      ratio: medianRatio(ours, theirs),
      ...(contest.atMost === undefined ? {} : { bound: { atMost: contest.atMost } }),
    },
    detail: contest.rounds === 1 ? 'one round' : `medians of ${contest.rounds}`,
  };
}

export const apply20: Benchmark = {
  name: 'apply-20',
  about: `apply of ${count} containers until all run, in turns with podman run -d in a loop, podman kube play and podman-compose`,
  async run() {
    const home = await makeTestHome();
    const folder = await mkdtemp(join(tmpdir(), 'bh-bench-'));
    try {
      await home.startAgent();
      const definition = join(home.path, 'many.toml');
      await writeMany(definition, service, count);
      const setting = { folder, prefix: home.prefix, count };
      const contests: readonly Contest[] = [
        { what: 'podman run -d, one by one', peer: await podmanLoop(setting), rounds: 5, atMost: 0.75 },
        { what: 'podman kube play', peer: await kubePlay(setting), rounds: 1 },
        { what: 'podman-compose up', peer: await podmanCompose(setting), rounds: 1 },
      ];
      const measures: Measure[] = [];
      for (const contest of contests) measures.push(await against(home, definition, contest));
      return measures;
    } finally {
      await home.dispose();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
