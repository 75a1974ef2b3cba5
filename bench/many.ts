/** Definitions of many equal components, for measuring. */
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { exampleImage } from '../scripts/lib/podman.mjs';
import { timed } from './harness.js';

/** A service of `count` components that do nothing but wait. */
export function manyComponents(service: string, count: number): string {
  const components = Array.from({ length: count }, (_, index) =>
    [
      '[[components]]',
      `name = "c${index}"`,
      `image = "${exampleImage}"`,
      'pull = "never"',
      'command = ["sleep", "100000"]',
      'stop_timeout_s = 0',
    ].join('\n'),
  );
  return [`name = "${service}"`, ...components].join('\n\n');
}

export async function writeMany(path: string, service: string, count: number): Promise<void> {
  await writeFile(path, `${manyComponents(service, count)}\n`);
}

/** Fails loudly: a benchmark of something that did not work is worse than none. */
export function mustSucceed(
  what: string,
  result: { exitCode: number | undefined; stderr: string; stdout: string },
): void {
  if (result.exitCode !== 0)
    throw new Error(`${what} exited with ${result.exitCode}: ${result.stderr}${result.stdout}`);
}

/** Milliseconds of a Node process that does nothing: what any command takes before it does something. */
export async function bareNode(): Promise<number> {
  return timed(() => execa(process.execPath, ['-e', '0'], { timeout: 60_000 }));
}
