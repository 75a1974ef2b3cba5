import { mkdir, mkdtemp, open, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeFiles, watchDefinitions, type DefinitionWatcher } from '../../../src/definition/index.js';
import { eventually } from '../../support/eventually.js';
import { realClock } from '../../support/real-clock.js';

let parent: string;
let folder: string;
let watcher: DefinitionWatcher;
let lines: string[];

/** So long between two looks that only a hint can explain what is seen. */
const neverMs = 600_000;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'berth-watch-'));
  folder = join(parent, 'definitions');
  await mkdir(folder);
  lines = [];
});
afterEach(async () => {
  await watcher.close();
  await rm(parent, { recursive: true, force: true });
});

function begin({ relistMs = neverMs, settleMs = 50 } = {}): void {
  watcher = watchDefinitions({
    folder,
    files: nodeFiles(),
    clock: realClock,
    settleMs,
    relistMs,
    onChange: ({ path, spec }) => void lines.push(`change ${basename(path)}: ${spec.components[0]?.image ?? ''}`),
    onProblem: (path, problems) => void lines.push(`${problems.length} problems ${basename(path)}`),
    onRemoved: (path) => void lines.push(`removed ${basename(path)}`),
  });
}

const serviceText = (name: string, image: string): string =>
  `name = "${name}"\n[[components]]\nname = "web"\nimage = "${image}"\n`;
const put = (name: string, image: string): Promise<void> =>
  writeFile(join(folder, name), serviceText(name.replace('.toml', ''), image));

/** Waits until exactly these lines were said since the last wait. */
async function expectSaid(...expected: string[]): Promise<void> {
  await eventually(
    () => {
      expect([...lines].sort()).toEqual([...expected].sort());
    },
    { timeoutMs: 20_000 },
  );
  lines = [];
}

describe('a watched folder on disk', { timeout: 40_000 }, () => {
  it('takes files that are made, written over, saved by a rename and deleted', async () => {
    begin();
    await put('a.toml', 'one');
    await expectSaid('change a.toml: one');
    await put('a.toml', 'two');
    await expectSaid('change a.toml: two');
    await writeFile(join(folder, '.a.toml.swp'), serviceText('a', 'three'));
    await rename(join(folder, '.a.toml.swp'), join(folder, 'a.toml'));
    await expectSaid('change a.toml: three');
    await writeFile(join(folder, 'a.toml'), 'name = ');
    await expectSaid('1 problems a.toml');
    await unlink(join(folder, 'a.toml'));
    await expectSaid('0 problems a.toml', 'removed a.toml');
  });

  it('does not take half of a file', async () => {
    begin({ settleMs: 1_500 });
    const text =
      serviceText('a', 'whole') +
      serviceText('a', 'more')
        .replace(/^name.*\n/, '')
        .replace('web', 'db');
    const file = await open(join(folder, 'a.toml'), 'w');
    for (const char of text) {
      await file.write(char);
      // Whatever the watcher does between two writes is its own affair; it must not be a change.
      expect(lines).toEqual([]);
    }
    await file.close();
    await expectSaid('change a.toml: whole');
  });

  it('survives that its folder is deleted and made again', async () => {
    begin();
    await put('a.toml', 'one');
    await expectSaid('change a.toml: one');
    await rm(folder, { recursive: true });
    await expectSaid('1 problems definitions', 'removed a.toml');
    await mkdir(folder);
    await put('a.toml', 'two');
    await expectSaid('0 problems definitions', 'change a.toml: two');
    await put('a.toml', 'three');
    await expectSaid('change a.toml: three');
  });

  it('begins before its folder is there', async () => {
    await rm(folder, { recursive: true });
    begin();
    await expectSaid('1 problems definitions');
    await mkdir(folder);
    await put('a.toml', 'one');
    await expectSaid('0 problems definitions', 'change a.toml: one');
  });

  it('sees through links to files and folders', async () => {
    const real = join(parent, 'real');
    await mkdir(real);
    await writeFile(join(real, 'target'), serviceText('a', 'one'));
    await symlink(join(real, 'target'), join(folder, 'a.toml'));
    begin({ relistMs: 200 });
    await expectSaid('change a.toml: one');
    await writeFile(join(real, 'target'), serviceText('a', 'two'));
    await expectSaid('change a.toml: two');
    await unlink(join(real, 'target'));
    await expectSaid('1 problems a.toml');
    await watcher.close();
    await writeFile(join(real, 'b.toml'), serviceText('b', 'one'));
    folder = join(parent, 'link');
    await symlink(real, folder);
    begin();
    await expectSaid('change b.toml: one');
    await writeFile(join(real, 'b.toml'), serviceText('b', 'two'));
    await expectSaid('change b.toml: two');
  });

  it('takes a thousand files, and then one of them', async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `s${index}.toml`);
    for (const name of names) await put(name, 'one');
    begin();
    await expectSaid(...names.map((name) => `change ${name}: one`));
    await put('s500.toml', 'two');
    await expectSaid('change s500.toml: two');
  });
});
