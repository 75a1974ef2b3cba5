/** Containers are killed by hand: when `berth events -f` shows the drift, against podman's own event. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { eventually } from '../test/support/eventually.js';
import { followEvents, status, type Follower } from '../test/support/reading.js';
import { makeTestHome, podman, type TestHome } from '../test/support/test-home.js';
import { median, percentile, type Benchmark } from './harness.js';
import { mustSucceed, writeMany } from './many.js';

const count = 20;
const rounds = 5;
const kills = count * rounds;

/** When podman's own event of each container arrived here, by its name. */
type PodmanTimes = Map<string, number>;

/** Until Berth has seen them healed: a kill before that would be the same drift, not a new one. */
async function untilHealed(home: TestHome): Promise<void> {
  await eventually(
    async () => (await status(home)).every(({ phase, drift }) => phase === 'running' && drift.length === 0),
    { timeoutMs: 120_000, everyMs: 500, describe: 'all run again' },
  );
}

/** Milliseconds from podman's event to the drift; below zero when the drift was sooner. */
async function killOne(home: TestHome, index: number, times: PodmanTimes, events: Follower): Promise<number> {
  const name = `${home.prefix}many-c${index}`;
  times.delete(name);
  mustSucceed('podman kill', await podman('kill', name));
  const drift = await events.take(
    ({ reason, component }) => reason === 'DriftDetected' && component === `c${index}`,
    `the drift of ${name}`,
  );
  await eventually(() => times.has(name), { timeoutMs: 20_000, describe: `podman's event of ${name}` });
  return drift.arrivedMs - (times.get(name) ?? Number.NaN);
}

export const killSeen: Benchmark = {
  name: 'kill-seen',
  about: `${count} containers killed by hand one by one, ${rounds} times: drift in berth events -f after podman's own died event`,
  async run() {
    const home = await makeTestHome({ BERTH_HEALS_BEFORE_CONTEST: '1000', BERTH_BACKOFF_LONGEST_S: '1' });
    const quiet = { reject: false, stdin: 'ignore', stderr: 'ignore', buffer: false, cleanup: true } as const;
    const podmans = execa('podman', ['events', '--format', '{{.Name}}', '--filter', 'event=died'], quiet);
    const times: PodmanTimes = new Map();
    createInterface({ input: podmans.stdout }).on('line', (name) => times.set(name, performance.now()));
    try {
      await home.startAgent();
      const definition = join(home.path, 'many.toml');
      await writeMany(definition, 'many', count);
      mustSucceed('berth deploy', await home.berth('deploy', '-f', definition, '--timeout', '60s'));
      const events = await followEvents(home);
      // The first one only shows that both listen.
      await killOne(home, 0, times, events);
      const lags: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        await untilHealed(home);
        for (let index = 0; index < count; index += 1) lags.push(await killOne(home, index, times, events));
      }
      await events.stop();
      const detail = `of ${kills}; below zero: sooner than podman events tells it`;
      const what = (figure: string): string => `kill → drift, after podman's event, ${figure}`;
      return [
        { what: what('median'), value: median(lags), unit: 'ms', target: null, detail },
        { what: what('p99'), value: percentile(lags, 0.99), unit: 'ms', target: { atMost: 50 }, detail },
        { what: what('slowest'), value: percentile(lags, 1), unit: 'ms', target: null, detail },
      ];
    } finally {
      podmans.kill();
      await podmans;
      await home.dispose();
    }
  },
};
