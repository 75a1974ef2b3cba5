import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { createNodeFacts } from '../../../src/agent/node-facts.js';
import { realClock } from '../../support/real-clock.js';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-node-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const facts = createNodeFacts({ clock: realClock, lastCopy: () => Promise.resolve(null) });

test('room and memory are those of this machine; where nothing is there is none', async () => {
  const folder = makeFolder();
  const space = await facts.space(folder);
  expect(space?.totalBytes).toBeGreaterThan(0);
  expect(space?.freeBytes).toBeLessThanOrEqual(space?.totalBytes ?? 0);
  expect((await facts.space(tmpdir()))?.device).toBe(space?.device);
  expect((await facts.space('/proc'))?.device).not.toBe(space?.device);
  expect(await facts.space(join(folder, 'not', 'there'))).toBeUndefined();
  const { totalBytes, availableBytes } = facts.memory();
  expect(availableBytes).toBeGreaterThan(0);
  expect(availableBytes).toBeLessThanOrEqual(totalBytes);
});

test('only plain files of some size are read, and a pipe holds nobody up', async () => {
  const folder = makeFolder();
  const [plain, pipe] = [join(folder, 'plain'), join(folder, 'pipe')];
  writeFileSync(plain, 'words');
  await execa('mkfifo', [pipe], { timeout: 10_000 });
  expect(await facts.readText(plain, 5)).toBe('words');
  for (const path of [pipe, folder, join(folder, 'none')]) expect(await facts.readText(path, 100)).toBeUndefined();
  expect(await facts.readText(plain, 4)).toBeUndefined();
});

test('no more is read than was allowed, whatever the size of the file is said to be', async () => {
  expect((await facts.readText('/proc/self/maps', 1_048_576))?.length).toBeGreaterThan(100);
  expect(await facts.readText('/proc/self/maps', 100)).toBeUndefined();
});
