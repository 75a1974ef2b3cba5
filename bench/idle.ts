/** What an agent costs that has nothing to do: processor time and memory, over a minute, with 500 containers that run. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../test/support/eventually.js';
import { containersOf, status } from '../test/support/reading.js';
import { makeTestHome, podman, type TestHome } from '../test/support/test-home.js';
import type { Benchmark, Measure } from './harness.js';
import { mustSucceed, writeMany } from './many.js';

/** In services of so many: each has a network of its own, whose addresses are 253. */
const services = 5;
const each = 100;
const count = services * each;

const upMs = 30 * 60_000;
/** After the last start things go on for a while: what started is proven, and forgotten what failed. */
const restMs = 30_000;
const minuteMs = 60_000;
/** The kernel counts processor time in hundredths of a second on every architecture that Node runs on. */
const msATick = 10;

/** Processor time of a process, in milliseconds, and its resident memory, in mebibytes. */
async function costOf(pid: number): Promise<{ readonly cpuMs: number; readonly memoryMb: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const memory = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * msATick, memoryMb: Number(memory) / 1_024 };
}

/** The podman service that the agent of this home started; it is a process of its own, in a session of its own. */
async function serviceOf(home: TestHome): Promise<number> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const argv = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (argv.includes('\0system\0service\0') && argv.includes(home.path)) return Number(entry);
  }
  throw new Error('no podman service of this home runs');
}

async function bringUp(home: TestHome): Promise<void> {
  const folder = join(home.path, 'many');
  await mkdir(folder);
  for (let index = 0; index < services; index += 1) {
    await writeMany(join(folder, `s${index}.toml`), `s${index}`, each);
  }
  mustSucceed('berth apply', await home.berth('apply', '-f', folder));
  await eventually(async () => (await status(home)).filter(({ phase }) => phase === 'running').length === count, {
    timeoutMs: upMs,
    everyMs: 5_000,
    describe: `${count} containers run`,
  });
}

/** A few at a time: all at once would take longer than one command may. */
async function remove(home: TestHome): Promise<void> {
  const names = await containersOf(home);
  for (let at = 0; at < names.length; at += 25) await podman('rm', '-f', '-t', '0', ...names.slice(at, at + 25));
}

async function overAMinute(
  pid: number,
  who: string,
  targets: { cpu: number; memory: number } | null,
): Promise<readonly Measure[]> {
  const before = await costOf(pid);
  const beganMs = performance.now();
  await wait(minuteMs);
  const after = await costOf(pid);
  const share = ((after.cpuMs - before.cpuMs) / (performance.now() - beganMs)) * 100;
  const target = (atMost: number | undefined) => (atMost === undefined ? null : { atMost });
  const detail = `over a minute, ${count} containers that run`;
  return [
    { what: `${who}, processor`, value: share, unit: '% of a core', target: target(targets?.cpu), detail },
    { what: `${who}, memory`, value: after.memoryMb, unit: 'MB', target: target(targets?.memory), detail: 'resident' },
  ];
}

export const idleAgent: Benchmark = {
  name: 'idle',
  about: `what an agent costs over a minute in which nothing happens, ${count} real containers`,
  async run() {
    const home = await makeTestHome();
    try {
      const agent = await home.startAgent();
      await bringUp(home);
      await wait(restMs);
      const service = await serviceOf(home);
      const [own, podmans] = await Promise.all([
        overAMinute(agent.pid, 'the agent', { cpu: 2, memory: 200 }),
        overAMinute(service, 'its podman service', null),
      ]);
      await agent.stop();
      return [...own, ...podmans];
    } finally {
      await remove(home);
      await home.dispose();
    }
  },
};
