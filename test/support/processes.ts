/** What runs for workloads on this machine, whatever their runtimes say of them: by /proc alone. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

const longestLine = 300;

/**
 * Processes, each as its number and its command line, that have one of these words in their command line, their control
 * groups or the path they work in. Those that ended, and wait to be asked how, are none; nor is what stays for five minutes
 * after a command that was run inside a container, to clean up behind it (podman's `--exit-delay`).
 */
export async function processesNamed(words: readonly string[]): Promise<readonly string[]> {
  if (words.length === 0) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [argv, groups, folder] = await Promise.all([
        readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => ''),
        readFile(join('/proc', pid, 'cgroup'), 'utf8').catch(() => ''),
        readlink(join('/proc', pid, 'cwd')).catch(() => ''),
      ]);
      // One that ended has no command line.
      const isProgram = argv !== '' && !argv.includes('\0--exec-process-spec\0');
      const isNamed = isProgram && words.some((word) => [argv, groups, folder].some((text) => text.includes(word)));
      return isNamed ? `${pid} ${argv.replaceAll('\0', ' ').trim().slice(0, longestLine)}` : undefined;
    }),
  );
  return found.filter((line) => line !== undefined);
}
