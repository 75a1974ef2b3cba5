/** The dashboard's pages, bundled into dist/dashboard/; again when a source of theirs changed. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { lastLines, run } from './run.mjs';

const minuteMs = 60_000;

/** @typedef {{ listFiles: (folder: string) => string[], hash: (parts: readonly string[]) => string }} Tools Of the set-up. */

/**
 * Throws an Error whose message is for people.
 * @param {(line: string) => void} say @param {Tools} tools
 */
export async function ensureDashboard(say, { listFiles, hash }) {
  const stamp = join(root, 'dist', '.dashboard-stamp');
  const sources = ['app', 'model'].flatMap((name) => listFiles(join(root, 'src', 'dashboard', name)));
  const settings = ['vite.config.ts', 'package-lock.json'].map((name) => join(root, name));
  const state = hash(
    [...sources, ...settings].map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`),
  );
  const isBuilt = existsSync(join(root, 'dist', 'dashboard', '.vite', 'manifest.json'));
  if (isBuilt && existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  say('bundling the dashboard');
  const argv = [process.execPath, join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'];
  const result = await run(argv, { cwd: root, deadlineMs: 5 * minuteMs });
  if (!result.ok) throw new Error(`the dashboard cannot be built: ${result.problem}\n${lastLines(result.output, 25)}`);
  writeFileSync(stamp, state);
}
