/** The run of a machine as its folder remembers it: written before QEMU is started, completed when it is up. */
import { join } from 'node:path';
import { z } from 'zod';
import type { MachineHost } from '../../host/machine-host.js';
import type { ProcessIdentity } from '../../host/process-identity.js';

/** One run of QEMU. */
export interface RunIdentity extends ProcessIdentity {
  /** Stands on its command line. */
  readonly uuid: string;
  /** Unix milliseconds. */
  readonly startedAtMs: number;
}

const runRecordSchema = z.object({
  uuid: z.string().min(1),
  bootId: z.string().min(1),
  /** null: it was about to be started. */
  pid: z.number().int().min(2).nullable(),
  startTicks: z.string().nullable(),
  startedAtMs: z.number(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

export const runRecordFile = 'run.json';

/** undefined: there is none, or none that can be understood. */
export async function readRunRecord(host: MachineHost, folder: string): Promise<RunRecord | undefined> {
  const bytes = await host.readBytes(join(folder, runRecordFile), 0, 4_096);
  if (!bytes) return undefined;
  try {
    return runRecordSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}

export function writeRunRecord(host: MachineHost, folder: string, record: RunRecord): Promise<void> {
  return host.replaceText(join(folder, runRecordFile), `${JSON.stringify(record)}\n`);
}

/** The identity in a record that is complete. */
export function runOf(record: RunRecord): RunIdentity | undefined {
  const { uuid, bootId, pid, startTicks, startedAtMs } = record;
  return pid === null || startTicks === null ? undefined : { uuid, bootId, pid, startTicks, startedAtMs };
}
