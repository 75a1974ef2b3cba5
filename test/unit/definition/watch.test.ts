import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { BerthError } from '../../../src/core/errors.js';
import { folder, MemoryFiles, watchMemory, type WatchedFolder } from './memory-files.js';

const serviceText = (name: string, image = 'a'): string =>
  `name = "${name}"\n[[components]]\nname = "web"\nimage = "${image}"\n`;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Longer than a file has to stand still, shorter than the pause between two looks. */
const settledMs = 500;
const relistMs = 5_500;

let watched: WatchedFolder | undefined;
afterEach(async () => {
  await watched?.close();
  expect(watched?.clock.pendingTimers() ?? 0).toBe(0);
  expect(watched?.openHints() ?? 0).toBe(0);
  watched = undefined;
});

/** A folder with files that the watcher has taken. */
async function begin(
  contents: Readonly<Record<string, string>>,
  known?: ReadonlyMap<string, string>,
): Promise<WatchedFolder> {
  const files = new MemoryFiles();
  for (const [name, content] of Object.entries(contents)) files.write(name, content);
  watched = watchMemory(files, known);
  await watched.clock.advance(settledMs);
  return watched;
}

describe('a watched folder', () => {
  it('hands over what is there at the start, in order of names', async () => {
    const { said } = await begin({
      'b.toml': serviceText('beta'),
      'a.toml': serviceText('alpha'),
      '.x.toml': 'x',
      'y.txt': 'y',
    });
    expect(said()).toEqual(['change a.toml: alpha', 'change b.toml: beta']);
  });

  it('hands over nothing that is known from an earlier life', async () => {
    const text = serviceText('alpha');
    const known = new Map([
      [`${folder}/a.toml`, hashOf(text)],
      [`${folder}/b.toml`, hashOf('older')],
    ]);
    const { said } = await begin({ 'a.toml': text, 'b.toml': serviceText('beta') }, known);
    expect(said()).toEqual(['change b.toml: beta']);
  });

  it('hands over a change soon after a hint, and without a hint at the next look', async () => {
    const { said, files, clock, hint } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    files.write('a.toml', serviceText('alpha', 'b'));
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['change a.toml: alpha']);
    files.write('a.toml', serviceText('alpha', 'c'));
    await clock.advance(settledMs);
    expect(said()).toEqual([]);
    await clock.advance(relistMs);
    expect(said()).toEqual(['change a.toml: alpha']);
  });

  it('does not hand over a file that was only touched', async () => {
    const { said, files, clock, hint } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    files.write('a.toml', serviceText('alpha'));
    hint();
    await clock.advance(relistMs);
    expect(said()).toEqual([]);
  });

  it('reads nothing while nothing changes', async () => {
    const { files, clock } = await begin({ 'a.toml': serviceText('alpha'), 'b.toml': 'broken' });
    const { reads } = files;
    await clock.advance(60_000);
    expect(files.reads).toBe(reads);
  });

  it('waits until a file stands still, however long it is being written', async () => {
    const { said, files, clock, hint } = await begin({});
    const text = serviceText('alpha', 'a-long-name');
    for (let length = 1; length <= text.length; length += 1) {
      files.write('a.toml', text.slice(0, length));
      hint();
      await clock.advance(60);
      expect(said()).toEqual([]);
    }
    await clock.advance(settledMs);
    expect(said()).toEqual(['change a.toml: alpha']);
  });

  it('reports a file that broke, once, and that it is right again', async () => {
    const { said, files, clock, hint } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    files.write('a.toml', 'name = ');
    hint();
    await clock.advance(relistMs * 2);
    expect(said()).toEqual(['problem a.toml: 1:8 the file ends where a value should stand']);
    files.write('a.toml', serviceText('alpha'));
    hint();
    await clock.advance(relistMs);
    expect(said()).toEqual(['right a.toml']);
  });

  it('reports a file that is gone, and takes it again when it is back', async () => {
    const { said, files, clock, hint } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    files.remove('a.toml');
    hint();
    await clock.advance(relistMs);
    expect(said()).toEqual(['removed a.toml']);
    files.write('a.toml', serviceText('alpha'));
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['change a.toml: alpha']);
  });

  it('takes a file that is gone for a moment as one that changed', async () => {
    const { said, files, clock, hint } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    files.remove('a.toml');
    hint();
    await clock.advance(60);
    files.write('a.toml', serviceText('alpha', 'b'));
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['change a.toml: alpha']);
  });

  it('follows a file to another name', async () => {
    const { said, files, clock, hint } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    files.remove('a.toml');
    files.write('b.toml', serviceText('alpha'));
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['removed a.toml', 'change b.toml: alpha']);
  });

  it('keeps a service with the file that fed it, and hands it to another when that is gone', async () => {
    const { said, files, clock, hint } = await begin({ 'b.toml': serviceText('alpha') });
    said();
    files.write('a.toml', serviceText('alpha', 'old'));
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual([`problem a.toml: 1:8 the service "alpha" is declared in ${folder}/b.toml too`]);
    files.write('b.toml', 'broken while it is edited');
    hint();
    await clock.advance(settledMs);
    expect(said().map((line) => line.split(':')[0])).toEqual(['problem b.toml']);
    files.write('b.toml', serviceText('alpha', 'new'));
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['change b.toml: alpha', 'right b.toml']);
    files.remove('b.toml');
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['removed b.toml', 'change a.toml: alpha', 'right a.toml']);
  });

  it('takes neither of two files that declare one service from the start', async () => {
    const { said } = await begin({ 'a.toml': serviceText('alpha'), 'b.toml': serviceText('alpha', 'b') });
    expect(said()).toEqual([
      `problem a.toml: 1:8 the service "alpha" is declared in ${folder}/b.toml too`,
      `problem b.toml: 1:8 the service "alpha" is declared in ${folder}/a.toml too`,
    ]);
  });

  it('hands over again what was not taken', async () => {
    const { said, files, clock, hint, refuseNext } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    refuseNext(new BerthError('E_REGISTRY_BUSY', 'the registry is locked'));
    files.write('a.toml', serviceText('alpha', 'b'));
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['problem a.toml: 1:1 it was not taken over: the registry is locked']);
    await clock.advance(relistMs);
    expect(said()).toEqual(['change a.toml: alpha', 'right a.toml']);
  });

  it('survives its folder', async () => {
    const { said, files, clock, openHints, hint } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    files.removeFolder();
    hint();
    await clock.advance(settledMs);
    expect(said()).toEqual(['problem definitions: 1:1 there is no such folder', 'removed a.toml']);
    expect(openHints()).toBe(0);
    files.makeFolder();
    files.write('a.toml', serviceText('alpha', 'b'));
    await clock.advance(1_500);
    expect(openHints()).toBe(1);
    expect(said()).toEqual(['right definitions', 'change a.toml: alpha']);
  });

  it('says that it is slow when there are no hints', async () => {
    const { said, files, clock, hintError } = await begin({ 'a.toml': serviceText('alpha') });
    said();
    hintError(new Error('ENOSPC: System limit for number of file watchers reached'));
    await clock.advance(settledMs);
    expect(said()).toEqual([
      'problem definitions: 1:1 changes are noticed only every 5000 ms: ENOSPC: System limit for number of file watchers reached',
    ]);
    files.write('a.toml', serviceText('alpha', 'b'));
    await clock.advance(relistMs);
    expect(said()).toEqual(['change a.toml: alpha']);
  });

  it('says nothing after it was closed', async () => {
    const { said, files, clock, hint, close } = await begin({});
    files.write('a.toml', serviceText('alpha'));
    hint();
    await clock.advance(60);
    await close();
    await clock.advance(relistMs);
    expect(said()).toEqual([]);
  });
});
