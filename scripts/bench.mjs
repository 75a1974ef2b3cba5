/** `npm run bench [-- --quick | --list | NAME …]`: set-up, then the benchmarks of bench/. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/paths.mjs';
import { lastLines, run } from './lib/run.mjs';
import { setUp } from './lib/setup.mjs';

const minuteMs = 60_000;
/** Far beyond what all of them take. */
const limitMs = 60 * minuteMs;

try {
  const words = process.argv.slice(2);
  // The quick form wants nothing of the machine but npm's packages: no root, no Podman.
  const isSetUp = words.includes('--quick') && existsSync(join(root, 'node_modules', 'typescript'));
  if (!isSetUp) await setUp('bench');
  const compiled = await run([process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json'], {
    cwd: root,
    deadlineMs: 5 * minuteMs,
  });
  if (!compiled.ok) throw new Error(`the benchmarks do not compile: ${lastLines(compiled.output, 25)}`);
  const done = await run([process.execPath, 'dist/bench/main.js', ...words], {
    cwd: root,
    deadlineMs: limitMs,
    show: true,
  });
  process.exitCode = done.exitCode ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
