/** Whether this node can build unikernels. */
import { join } from 'node:path';
import { isBerthError, messageOf } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { Capability } from '../../../core/ports/driver.js';
import type { MachineHost } from '../../host/machine-host.js';
import type { QemuSettings } from '../contracts.js';
import { findOps } from './ops-home.js';
import { askOpsVersion } from './ops.js';

export interface OpsProbe {
  readonly host: MachineHost;
  readonly clock: Clock;
  readonly settings: Pick<QemuSettings, 'ops' | 'nanosKernel' | 'nanosBoot'>;
  /** Holds a short-lived folder of the probe. */
  readonly folder: string;
  readonly deadlineMs: number;
}

/** Finds ops and its kernel, and asks ops for its version. Never throws. */
export async function opsCapability(probe: OpsProbe, signal: AbortSignal): Promise<Capability> {
  const { host, clock, settings, folder, deadlineMs } = probe;
  let home: string | undefined;
  try {
    const tool = await findOps(host, settings);
    await host.makeFolder(folder);
    home = await host.makeTemporaryFolder(join(folder, 'ops-probe-'));
    const version = await askOpsVersion({ host, clock }, tool, home, deadlineMs, signal);
    const detail = `ops ${version.ops} at ${tool.ops}, Nanos kernel ${tool.kernel}`;
    return { name: 'ops', ok: true, detail, remedy: null };
  } catch (error) {
    const remedy = isBerthError(error) ? error.suggestion : null;
    return { name: 'ops', ok: false, detail: messageOf(error), remedy };
  } finally {
    if (home !== undefined) await host.remove(home).catch(() => undefined);
  }
}
