/** What a machine costs its host. */
import type { MachineHost } from '../../host/machine-host.js';
import { isMachineAlive } from './find.js';
import type { RunIdentity } from './run-record.js';

export interface MachineStats {
  /** Resident memory of QEMU: the guest's, its own and that of translated code. */
  readonly memoryBytes: number;
  /** Processor time of all its threads so far, in milliseconds. */
  readonly cpuMs: number;
}

/** The kernel counts in hundredths of a second towards programs (USER_HZ, man 5 proc). */
const msPerTick = 10;

/** undefined: that QEMU is gone. */
export async function readStats(deps: { host: MachineHost }, run: RunIdentity): Promise<MachineStats | undefined> {
  const { host } = deps;
  const [stat, status, isAlive] = await Promise.all([
    host.readText(`/proc/${run.pid}/stat`),
    host.readText(`/proc/${run.pid}/status`),
    isMachineAlive(host, run),
  ]);
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1];
  // Fields 14 and 15; counted from behind the name, which may hold blanks and brackets.
  const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11] ?? NaN) + Number(fields[12] ?? NaN);
  if (!isAlive || kilobytes === undefined || Number.isNaN(ticks)) return undefined;
  return { memoryBytes: Number(kilobytes) * 1_024, cpuMs: ticks * msPerTick };
}
