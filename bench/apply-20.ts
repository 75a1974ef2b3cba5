/** 20 containers until all run: `berth deploy` against a loop of `podman run -d`, in turns. */
import { join } from 'node:path';
import { exampleImage, probeContainers } from '../scripts/lib/podman.mjs';
import { eventually } from '../test/support/eventually.js';
import { makeTestHome, podman, type TestHome } from '../test/support/test-home.js';
import { median, timed, type Benchmark } from './harness.js';
import { mustSucceed, writeMany } from './many.js';

const count = 20;
const rounds = 5;
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

async function byLoop(prefix: string): Promise<number> {
  const probe = await probeContainers();
  if (!probe.ok) throw new Error(probe.reason);
  const names = Array.from({ length: count }, (_, index) => `${prefix}loop-${index}`);
  const ms = await timed(async () => {
    for (const name of names) {
      const argv = [...probe.global, 'run', '-d', '--name', name, ...probe.run, exampleImage, 'sleep', '100000'];
      mustSucceed('podman run', await podman(...argv));
    }
  });
  mustSucceed('podman rm', await podman('rm', '-f', '-t', '0', ...names));
  return ms;
}

export const apply20: Benchmark = {
  name: 'apply-20',
  about: `apply of ${count} containers until all run, against podman run -d in a loop, ${rounds} rounds in turns`,
  async run() {
    const home = await makeTestHome();
    try {
      await home.startAgent();
      const definition = join(home.path, 'many.toml');
      await writeMany(definition, service, count);
      const berth: number[] = [];
      const loop: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        berth.push(await byBerth(home, definition));
        loop.push(await byLoop(home.prefix));
      }
      const detail = `median of ${rounds}`;
      return [
        { what: 'berth deploy', value: median(berth), unit: 'ms', target: null, detail },
        { what: 'podman run -d, one by one', value: median(loop), unit: 'ms', target: null, detail },
        {
          what: 'ratio',
          value: median(berth.map((ms, round) => ms / (loop[round] ?? Number.NaN))),
          unit: '',
          target: { atMost: 0.75 },
          detail: 'median of the ratios of each round',
        },
      ];
    } finally {
      await home.dispose();
    }
  },
};
