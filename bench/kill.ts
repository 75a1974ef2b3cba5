/** A container is killed by hand: when `berth events -f` shows the drift, against podman's own event. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { berthMain } from '../scripts/lib/paths.mjs';
import { eventually } from '../test/support/eventually.js';
import { makeTestHome, podman, root, type TestHome } from '../test/support/test-home.js';
import { median, percentile, type Benchmark } from './harness.js';
import { mustSucceed, writeMany } from './many.js';

const kills = 20;

/** Calls `onLine` for each line that a stream writes. */
function eachLine(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream }).on('line', onLine);
}

interface Seen {
  readonly podmanMs: number;
  readonly berthMs: number;
}

/** Until Berth has seen it healed: a kill before that would be the same drift, not a new one. */
async function untilHealed(home: TestHome): Promise<void> {
  await eventually(
    async () => {
      const { stdout } = await home.berth('status', 'many', '-o', 'json');
      const [component] = (JSON.parse(stdout) as { components: { phase: string; drift: unknown[] }[] }).components;
      return component?.phase === 'running' && component.drift.length === 0;
    },
    { timeoutMs: 60_000, everyMs: 100, describe: 'it runs again' },
  );
}

async function killOnce(home: TestHome, times: { podmanMs: number; berthMs: number }): Promise<Seen> {
  times.podmanMs = 0;
  times.berthMs = 0;
  mustSucceed('podman kill', await podman('kill', `${home.prefix}many-c0`));
  await eventually(() => times.podmanMs > 0 && times.berthMs > 0, {
    timeoutMs: 20_000,
    describe: () => `both events (${JSON.stringify(times)})`,
  });
  await untilHealed(home);
  return { ...times };
}

export const killSeen: Benchmark = {
  name: 'kill-seen',
  about: `a container killed by hand, ${kills} times: drift in berth events -f after podman's own died event`,
  async run() {
    const home = await makeTestHome({ BERTH_HEALS_BEFORE_CONTEST: '1000', BERTH_BACKOFF_LONGEST_S: '1' });
    const times = { podmanMs: 0, berthMs: 0 };
    const quiet = { reject: false, stdin: 'ignore', stderr: 'ignore', buffer: false, cleanup: true } as const;
    const own = execa('podman', ['events', '--format', '{{.Status}} {{.Name}}', '--filter', 'event=died'], quiet);
    try {
      await home.startAgent();
      const definition = join(home.path, 'many.toml');
      await writeMany(definition, 'many', 1);
      mustSucceed('berth deploy', await home.berth('deploy', '-f', definition, '--timeout', '60s'));
      const berth = execa(process.execPath, [berthMain, 'events', '-f', '-o', 'json'], {
        ...quiet,
        env: home.env,
        cwd: root,
      });
      eachLine(own.stdout, (line) => {
        if (line.includes(`${home.prefix}many-c0`)) times.podmanMs ||= performance.now();
      });
      eachLine(berth.stdout, (line) => {
        if (line.includes('"DriftDetected"')) times.berthMs ||= performance.now();
      });
      // The first one only shows that both listen.
      mustSucceed('podman kill', await podman('kill', `${home.prefix}many-c0`));
      await eventually(() => times.berthMs > 0, { timeoutMs: 20_000, describe: 'events -f' });
      await untilHealed(home);
      const lags: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        const seen = await killOnce(home, times);
        lags.push(seen.berthMs - seen.podmanMs);
      }
      berth.kill();
      await berth;
      const detail = `of ${kills}; below zero: sooner than podman events tells it`;
      return [
        { what: 'kill → drift, after podman, median', value: median(lags), unit: 'ms', target: null, detail },
        {
          what: 'kill → drift, after podman, slowest',
          value: percentile(lags, 1),
          unit: 'ms',
          target: { atMost: 50 },
          detail,
        },
      ];
    } finally {
      own.kill();
      await own;
      await home.dispose();
    }
  },
};
