import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { machinesOf } from '../support/machines.js';
import { ensureTestKernel } from '../support/vm-kernel.js';
import { freePort, makeTestHome, podman, root, type TestHome } from '../support/test-home.js';

/** What a browser gets that follows the printed link: the page, and what a second use of the link gives. */
async function followLink(output: string): Promise<{ readonly page: string; readonly again: string }> {
  const link = /^ *dashboard +(\S+)/m.exec(output)?.[1] ?? '';
  const first = await fetch(link, { redirect: 'manual' });
  const [cookie = ''] = first.headers.getSetCookie();
  expect(cookie).toMatch(/HttpOnly/);
  const page = await fetch(new URL('/', link), { headers: { cookie: cookie.split(';')[0] ?? '' } });
  return { page: await page.text(), again: await (await fetch(link, { redirect: 'manual' })).text() };
}

/** Runs `npm start` (its script) in a home of its own until `berth` has nothing more to do, then interrupts it. */
async function start(
  home: TestHome,
  definition: string,
  whileUp: (output: string) => Promise<void> = async () => undefined,
): Promise<{ readonly output: string }> {
  const child = execa(process.execPath, [join(root, 'scripts/start.mjs'), definition], {
    cwd: root,
    env: home.env,
    reject: false,
    all: true,
    timeout: 150_000,
  });
  let output = '';
  child.all.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await eventually(() => output.includes('Ctrl-C stops the agent') || child.exitCode !== null, {
    timeoutMs: 120_000,
    describe: () => `npm start shows where to look; so far: ${output}`,
  });
  await whileUp(output).finally(() => child.kill('SIGINT'));
  const { exitCode } = await child;
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  return { output };
}

describe('npm start', () => {
  let home: TestHome;
  let definition = '';
  let folder = '';
  let port = 0;
  let machinePort = 0;

  beforeAll(async () => {
    home = await makeTestHome((await ensureTestKernel()).env);
    port = await freePort();
    machinePort = await freePort();
    folder = await mkdtemp(join(tmpdir(), 'bh-start-'));
    definition = join(folder, 'hello.toml');
    const text = await readFile(join(root, 'examples/hello/hello.toml'), 'utf8');
    await writeFile(
      definition,
      text.replace(/8088|8081/g, (known) => String(known === '8088' ? port : machinePort)),
    );
  });

  afterAll(async () => {
    await home.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const identities = async (): Promise<string> => {
    const format = '{{.Name}} {{.Id}} {{.State.Status}} {{.State.StartedAt}}';
    return (await podman('inspect', '--format', format, `${home.prefix}hello-web`, `${home.prefix}hello-worker`))
      .stdout;
  };

  it('runs the example, leaves it running after Ctrl-C, and takes it over unchanged', async () => {
    const first = await start(home, definition, async (output) => {
      const { page, again } = await followLink(output);
      const rows = page.split('<tr').map((row) => row.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '));
      for (const name of ['web', 'worker', 'page']) {
        expect(rows).toContainEqual(expect.stringMatching(`hello/ ${name} running running running`));
      }
      expect(again).toContain('used before');
    });
    expect(first.output).toContain(`http://127.0.0.1:${port}/`);
    expect(first.output).toContain('npm run remove');
    for (const each of [port, machinePort]) {
      // Its program was started; it may take a moment to listen.
      await eventually(
        async () => {
          const answer = await fetch(`http://127.0.0.1:${each}/`, { signal: AbortSignal.timeout(5_000) });
          expect(await answer.text()).toContain('Hello from Berth');
        },
        { timeoutMs: 30_000 },
      );
    }
    const machines = await machinesOf(home.path);
    expect(machines).toHaveLength(1);
    const before = await identities();
    expect(before.match(/running/g)).toHaveLength(2);
    await eventually(
      async () => expect((await podman('logs', `${home.prefix}hello-worker`)).stdout).toContain('200 OK'),
      {
        timeoutMs: 15_000,
      },
    );

    const second = await start(home, definition);
    expect(second.output).toContain('hello');
    expect(await identities()).toBe(before);
    expect(await machinesOf(home.path)).toEqual(machines);
  });

  it('says so when an agent serves the home already', async () => {
    const agent = await home.startAgent();
    const { stdout, exitCode } = await execa(process.execPath, [join(root, 'scripts/start.mjs'), definition], {
      cwd: root,
      env: home.env,
      reject: false,
      timeout: 60_000,
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('serves');
    expect(stdout).toContain(String(agent.pid));
    await agent.stop();
  });

  it('is undone by npm run remove', async () => {
    const { exitCode, stdout } = await execa(process.execPath, [join(root, 'scripts/remove.mjs')], {
      cwd: root,
      env: home.env,
      reject: false,
      timeout: 120_000,
    });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    const left = await podman('ps', '-a', '--filter', `name=^${home.prefix}`, '--format', '{{.Names}}');
    expect(left.stdout).toBe('');
    expect(await machinesOf(home.path)).toEqual([]);
  });
});

describe('the examples', () => {
  it('are all run by a test', async () => {
    // examples/hello: above, and in readme.test.ts. A new one is added here with its test.
    expect(await readdir(join(root, 'examples'))).toEqual(['hello']);
  });
});
