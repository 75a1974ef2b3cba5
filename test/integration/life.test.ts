/** A service from its first line of SQL to its last container: order, names, volumes, edits, deletion. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { containersOf, row, runOf } from '../support/reading.js';
import { makeTestHome, podman, type TestHome } from '../support/test-home.js';

let home: TestHome;
let image: BuiltImage;
let folder: string;

beforeAll(async () => {
  [home, image, folder] = await Promise.all([
    makeTestHome({ BERTH_RELIST_S: '3' }),
    ensureTestImage(),
    mkdtemp(join(tmpdir(), 'bh-life-')),
  ]);
  await home.startAgent();
  const head = (name: string): string =>
    `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 2\n`;
  await writeFile(
    join(folder, 'shop.toml'),
    `name = "shop"\n${head('web')}depends_on = ["db"]\n${head('db')}volumes = ["data:/data"]\n`,
  );
  // The same service with another text: an apply that changes nothing but the record of its source.
  await writeFile(
    join(folder, 'other.toml'),
    `# again\nname = "shop"\n${head('web')}depends_on = ["db"]\n${head('db')}volumes = ["data:/data"]\nenv = { TURN = "2" }\n`,
  );
  const deployed = await home.berth(
    'deploy',
    '-f',
    join(folder, 'shop.toml'),
    '--timeout',
    '60s',
    '-m',
    'the beginning',
  );
  expect(deployed.exitCode, deployed.stderr).toBe(0);
});

afterAll(async () => {
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

const nameOf = (component: string): string => `${home.prefix}shop-${component}`;

/** Debian's own client: another version of SQLite, with none of Berth's functions. */
async function sql(statement: string): Promise<void> {
  await execa('sqlite3', ['-cmd', '.timeout 2000', join(home.path, 'registry.db'), statement], { timeout: 20_000 });
}

async function settledAs(component: string, facts: Record<string, unknown>): Promise<void> {
  await eventually(
    async () => {
      const seen = await row(home, component);
      expect(seen).toMatchObject(facts);
      expect(seen.observedGeneration).toBe(seen.generation);
    },
    { timeoutMs: 30_000 },
  );
}

async function startedAt(component: string): Promise<string> {
  return (await podman('inspect', '--format', '{{.State.StartedAt}}', nameOf(component))).stdout;
}

