/** Stops a process as SIGSTOP does, and knows when it has. */
import { readdir, readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { eventually } from './eventually.js';

/**
 * Resolves when each thread of the process stands still. The signal alone is not enough: on a busy machine other
 * threads go on answering until one that takes it gets its turn. `SIGCONT` lets it go on.
 */
export async function halt(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const folder = `/proc/${String(pid)}/task`;
  await eventually(
    async () => {
      const states = await Promise.all(
        (await readdir(folder)).map((id) => readFile(`${folder}/${id}/stat`, 'utf8').catch(() => '')),
      );
      return states.every((text) => text === '' || text.includes(') T '));
    },
    { timeoutMs: 10_000, everyMs: 2, describe: `process ${String(pid)} stands still` },
  );
}

/** The process of the podman service that a home started for itself. */
export async function podmanServiceOf(home: { readonly path: string }): Promise<number> {
  const { stdout } = await execa('pgrep', ['-f', `unix://${home.path}/`], { reject: false, timeout: 10_000 });
  const pid = Number(stdout.split('\n')[0]);
  if (!(pid > 1)) throw new Error(`no podman service serves ${home.path}`);
  return pid;
}
