/** How a run went, by what the guest itself left behind. Pure. */
import type { GuestReport } from './contracts.js';
import type { NanosNews } from './unikernel/console.js';

/** What is said of a run, as far as it went. */
export interface RunStory {
  /** The program was reported started. */
  readonly started: boolean;
  /** The program's own exit code; null: nobody told it. */
  readonly exitCode: number | null;
  /** What is known beside the code, in words; null: nothing. */
  readonly problem: string | null;
}

/** Exit code of a program that signal `n` ended, as shells and Podman say it. */
const signalBase = 128;
const sigterm = 15;
const sigkill = 9;

/** What a machine that Berth itself had to kill ended with. */
export const forcedExitCode = signalBase + sigkill;

const noWord = 'its QEMU ended without a word from the guest: it was killed, or the host went down';

/** A Linux guest: init writes its report; a kernel that panicked cannot. */
export function storyOfReport(reports: readonly GuestReport[], consoleTail: string): RunStory {
  const started = reports.some(({ event }) => event === 'started');
  const failed = reports.find((report) => report.event === 'failed');
  const exited = reports.find((report) => report.event === 'exited');
  const problem = failed?.message ?? null;
  if (exited) return { started, exitCode: exited.code, problem };
  const panic = /Kernel panic - not syncing: (.*)/.exec(consoleTail)?.[1]?.trim();
  if (panic !== undefined) return { started, exitCode: null, problem: `the guest's kernel panicked: ${panic}` };
  return { started, exitCode: null, problem: problem ?? noWord };
}

/**
 * A Nanos guest: it announces its network, and its end by one byte of the debug port, which is the exit code, or the
 * bare number of a signal. Source: nanos src/kernel/init.c, `vm_exit`.
 */
export function storyOfNanos(news: readonly NanosNews[], byte: number | undefined, asked: boolean): RunStory {
  const failed = news.find((item) => item.kind === 'failed');
  const started = !failed && news.some((item) => item.kind === 'network');
  if (byte === undefined) return { started, exitCode: null, problem: failed?.message ?? noWord };
  const exitCode = asked && byte === sigterm ? signalBase + sigterm : byte;
  return { started: started || !failed, exitCode, problem: failed?.message ?? null };
}
