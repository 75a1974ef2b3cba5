/** `npm start` where everything is in place and runs already: until the table. */
import { join } from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { eventually } from '../test/support/eventually.js';
import { freePort, makeTestHome, root, type TestHome } from '../test/support/test-home.js';
import { ensureTestKernel } from '../test/support/vm-kernel.js';
import { median, timed, type Benchmark } from './harness.js';

const rounds = 5;

async function start(home: TestHome, definition: string): Promise<number> {
  const child = execa(process.execPath, [join(root, 'scripts/start.mjs'), definition], {
    cwd: root,
    env: home.env,
    reject: false,
    all: true,
    timeout: 150_000,
  });
  let output = '';
  child.all.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ms = await timed(async () =>
    eventually(() => output.includes('Ctrl-C stops the agent'), { timeoutMs: 120_000, describe: () => output }),
  );
  child.kill('SIGINT');
  await child;
  return ms;
}

export const startAgain: Benchmark = {
  name: 'start-again',
  about: 'a second npm start, until the table is shown (its agent is started, nothing else)',
  async run() {
    const home = await makeTestHome((await ensureTestKernel()).env);
    try {
      const definition = join(home.path, 'hello.toml');
      const text = await readFile(join(root, 'examples/hello/hello.toml'), 'utf8');
      const [web, page] = [String(await freePort()), String(await freePort())];
      await writeFile(definition, text.replace('8088', web).replace('8081', page));
      await start(home, definition);
      const times: number[] = [];
      for (let round = 0; round < rounds; round += 1) times.push(await start(home, definition));
      const detail = `median of ${rounds}`;
      return [{ what: 'until the table', value: median(times), unit: 'ms', target: { atMost: 3_000 }, detail }];
    } finally {
      await home.dispose();
    }
  },
};
