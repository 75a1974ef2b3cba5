/** The dashboard's pages, bundled into dist/dashboard/; again when a source of theirs changed. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { keepOnly, moveFiles, placeToBuild } from './place-build.mjs';
import { lastLines, run } from './run.mjs';

const minuteMs = 60_000;
/** Which files there are; what is not in it is not served. */
const manifest = join('.vite', 'manifest.json');

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
  const folder = join(root, 'dist', 'dashboard');
  const isBuilt = existsSync(join(folder, manifest));
  if (isBuilt && existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  say('bundling the dashboard');
  const next = placeToBuild(folder);
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const argv = [process.execPath, vite, 'build', '--logLevel', 'warn', '--outDir', next, '--emptyOutDir'];
  const result = await run(argv, { cwd: root, deadlineMs: 5 * minuteMs });
  if (!result.ok) {
    rmSync(next, { recursive: true, force: true });
    throw new Error(`the dashboard cannot be built: ${result.problem}\n${lastLines(result.output, 25)}`);
  }
  // An agent reads all of it when it starts, the manifest first, and serves it from memory: nobody needs the old files.
  keepOnly(folder, moveFiles(next, folder, [manifest]));
  writeFileSync(stamp, state);
}
