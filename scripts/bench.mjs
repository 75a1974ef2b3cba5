/** `npm run bench [-- NAME …]`: set-up, then the benchmarks of bench/. */
import { ensureExampleImage } from './lib/podman.mjs';
import { root } from './lib/paths.mjs';
import { lastLines, run } from './lib/run.mjs';
import { setUp } from './lib/setup.mjs';

const minuteMs = 60_000;

try {
  await setUp();
  await ensureExampleImage((line) => console.log(line));
  const compiled = await run([process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json'], {
    cwd: root,
    deadlineMs: 5 * minuteMs,
  });
  if (!compiled.ok) throw new Error(`the benchmarks do not compile: ${lastLines(compiled.output, 25)}`);
  const names = process.argv.slice(2);
  const done = await run([process.execPath, 'dist/bench/main.js', ...names], {
    cwd: root,
    deadlineMs: 30 * minuteMs,
    show: true,
  });
  process.exitCode = done.exitCode ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
