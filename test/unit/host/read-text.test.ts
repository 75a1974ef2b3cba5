import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTextReader } from '../../../src/runtimes/host/read-text.js';

describe('the reader of text files', () => {
  const read = createTextReader();
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-read-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('reads files of the kernel whole', async () => {
    expect(await read('/proc/self/cgroup')).toBe(await readFile('/proc/self/cgroup', 'utf8'));
    expect(await read(`/proc/${process.pid}/stat`)).toMatch(new RegExp(`^${process.pid} \\(.*\\) \\w [\\d\\s-]+\\n$`));
  });

  it('reads other files whole, however long', async () => {
    const text = 'ä'.repeat(100_000);
    await writeFile(join(folder, 'long'), text);
    expect(await read(join(folder, 'long'))).toBe(text);
  });

  it('knows nothing of files that are not there, folders, and processes that are gone', async () => {
    for (const path of ['/proc/4194999/stat', '/proc/self/stat/x', '/sys/fs/cgroup/', '/sys/fs/cgroup/.', folder]) {
      expect([path, await read(path)]).toEqual([path, undefined]);
    }
  });

  it('lets others have their turn between many reads', async () => {
    let turns = 0;
    let done = false;
    const others = (): void => {
      turns += 1;
      if (!done) setImmediate(others);
    };
    setImmediate(others);
    for (let count = 0; count < 1_000; count += 1) await read('/proc/self/cgroup');
    done = true;
    expect(turns).toBeGreaterThan(10);
  });

  it('answers many readers at once, each with its own file', async () => {
    const paths = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? '/proc/self/cgroup' : '/proc/1/stat'));
    const texts = await Promise.all(paths.map((path) => read(path)));
    for (const [index, text] of texts.entries()) expect(text?.startsWith('1 (')).toBe(index % 2 === 1);
  });
});
