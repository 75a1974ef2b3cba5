import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { createEnvFileAccess } from '../../../src/agent/env-file-access.js';
import { EnvFiles } from '../../../src/controller/env-files.js';
import { componentDefaults } from '../../../src/core/spec.js';
import { realClock } from '../../support/real-clock.js';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-env-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const access = createEnvFileAccess({ clock: realClock });

/** What a component is told of its files. */
async function viewsOf(...envFile: readonly string[]) {
  const spec = { ...componentDefaults, name: 'x', image: 'x', envFile };
  const views = await new EnvFiles(access).read([spec]);
  return envFile.map((path) => views.get(path));
}

test('a plain file is read, and its stamp changes with it', async () => {
  const path = join(makeFolder(), 'plain.env');
  writeFileSync(path, 'A=1\n');
  expect(await viewsOf(path)).toEqual([{ values: { A: '1' } }]);
  const stamp = await access.stamp(path);
  expect(await access.stamp(path)).toBe(stamp);
  writeFileSync(path, 'A=12\n');
  expect(await access.stamp(path)).not.toBe(stamp);
});

test('a pipe, a folder, a device and what is too long hold nobody up: each says what is wrong and what to do', async () => {
  const folder = makeFolder();
  const [pipe, long] = [join(folder, 'pipe.env'), join(folder, 'long.env')];
  await execa('mkfifo', [pipe], { timeout: 10_000 });
  writeFileSync(long, `A=${'x'.repeat(1_048_576)}\n`);
  const remedy = 'put a plain file of KEY=value lines there, shorter than 1 MiB';
  expect(await viewsOf(pipe, folder, '/dev/null', long)).toEqual([
    { error: `it is a pipe, and not a file; ${remedy}` },
    { error: `it is a folder, and not a file; ${remedy}` },
    { error: `it is a device, and not a file; ${remedy}` },
    { error: `it is longer than 1048576 bytes; ${remedy}` },
  ]);
  // Also when it took the place of a file after that was looked at.
  await expect(access.read(pipe)).rejects.toThrow('it is a pipe');
});

test('one that is not there says so', async () => {
  const [view] = await viewsOf(join(makeFolder(), 'none.env'));
  expect(view).toEqual({ error: expect.stringMatching(/^ENOENT.*; make that file, or take it out/) as string });
});
