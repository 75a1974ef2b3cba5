/** A cached microVM until it serves a page: `berth apply` against the same QEMU command, and the barest one, by hand. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { ensureExampleImage, exampleImage } from '../scripts/lib/podman.mjs';
import { eventually } from '../test/support/eventually.js';
import { machinesOf } from '../test/support/machines.js';
import { freePort } from '../test/support/podman-fixture.js';
import { makeTestHome, type TestHome } from '../test/support/test-home.js';
import { ensureTestKernel } from '../test/support/vm-kernel.js';
import { bareInitrd } from './bare-initrd.js';
import { median, medianRatio, percentile, timed, type Benchmark } from './harness.js';
import { mustSucceed } from './many.js';

const rounds = 5;
const service = 'vm';
const memoryMb = 96;

/** A connection from before the guest had a network waits long for nothing: it is given up soon. */
const attemptMs = 400;

async function untilServed(port: number): Promise<void> {
  await eventually(
    async () => (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(attemptMs) })).status === 200,
    { timeoutMs: 60_000, everyMs: 10, describe: 'the page' },
  );
}

async function byBerth(home: TestHome, definition: string, port: number): Promise<number> {
  return timed(async () => {
    mustSucceed('berth apply', await home.berth('apply', '-f', definition));
    await untilServed(port);
  });
}

/** Runs a QEMU in a folder until it serves the page, and kills it. */
async function byHand(argv: readonly string[], folder: string, port: number): Promise<number> {
  const [file = '', ...args] = argv;
  const child = execa(file, args, { cwd: folder, reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
  try {
    return await timed(() => untilServed(port));
  } finally {
    child.kill('SIGKILL');
    await child;
  }
}

/** The command line of a home's only machine, for a copy of its folder and another port. */
async function sameCommand(home: TestHome, port: number, handPort: number, copy: string): Promise<readonly string[]> {
  const [machine] = await machinesOf(home.path);
  if (!machine) throw new Error('no machine runs');
  const argv = (await readFile(`/proc/${machine.pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  await cp(join(machine.folder, 'm'), copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  await rm(join(copy, 'report'), { force: true });
  return argv.map((word) => word.replace(`:${port}-:`, `:${handPort}-:`));
}

async function removed(home: TestHome): Promise<void> {
  mustSucceed('berth delete', await home.berth('delete', service, '--yes', '--wait', '--timeout', '60s'));
}

export const vmStart: Benchmark = {
  name: 'vm-start',
  about: `a cached microVM until HTTP 200: berth apply, the same QEMU command, and the barest kernel with busybox, ${rounds} rounds in turns`,
  async run() {
    const kernel = await ensureTestKernel();
    await ensureExampleImage(() => undefined);
    const home = await makeTestHome(kernel.env);
    const folder = await mkdtemp(join(tmpdir(), 'bh-bench-'));
    try {
      const [port, handPort, barePort] = [await freePort(), await freePort(), await freePort()];
      const definition = join(home.path, 'vm.toml');
      await writeFile(
        definition,
        `name = "${service}"\n[[components]]\nname = "web"\nruntime = "microvm"\nimage = "${exampleImage}"\npull = "never"\nmemory_mb = ${memoryMb}\nports = ["127.0.0.1:${port}:8080"]\n`,
      );
      await home.startAgent();
      await byBerth(home, definition, port);
      const copy = join(folder, 'same');
      const same = await sameCommand(home, port, handPort, copy);
      await removed(home);
      const bareFolder = join(folder, 'bare');
      await mkdir(bareFolder);
      const bare = await bareInitrd(kernel, { folder: bareFolder, port: barePort, memoryMb });
      const times = { berth: [] as number[], same: [] as number[], bare: [] as number[] };
      for (let round = 0; round < rounds; round += 1) {
        times.berth.push(await byBerth(home, definition, port));
        await removed(home);
        times.same.push(await byHand(same, copy, handPort));
        times.bare.push(await byHand(bare, bareFolder, barePort));
      }
      const against = (what: string, ours: readonly number[], peers: readonly number[], atMost: number) => ({
        peer: { what, value: median(peers), ratio: medianRatio(ours, peers), bound: { atMost } },
      });
      const detail = `medians of ${rounds}; slowest ${percentile(times.berth, 1).toFixed(0)} ms`;
      const measure = { unit: 'ms', target: null, detail };
      return [
        {
          what: 'berth apply → HTTP 200',
          value: median(times.berth),
          ...measure,
          ...against('the same QEMU command by hand', times.berth, times.same, 1.1),
        },
        {
          what: 'that command, our guest',
          value: median(times.same),
          ...measure,
          detail: `medians of ${rounds}`,
          ...against('the barest kernel and busybox', times.same, times.bare, 1.25),
        },
      ];
    } finally {
      await home.dispose();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
