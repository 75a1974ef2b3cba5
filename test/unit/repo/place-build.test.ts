import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import {
  keepOnly,
  listFiles,
  moveFiles,
  neededBuilds,
  placeToBuild,
  readBuilds,
  startsOf,
  writeBuilds,
} from '../../../scripts/lib/place-build.mjs';
import { eventually } from '../../support/eventually.js';

const minuteMs = 60_000;

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-build-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const namesIn = (folder: string): readonly string[] => listFiles(folder).map((path) => relative(folder, path));

test('a build takes the place of another file by file, what refers to the others last; then the others go', () => {
  const folder = makeFolder();
  const into = join(folder, 'bundle');
  put(into, { 'main.js': 'old', 'chunk-1.js': '1', 'both.js': 'b' });
  const next = placeToBuild(into);
  put(next, { 'main.js': 'new', 'z-2.js': '2', 'both.js': 'b', 'deep/file.js': 'd' });
  const names = moveFiles(next, into, ['main.js']);
  expect(names.at(-1)).toBe('main.js');
  expect(existsSync(next)).toBe(false);
  expect(readFileSync(join(into, 'main.js'), 'utf8')).toBe('new');
  // Whoever began with the old one finds its chunk until it is said that nobody needs it.
  expect(namesIn(into)).toEqual(['both.js', 'chunk-1.js', 'deep/file.js', 'main.js', 'z-2.js']);
  keepOnly(into, names);
  expect(namesIn(into)).toEqual(['both.js', 'deep/file.js', 'main.js', 'z-2.js']);
});

test('what a killed build left goes, what one is making now stays', () => {
  const folder = makeFolder();
  const into = join(folder, 'bundle');
  put(folder, { 'bundle.next-999999999/main.js': 'left', [`bundle.next-${process.ppid}/main.js`]: 'made' });
  expect(placeToBuild(into)).toBe(`${into}.next-${process.pid}`);
  expect(namesIn(folder)).toEqual([`bundle.next-${process.ppid}/main.js`]);
});

test('of earlier builds those stay that a program which runs may have begun with', () => {
  const builds = [100, 80, 60, 40].map((minutes) => ({ atMs: minutes * minuteMs, files: [`${minutes}.js`] }));
  const kept = (...minutes: readonly number[]) =>
    neededBuilds(
      builds,
      minutes.map((value) => value * minuteMs),
    ).map(({ files }) => files[0]);
  expect(kept()).toEqual(['100.js']);
  expect(kept(200)).toEqual(['100.js']);
  expect(kept(95)).toEqual(['100.js', '80.js']);
  // A start close to a build may have been before it.
  expect(kept(85)).toEqual(['100.js', '80.js', '60.js']);
  expect(kept(95, 65)).toEqual(['100.js', '80.js', '60.js', '40.js']);
  expect(kept(1)).toEqual(['100.js', '80.js', '60.js', '40.js']);
  expect(neededBuilds([], [])).toEqual([]);
});

test('which builds there are is kept in a file, and a damaged one tells of none', () => {
  const path = join(makeFolder(), 'builds.json');
  expect(readBuilds(path)).toEqual([]);
  const builds = [{ atMs: 1, files: ['a.js'] }];
  writeBuilds(path, builds);
  expect(readBuilds(path)).toEqual(builds);
  writeFileSync(path, '[');
  expect(readBuilds(path)).toEqual([]);
});

test('programs that run are found by a word of their command line, with when they were started', async () => {
  const word = join(makeFolder(), 'program');
  const beganMs = Date.now();
  const child = execa(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', word], {
    reject: false,
    timeout: 30_000,
  });
  try {
    await eventually(() => startsOf([word]).length === 1);
    const [startMs] = startsOf([word]);
    // The kernel counts from the boot, whose time is told in seconds.
    expect(Math.abs((startMs ?? 0) - beganMs)).toBeLessThan(5_000);
  } finally {
    child.kill('SIGKILL');
    await child;
  }
  await eventually(() => startsOf([word]).length === 0);
});