describe('a service', () => {
  it('starts what is depended on first, and its components find each other by name', async () => {
    const [db, web] = [await startedAt('db'), await startedAt('web')];
    expect(db < web, `${db} before ${web}`).toBe(true);
    await eventually(
      async () => {
        const found = await podman('exec', nameOf('web'), '/bin/busybox', 'nslookup', 'db');
        expect(found.stdout).toMatch(/Address.*10\./);
      },
      { timeoutMs: 20_000 },
    );
  });

  it('an edit by plain SQL converges: limits in place, the environment by a new workload', async () => {
    const before = await runOf(nameOf('web'));
    await sql(`update components set memory_mb = 96 where service = 'shop' and name = 'web'`);
    await settledAs('web', { phase: 'running', drift: [] });
    expect(await runOf(nameOf('web'))).toBe(before);
    await sql(`update components set env = '{"GREETING":"hello"}' where service = 'shop' and name = 'web'`);
    await settledAs('web', { phase: 'running', drift: [] });
    await eventually(async () => expect(await containersOf(home)).toEqual([nameOf('db'), nameOf('web')]), {
      timeoutMs: 10_000,
    });
    expect((await podman('exec', nameOf('web'), '/bin/busybox', 'env')).stdout).toContain('GREETING=hello');
    const history = await home.berth('history', 'shop');
    expect(history.stdout).toMatch(/sql/);
    expect(history.stdout).toContain('the beginning');
  });

  it('SQL that breaks a rule makes the component invalid and leaves its workload alone', async () => {
    const before = await runOf(nameOf('web'));
    await sql(`update components set depends_on = '["nobody"]' where service = 'shop' and name = 'web'`);
    await eventually(async () => expect(await row(home, 'web')).toMatchObject({ phase: 'invalid' }), {
      timeoutMs: 10_000,
    });
    expect(await runOf(nameOf('web'))).toBe(before);
    await sql(`update components set depends_on = '["db"]' where service = 'shop' and name = 'web'`);
    await settledAs('web', { phase: 'running' });
    expect(await runOf(nameOf('web'))).toBe(before);
  });

  it('apply sees that it would undo the edit, and wants --force', async () => {
    const refused = await home.berth('apply', '-f', join(folder, 'shop.toml'));
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr + refused.stdout).toMatch(/GREETING|env/);
    expect((await home.berth('apply', '-f', join(folder, 'shop.toml'), '--force')).exitCode).toBe(0);
    await settledAs('web', { phase: 'running', drift: [] });
    const environment = async (): Promise<string> =>
      (await podman('exec', nameOf('web'), '/bin/busybox', 'env')).stdout;
    expect(await environment()).not.toContain('GREETING');
    expect((await home.berth('rollback', 'shop', '-m', 'the greeting again')).exitCode).toBe(0);
    await settledAs('web', { phase: 'running', drift: [] });
    expect(await environment()).toContain('GREETING=hello');
    expect((await home.berth('apply', '-f', join(folder, 'shop.toml'), '--force')).exitCode).toBe(0);
    await settledAs('web', { phase: 'running', drift: [] });
  });

  it('keeps what a named volume holds when its component is replaced', async () => {
    await podman('exec', nameOf('db'), '/bin/sh', '-c', 'echo kept > /data/file');
    const before = await runOf(nameOf('db'));
    await sql(`update components set env = '{"TURN":"2"}' where service = 'shop' and name = 'db'`);
    await settledAs('db', { phase: 'running', drift: [] });
    expect(await runOf(nameOf('db'))).not.toBe(before);
    expect((await podman('exec', nameOf('db'), '/bin/cat', '/data/file')).stdout).toBe('kept');
  });

  it('stops in reverse order, stays stopped through an apply, and starts again', async () => {
    const before = await runOf(nameOf('web'));
    expect((await home.berth('stop', 'shop')).exitCode).toBe(0);
    await settledAs('db', { phase: 'stopped', observed: 'stopped' });
    await settledAs('web', { phase: 'stopped', observed: 'stopped' });
    const ended = async (component: string): Promise<string> =>
      (await podman('inspect', '--format', '{{.State.FinishedAt}}', nameOf(component))).stdout;
    expect((await ended('web')) < (await ended('db'))).toBe(true);
    const unchanged = await home.berth('apply', '-f', join(folder, 'other.toml'));
    expect(unchanged.exitCode, unchanged.stderr).toBe(0);
    await settledAs('web', { phase: 'stopped' });
    expect((await home.berth('start', 'shop')).exitCode).toBe(0);
    await settledAs('db', { phase: 'running' });
    await settledAs('web', { phase: 'running' });
    expect((await runOf(nameOf('web'))).split(' ')[0]).toBe(before.split(' ')[0]);
  });

  it('restart gives each a new run', async () => {
    const before = await runOf(nameOf('web'));
    expect((await home.berth('restart', 'shop/web')).exitCode).toBe(0);
    await eventually(
      async () => {
        const after = await runOf(nameOf('web'));
        expect(after).not.toBe(before);
        expect(after).toContain('running');
      },
      { timeoutMs: 20_000 },
    );
    await settledAs('web', { phase: 'running', restarts: 0 });
  });

  it('a DELETE by SQL takes the container down and the row with it; volumes stay until deleted by name', async () => {
    const { stdout: homeId } = await execa('sqlite3', [join(home.path, 'registry.db'), 'select home_id from meta']);
    const ours = `berth-${homeId.replaceAll('-', '').slice(0, 8)}.shop`;
    await sql(`delete from services where name = 'shop'`);
    await eventually(
      async () => {
        expect(await containersOf(home)).toEqual([]);
        expect((await home.berth('status', 'shop')).exitCode).toBe(4);
        expect((await podman('network', 'ls', '--format', '{{.Name}}')).stdout).not.toContain(ours);
      },
      { timeoutMs: 30_000, everyMs: 200 },
    );
    const volumes = async (): Promise<string> => (await podman('volume', 'ls', '--format', '{{.Name}}')).stdout;
    expect(await volumes()).toContain(`${ours}.data`);
    expect((await home.berth('delete', 'shop', '--volume', 'data', '--yes')).exitCode).toBe(0);
    await eventually(async () => expect(await volumes()).not.toContain(`${ours}.data`), { timeoutMs: 20_000 });
  });
});
