/** The agent dies by SIGKILL and a new one starts: until everything is as it was last asked for, and nothing was restarted. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRegistry } from '../src/registry/index.js';
import { eventually } from '../test/support/eventually.js';
import { containersOf } from '../test/support/reading.js';
import { realChance, realClock } from '../test/support/real-clock.js';
import { makeTestHome, podman, type TestHome } from '../test/support/test-home.js';
import { median, medianRatio, percentile, timed, type Benchmark } from './harness.js';
import { bareNode, manyComponents, mustSucceed } from './many.js';

const count = 20;
const rounds = 10;

/** Ids and starts of all containers of a home. */
async function runsOf(home: TestHome): Promise<string> {
  const names = await containersOf(home);
  const result = await podman('inspect', '--format', '{{.Name}} {{.Id}} {{.State.StartedAt}}', ...names);
  mustSucceed('podman inspect', result);
  return result.stdout;
}

export const agentKilled: Benchmark = {
  name: 'agent-killed',
  about: `agent killed (SIGKILL) and started again, ${rounds} times: until it has seen ${count} containers and an edit of each`,
  async run() {
    const home = await makeTestHome();
    const definition = join(home.path, 'many.toml');
    // An edit of each component that touches nothing that runs: its status speaks of it once it was looked at.
    const write = (seconds: number): Promise<void> =>
      writeFile(
        definition,
        manyComponents('many', count).replaceAll('stop_timeout_s = 0', `stop_timeout_s = ${seconds}`),
      );
    try {
      let agent = await home.startAgent();
      await write(0);
      mustSucceed('berth deploy', await home.berth('deploy', '-f', definition, '--timeout', '60s'));
      const before = await runsOf(home);
      const registry = await openRegistry({
        path: join(home.path, 'registry.db'),
        clock: realClock,
        chance: realChance,
        create: false,
      });
      const times: number[] = [];
      const node: number[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        node.push(await bareNode());
        await agent.kill();
        await write(round);
        mustSucceed('berth apply', await home.berth('apply', '-f', definition));
        const started = home.startAgent();
        const ms = await timed(() =>
          eventually(
            async () => {
              const records = await registry.components();
              return records.every(
                ({ status, generation }) => status.phase === 'running' && status.observedGeneration === generation,
              );
            },
            { timeoutMs: 60_000, everyMs: 5, describe: 'every component was looked at' },
          ),
        );
        times.push(ms);
        agent = await started;
      }
      await registry.close();
      if ((await runsOf(home)) !== before) throw new Error('a container was restarted');
      const detail = `of ${rounds}, the start of the process included; no container was restarted`;
      const target = { atMost: 2_000 };
      const peer = { what: 'a bare node process', value: median(node), ratio: medianRatio(times, node) };
      const what = (figure: string): string => `agent killed → all seen again, ${figure}`;
      return [
        { what: what('median'), value: median(times), unit: 'ms', target, peer, detail },
        { what: what('slowest'), value: percentile(times, 1), unit: 'ms', target, detail },
      ];
    } finally {
      await home.dispose();
    }
  },
};
