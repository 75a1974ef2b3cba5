/** A folder of definitions that the agent watches: it feeds, and never takes anything down. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { row, runOf } from '../support/reading.js';
import { makeTestHome, type RunningAgent, type TestHome } from '../support/test-home.js';

let home: TestHome;
let image: BuiltImage;
let folder: string;
let agent: RunningAgent;

beforeAll(async () => {
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-watch-'))]);
  await mkdir(join(folder, 'definitions'));
  home = await makeTestHome({ BERTH_DEFINITIONS: join(folder, 'definitions') });
  agent = await home.startAgent();
});

afterAll(async () => {
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

const file = (): string => join(folder, 'definitions', 'site.toml');

function text(more = ''): string {
  return `name = "site"\n[[components]]\nname = "site"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n${more}\n`;
}

async function refusal(words: RegExp): Promise<void> {
  await eventually(async () => expect((await home.berth('events')).stdout).toMatch(words), { timeoutMs: 20_000 });
}

describe('a watched folder', () => {
  let before = '';

  it('feeds a new file, and a changed one', async () => {
    await writeFile(file(), text());
    await eventually(async () => expect(await row(home, 'site')).toMatchObject({ phase: 'running' }), {
      timeoutMs: 20_000,
    });
    before = await runOf(`${home.prefix}site`);
    await writeFile(file(), text('memory_mb = 64'));
    await eventually(async () => expect((await home.berth('export', 'site')).stdout).toContain('memory_mb = 64'), {
      timeoutMs: 20_000,
    });
    expect((await home.berth('history', 'site')).stdout).toContain(`watch:${file()}`);
  });

  it('reports a broken file and a deleted one, and leaves what runs alone', async () => {
    await writeFile(file(), text('memory_mb = "much"').slice(0, -3));
    await refusal(/DefinitionRefused.*site\.toml/);
    await rm(file());
    await writeFile(file(), text('memory_mb = 64'));
    expect(await row(home, 'site')).toMatchObject({ phase: 'running' });
    expect(await runOf(`${home.prefix}site`)).toBe(before);
  });

  it('does not undo an edit that was made elsewhere', async () => {
    const database = join(home.path, 'registry.db');
    const edit = `update components set memory_mb = 48 where service = 'site'`;
    await execa('sqlite3', ['-cmd', '.timeout 2000', database, edit], { timeout: 20_000 });
    await writeFile(file(), text('memory_mb = 80'));
    await refusal(/was not applied/);
    expect((await home.berth('export', 'site')).stdout).toContain('memory_mb = 48');
  });

  it('feeds nothing because the agent starts, nor takes anything away', async () => {
    await agent.stop();
    await rm(file());
    agent = await home.startAgent();
    await eventually(async () => expect(await row(home, 'site')).toMatchObject({ phase: 'running' }), {
      timeoutMs: 20_000,
    });
    expect((await home.berth('export', 'site')).stdout).toContain('memory_mb = 48');
    expect(await runOf(`${home.prefix}site`)).toBe(before);
  });
});
