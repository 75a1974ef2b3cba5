/** A process that has a given number although it is not the one that had it before: what happens when pids come round. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';

export interface Innocent {
  readonly pid: number;
  /** True while that very process runs, and nobody has touched it. */
  readonly isUntouched: () => boolean;
  end(): Promise<void>;
}

/** Somebody else may fork in between; then it is tried again, once whoever got the number has ended. */
const takingMs = 90_000;

/**
 * Starts a process whose number is `pid`, which must be free, with these words on its command line. It sleeps, and
 * ends at any signal that it may. The kernel is told by /proc/sys/kernel/ns_last_pid where to go on counting (man 5
 * proc), which needs root.
 */
export async function takePid(pid: number, words: readonly string[]): Promise<Innocent> {
  const deadline = performance.now() + takingMs;
  while (performance.now() < deadline) {
    if (existsSync(`/proc/${String(pid)}`)) {
      await pause(20);
      continue;
    }
    // At one go, so that hardly anybody comes in between.
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const child = execa('/bin/sh', ['-c', 'while :; do sleep 1; done', ...words], { reject: false, stdio: 'ignore' });
    const ended = child.then(() => undefined);
    const end = async (): Promise<void> => {
      child.kill('SIGKILL');
      await ended;
    };
    if (child.pid === pid) return { pid, isUntouched: () => child.exitCode === null && stateOf(pid) === 'runs', end };
    await end();
  }
  throw new Error(`process id ${String(pid)} was not given within ${String(takingMs)} ms`);
}

function stateOf(pid: number): 'runs' | 'stopped' {
  const state = /\) (\w) /.exec(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'))?.[1] ?? 'X';
  return /[SRDI]/.test(state) ? 'runs' : 'stopped';
}
