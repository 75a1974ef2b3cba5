/** Bad input and a bad day: a clear error, nothing that runs suffers, nothing is lost. */
import { createServer, type Server } from 'node:net';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { row, runOf } from '../support/reading.js';
import { makeTestHome, podman, type CommandResult, type TestHome } from '../support/test-home.js';

let home: TestHome;
let image: BuiltImage;
let folder: string;
let steady: string;

beforeAll(async () => {
  [home, image, folder] = await Promise.all([makeTestHome(), ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-bad-'))]);
  await home.startAgent();
  const deployed = await applyText('steady', component('steady'), 'deploy');
  expect(deployed.exitCode, deployed.stderr).toBe(0);
  steady = await runOf(`${home.prefix}steady`);
});

afterAll(async () => {
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

function component(name: string, more = '', reference = image.reference): string {
  return `[[components]]\nname = "${name}"\nimage = "${reference}"\npull = "never"\nstop_timeout_s = 1\n${more}\n`;
}

async function applyText(service: string, body: string, verb = 'apply'): Promise<CommandResult> {
  const path = join(folder, `${service}.toml`);
  await writeFile(path, `name = "${service}"\n${body}`);
  return home.berth(verb, '-f', path);
}

async function steadyRuns(): Promise<void> {
  expect(await runOf(`${home.prefix}steady`)).toBe(steady);
}

describe('definitions', () => {
  const bad: readonly (readonly [string, () => string, RegExp])[] = [
    ['broken TOML', () => '[[components]\nname = "x"', /bad\.toml:2:\d+/],
    ['a wrong type', () => component('x', 'memory_mb = "much"'), /components\[0\]\.memory_mb/],
    ['an unknown key', () => component('x', 'memroy_mb = 64'), /memory_mb/],
    ['a name that climbs', () => component('../../etc'), /\.\.\/\.\.\/etc/],
    ['a volume that climbs', () => component('x', 'volumes = ["../up:/data"]'), /volumes/],
    ['a port out of range', () => component('x', 'ports = ["127.0.0.1:70000:80"]'), /70000/],
    [
      'two components on one port',
      () => component('x', 'ports = ["127.0.0.1:18999:80"]') + component('y', 'ports = ["18999:80"]'),
      /18999/,
    ],
    ['a cycle', () => component('x', 'depends_on = ["y"]') + component('y', 'depends_on = ["x"]'), /x.*y.*x|y.*x.*y/],
    ['a huge file', () => `# ${'x'.repeat(2_000_000)}\n`, /size|large|bytes|MiB/i],
    ['nothing', () => '', /component/],
  ];

  it.each(bad)('%s is refused with a clear error', async (_, body, words) => {
    const result = await applyText('bad', body());
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(words);
    expect(result.stderr).toContain('next: ');
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect((await home.berth('status', 'bad')).exitCode).toBe(4);
    await steadyRuns();
  });
});

describe('the runtime says no', () => {
  it('an image that does not exist: backs off, says why and what next', async () => {
    expect((await applyText('none', component('none', '', 'localhost/berth-test-none:1'))).exitCode).toBe(0);
    await eventually(
      async () => {
        const seen = await row(home, 'none');
        expect(seen).toMatchObject({ phase: 'backoff', observed: 'missing' });
        expect(seen.message).toMatch(/E_IMAGE_MISSING.*next: /);
      },
      { timeoutMs: 20_000 },
    );
    await steadyRuns();
  });

  it('a port that is taken: backs off, names it, and goes on when it is free', async () => {
    const [server, port] = await occupy();
    try {
      const body = component('port', `ports = ["127.0.0.1:${String(port)}:80"]`);
      expect((await applyText('port', body)).exitCode).toBe(0);
      const names = new RegExp(`port ${String(port)} is taken.*E_PORT_TAKEN`);
      await eventually(async () => expect((await row(home, 'port')).message).toMatch(names), { timeoutMs: 20_000 });
    } finally {
      server.close();
    }
    await eventually(async () => expect(await row(home, 'port')).toMatchObject({ phase: 'running' }), {
      timeoutMs: 40_000,
    });
    await steadyRuns();
  });

  it('a new version that cannot start is put back', async () => {
    const before = await runOf(`${home.prefix}steady`);
    const result = await applyText('steady', component('steady', 'command = ["/no/such/program"]'), 'deploy');
    expect(result.exitCode).toBe(1);
    expect(await row(home, 'steady')).toMatchObject({ phase: 'failed', reason: 'PutBack', ready: true });
    const after = await runOf(`${home.prefix}steady`);
    expect(after.split(' ')[0]).toBe(before.split(' ')[0]);
    expect((await applyText('steady', component('steady'), 'deploy')).exitCode).toBe(0);
    steady = await runOf(`${home.prefix}steady`);
    expect(steady).toBe(after);
  });
});

async function occupy(): Promise<readonly [Server, number]> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return [server, typeof address === 'object' && address ? address.port : 0];
}

describe('names and homes', () => {
  it('a name that somebody else holds blocks the component, its holder untouched', async () => {
    const name = `${home.prefix}held`;
    await podman('run', '-d', '--name', name, '--network', 'none', image.reference);
    const holder = await runOf(name);
    expect((await applyText('held', component('held'))).exitCode).toBe(0);
    await eventually(
      async () => expect(await row(home, 'held')).toMatchObject({ phase: 'blocked', reason: 'NameTaken' }),
      { timeoutMs: 20_000 },
    );
    expect(await runOf(name)).toBe(holder);
    await podman('rm', '-f', '-t', '0', name);
    await eventually(async () => expect(await row(home, 'held')).toMatchObject({ phase: 'running' }), {
      timeoutMs: 20_000,
    });
    await steadyRuns();
  });

  it('a second home with the same names touches nothing of the first', async () => {
    const other = await makeTestHome({ BERTH_NAME_PREFIX: home.prefix });
    try {
      const path = join(folder, 'steady.toml');
      expect((await other.berth('apply', '-f', path)).exitCode).toBe(0);
      await other.startAgent();
      await eventually(async () => expect(await row(other, 'steady')).toMatchObject({ phase: 'blocked' }), {
        timeoutMs: 20_000,
      });
      expect((await other.berth('delete', 'steady', '--yes')).exitCode).toBe(0);
      await eventually(async () => expect((await other.berth('status', 'steady')).exitCode).toBe(4), {
        timeoutMs: 20_000,
      });
      await steadyRuns();
    } finally {
      await other.dispose();
    }
  });
});

describe('the registry', () => {
  it('locked by another program: a clear error, and observation goes on', async () => {
    // The agent may be writing at this moment: it waits for its turn.
    const locker = execa('sqlite3', ['-cmd', '.timeout 5000', join(home.path, 'registry.db')], {
      reject: false,
      cleanup: true,
      timeout: 60_000,
      stdin: 'pipe',
    });
    locker.stdin.write('begin immediate;\nselect 1;\n');
    await eventually(async () => {
      const probe = await execa('sqlite3', [join(home.path, 'registry.db'), 'begin immediate; rollback;'], {
        reject: false,
      });
      expect(probe.stderr).toContain('locked');
    });
    const refused = await applyText('locked', component('locked'));
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('E_REGISTRY_BUSY');
    expect((await home.berth('status')).exitCode).toBe(0);
    locker.stdin.end('rollback;\n');
    await locker;
    expect((await applyText('locked', component('locked'), 'deploy')).exitCode).toBe(0);
    await steadyRuns();
  });

  it('on a full disk: a clear error, nothing lost, and it goes on when there is room', async () => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]);
    const full = await makeTestHome({ BERTH_HOME: join(disk, 'h') });
    try {
      const path = join(folder, 'full.toml');
      await writeFile(path, `name = "full"\n${component('full')}`);
      expect((await full.berth('apply', '-f', path)).exitCode).toBe(0);
      const ballast = join(disk, 'ballast');
      await execa('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k'], { reject: false });
      await writeFile(path, `name = "full"\n${component('full', 'memory_mb = 64')}${component('more').repeat(1)}`);
      const refused = await full.berth('apply', '-f', path);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('E_DISK_FULL');
      await rm(ballast);
      expect((await full.berth('status', '-o', 'json')).stdout).toContain('"full"');
      expect((await full.berth('apply', '-f', path)).exitCode).toBe(0);
      expect((await full.berth('db', 'check')).exitCode).toBe(0);
    } finally {
      await full.dispose();
      await execa('umount', [disk]);
    }
    await steadyRuns();
  });
});
