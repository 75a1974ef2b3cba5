/** Into a workload: its console, and programs run beside its own. */
import { BerthError } from '../core/errors.js';
import { formatKey } from '../core/names.js';
import type { ConsoleSession, Driver, ExecResult } from '../core/ports/driver.js';
import { isVm } from '../core/spec.js';
import type { ComponentTarget } from './client.js';
import type { DriversAtHand } from './drivers.js';
import type { LocalClientPorts } from './ports.js';
import { findTarget } from './targets.js';

/** Attaches to the console of a virtual machine. E_NOT_SUPPORTED for a container, E_WORKLOAD_MISSING. */
export async function openConsole(
  ports: LocalClientPorts,
  drivers: DriversAtHand,
  target: ComponentTarget,
  signal: AbortSignal,
): Promise<ConsoleSession> {
  const { driver, nativeId } = await findWorkload(ports, drivers, target, signal);
  return driver.attach(nativeId, signal);
}

/** Runs a program in a workload, beside its own, to its end. E_NOT_SUPPORTED for a virtual machine, E_WORKLOAD_MISSING. */
export async function runInside(
  ports: LocalClientPorts,
  drivers: DriversAtHand,
  target: ComponentTarget,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  const { driver, nativeId } = await findWorkload(ports, drivers, target, signal);
  return driver.exec(nativeId, argv, signal);
}

async function findWorkload(
  ports: LocalClientPorts,
  drivers: DriversAtHand,
  target: ComponentTarget,
  signal: AbortSignal,
): Promise<{ readonly driver: Driver; readonly nativeId: string }> {
  const [record] = await findTarget(ports.registry, target);
  const key = formatKey(target);
  const nativeId = record?.status.nativeId ?? null;
  if (record === undefined || nativeId === null) {
    const what = record !== undefined && isVm(record.spec.runtime) ? 'virtual machine' : 'workload';
    throw new BerthError('E_WORKLOAD_MISSING', `${key} has no ${what} now`, {
      suggestion: `see why with: berth explain ${key}`,
    });
  }
  return { driver: await drivers.owning(record, nativeId, signal), nativeId };
}
