/**
 * Who may do what in a VM's folder. A QEMU with a user of its own makes its sockets and logs there, but the folder is
 * root's and sticky: what root wrote, it can neither change nor put something else in the place of.
 */
import { join } from 'node:path';
import type { MachineHost } from '../../host/machine-host.js';
import { machineFiles, type MachineSpec } from '../contracts.js';

/** What QEMU reads to boot. */
function readOnlyFiles({ boot, disks }: MachineSpec): readonly string[] {
  const images = disks.filter((disk) => disk.access !== 'write').map((disk) => disk.file);
  return boot.kind === 'linux' ? [boot.kernel, boot.initrd, ...images] : images;
}

/** A file with one name is this VM's alone and may hold secrets; one with several names is shared and stays as it is. */
async function letRead(host: MachineHost, path: string, gid: number): Promise<void> {
  const state = await host.fileState(path);
  if (state?.kind !== 'file' || state.links > 1) return;
  await host.setOwner(path, 0, gid);
  await host.setMode(path, 0o440);
}

async function letWrite(host: MachineHost, path: string, uid: number): Promise<void> {
  const state = await host.fileState(path);
  if (state?.kind !== 'file') return;
  await host.setOwner(path, uid, uid);
  await host.setMode(path, 0o600);
}

/** Removes what an earlier run left: its sockets and its report. */
async function removeStale(host: MachineHost, folder: string): Promise<void> {
  const { qmp, qmpByHand, consoleSocket, report } = machineFiles;
  await Promise.all([qmp, qmpByHand, consoleSocket, report].map((name) => host.remove(join(folder, name))));
  // A console log that is no plain file of this folder alone is none of QEMU's making.
  const log = join(folder, machineFiles.consoleLog);
  const state = await host.fileState(log);
  if (state && (state.kind !== 'file' || state.links > 1)) await host.remove(log);
}

/** Makes the folder ready for a run as `uid`; null: QEMU is who the agent is, and nothing changes hands. */
export async function prepareFolder(
  host: MachineHost,
  folder: string,
  spec: MachineSpec,
  uid: number | null,
): Promise<void> {
  await removeStale(host, folder);
  if (uid === null) return;
  await host.setOwner(folder, 0, uid);
  await host.setMode(folder, 0o1770);
  await Promise.all(readOnlyFiles(spec).map((name) => letRead(host, join(folder, name), uid)));
  const written = spec.disks.filter((disk) => disk.access === 'write').map((disk) => disk.file);
  await Promise.all([...written, machineFiles.consoleLog].map((name) => letWrite(host, join(folder, name), uid)));
}
