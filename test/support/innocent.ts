/** A process that has a given number although it is not the one that had it before: what happens when pids come round. */
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { readFileSync } from 'node:fs';

export interface Innocent {
  readonly pid: number;
  /** True while that very process runs, and nobody has touched it. */
  readonly isUntouched: () => boolean;
  end(): Promise<void>;
}

/** Somebody else may fork in between; then it is tried again. */
const tries = 2_000;

/**
 * Starts a process whose number is `pid`, which must be free, with these words on its command line. It sleeps, and
 * ends at any signal that it may. The kernel is told by /proc/sys/kernel/ns_last_pid where to go on counting (man 5
 * proc), which needs root.
 */
export async function takePid(pid: number, words: readonly string[]): Promise<Innocent> {
  for (let count = 0; count < tries; count += 1) {
    await writeFile('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const child = execa('/bin/sh', ['-c', 'while :; do sleep 1; done', ...words], { reject: false, stdio: 'ignore' });
    const ended = child.then(() => undefined);
    const end = async (): Promise<void> => {
      child.kill('SIGKILL');
      await ended;
    };
    if (child.pid === pid) return { pid, isUntouched: () => child.exitCode === null && stateOf(pid) === 'runs', end };
    await end();
  }
  throw new Error(`process id ${String(pid)} was not given in ${String(tries)} tries`);
}

function stateOf(pid: number): 'runs' | 'stopped' {
  const state = /\) (\w) /.exec(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'))?.[1] ?? 'X';
  return /[SRDI]/.test(state) ? 'runs' : 'stopped';
}
