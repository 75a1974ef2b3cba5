import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureDashboard } from '../../../scripts/lib/dashboard.mjs';
import { hash, listFiles } from '../../../scripts/lib/setup.mjs';
import { root } from '../../support/test-home.js';

const folder = join(root, 'dist', 'dashboard');
const longestBuildMs = 60_000;

describe('the built dashboard', () => {
  beforeAll(async () => {
    await ensureDashboard(() => undefined, { listFiles, hash });
  }, longestBuildMs);

  const sizeOf = (path: string): number => gzipSync(readFileSync(path), { level: 9 }).length;
  const assets = (): readonly string[] => listFiles(join(folder, 'assets'));

  it('has less than 150 kB, compressed, in all', () => {
    const total = assets().reduce((sum, path) => sum + sizeOf(path), 0);
    expect(total).toBeLessThan(150_000);
    expect(total).toBeGreaterThan(20_000);
  });

  it('has the editor apart from what everybody loads', () => {
    const first = assets().filter((path) => path.includes('main-'));
    expect(first.map((path) => path.replace(/.*\./, '')).sort()).toEqual(['css', 'js']);
    expect(first.reduce((sum, path) => sum + sizeOf(path), 0)).toBeLessThan(45_000);
    expect(assets().some((path) => /code-[^/]*\.js$/.test(path))).toBe(true);
  });

  it('asks nobody else for anything', () => {
    for (const path of assets().filter((name) => /\.(js|css)$/.test(name))) {
      const text = readFileSync(path, 'utf8');
      const addresses = [...text.matchAll(/https?:\/\/[^"'`\s)\\]+/g)].map(([address]) => address);
      // Names of namespaces are not addresses, and links in messages are not loaded.
      for (const address of addresses) expect(address).toMatch(/^https?:\/\/(www\.w3\.org\/|x$|berth)/);
      if (path.endsWith('.css')) expect(text).not.toMatch(/url\(|@import/);
    }
  });

  it('is not built again when nothing changed', async () => {
    const said: string[] = [];
    await ensureDashboard((line) => said.push(line), { listFiles, hash });
    expect(said).toEqual([]);
  });
});
