/** Podman by its command line, for set-up and tests: the example image, and whether containers work here at all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { lastLines, run } from './run.mjs';
import { hash, listFiles } from './setup.mjs';

const minuteMs = 60_000;

/** The image of examples/hello, and of the tests. */
export const exampleImage = 'localhost/berth-hello:1';

/** Where Debian's busybox-static puts the program. */
const busybox = '/bin/busybox';
const contextLabel = 'berth.example.context';

/**
 * Builds the example image, unless it exists with the same content.
 * @param {(line: string) => void} say
 */
export async function ensureExampleImage(say) {
  const context = join(root, 'examples', 'hello');
  const files = [join(context, 'Containerfile'), ...listFiles(join(context, 'rootfs')), busybox];
  const wanted = hash(files.flatMap((path) => [path.replace(root, ''), readFileSync(path)]));
  const format = `{{index .Config.Labels "${contextLabel}"}}`;
  const found = await run(['podman', 'image', 'inspect', '--format', format, exampleImage], { deadlineMs: minuteMs });
  if (found.ok && found.output.trim() === wanted) return;
  say(`building the image ${exampleImage}`);
  const argv = ['build', '--build-context', 'host=/bin', '--label', `${contextLabel}=${wanted}`, '-t', exampleImage];
  const built = await run(['podman', ...argv, context], { deadlineMs: 5 * minuteMs });
  if (!built.ok)
    throw new Error(`podman could not build ${exampleImage}: ${built.problem}\n${lastLines(built.output, 15)}`);
}

/**
 * Flags by which `podman run` works on hosts that lack a right or a cgroup layout; tried in this order.
 * The first that works is what a person would have to type here.
 */
const runtimeFlags = ['--runtime', 'runc'];
const limitFlags = ['--ulimit', 'nofile=1024:20000', '--ulimit', 'nproc=4096:32768'];
const variants = [
  { global: [], run: [] },
  { global: [], run: limitFlags },
  { global: runtimeFlags, run: [] },
  { global: runtimeFlags, run: limitFlags },
];

/**
 * Really runs a container. Answers the flags that it took, or why it cannot be, in podman's words.
 * @returns {Promise<{ ok: true, global: string[], run: string[] } | { ok: false, reason: string }>}
 */
export async function probeContainers() {
  try {
    await ensureExampleImage(() => undefined);
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
  let reason = '';
  for (const variant of variants) {
    const argv = ['podman', ...variant.global, 'run', '--rm', '--network', 'none', ...variant.run, exampleImage];
    const result = await run([...argv, 'sh', '-c', 'exit 0'], { deadlineMs: minuteMs });
    if (result.ok) return { ok: true, ...variant };
    reason ||= `podman cannot run a container here: ${result.problem}\n${lastLines(result.output, 5)}`;
  }
  return { ok: false, reason };
}
