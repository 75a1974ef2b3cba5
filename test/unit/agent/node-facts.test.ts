import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { createNodeFacts, Lane } from '../../../src/agent/node-facts.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';
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

test('while one look has no answer nothing else is begun, until it has', async () => {
  const clock = createVirtualClock();
  const lane = new Lane(clock, 1_000);
  let answer: (value: number) => void = () => undefined;
  let begun = 0;
  const hanging = lane.look('/far', () => {
    begun += 1;
    return new Promise<number>((resolve) => {
      answer = resolve;
    });
  });
  const next = (): Promise<number> =>
    lane.look('/near', () => {
      begun += 1;
      return Promise.resolve(7);
    });
  const refused = expect(hanging).rejects.toThrow('/far did not answer within 1 s');
  await clock.advance(1_000);
  await refused;
  await expect(next()).rejects.toThrow('not looked at: /far does not answer');
  expect(begun).toBe(1);
  answer(3);
  await clock.flush();
  expect(await next()).toBe(7);
  expect(begun).toBe(2);
  expect(clock.pendingTimers()).toBe(0);
});
