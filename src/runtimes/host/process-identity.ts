/**
 * Which process a number means. A pid alone can be somebody else's by now: boot id, pid and start
 * time together cannot. Nothing is ever signalled on less.
 */
import type { Host } from './host.js';

/** What identifies a process for as long as this machine is up. */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Field 22 of `/proc/PID/stat` (man 5 proc): ticks since boot at which it started. */
  readonly startTicks: string;
}

/** State letter and start time by the text of `/proc/PID/stat`; the name in it may hold blanks and brackets. */
export function readStat(text: string): { readonly state: string; readonly startTicks: string } | undefined {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(/\s+/);
  const [state, startTicks] = [fields[0], fields[19]];
  return state && startTicks ? { state, startTicks } : undefined;
}

/** When a process started, as in its identity; undefined when it does not run, as a zombie does not. */
export async function startTicksOf(host: Host, pid: number): Promise<string | undefined> {
  const stat = readStat((await host.readText(`/proc/${pid}/stat`)) ?? '');
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat.startTicks;
}

/** The identity of a running process; undefined when there is none. */
export async function identityOf(host: Host, pid: number): Promise<ProcessIdentity | undefined> {
  const [bootId, startTicks] = await Promise.all([
    host.readText('/proc/sys/kernel/random/boot_id'),
    startTicksOf(host, pid),
  ]);
  return bootId && startTicks ? { bootId: bootId.trim(), pid, startTicks } : undefined;
}

/** True while that very process runs, and no other that has its number by now. */
export async function isSameProcess(host: Host, record: ProcessIdentity): Promise<boolean> {
  const now = await identityOf(host, record.pid);
  return now?.bootId === record.bootId && now.startTicks === record.startTicks;
}
