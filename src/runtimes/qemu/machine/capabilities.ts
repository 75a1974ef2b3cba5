/** What `berth doctor` says of running machines here. */
import { toBerthError } from '../../../core/errors.js';
import type { Capability } from '../../../core/ports/driver.js';
import type { Accelerators } from './accel.js';
import { qemuVersion } from './accel.js';
import type { MachineDeps } from './deps.js';
import { findTools } from './tools.js';

const kvmRemedy =
  'nothing to do: machines run under TCG, slower. For KVM, enable (nested) virtualisation and open /dev/kvm to a group ' +
  'of its own; it is probed again after the next boot, or set vm_accel = "kvm"';

/** `qemu`, `vm-sandbox` and `kvm`. Never fails: what is wrong is in the lines. */
export async function machineCapabilities(
  deps: MachineDeps,
  accelerators: Pick<Accelerators, 'explain'>,
  signal: AbortSignal,
): Promise<readonly Capability[]> {
  const { host, settings } = deps;
  try {
    const { qemu, setpriv } = await findTools(host, settings.qemu);
    const version = await qemuVersion(host, qemu, settings.callDeadlineMs);
    const sandbox = host.uid === 0 ? 'a user of its own for each machine, no capabilities' : 'as the user of the agent';
    return [
      { name: 'qemu', ok: true, detail: `${version}, ${qemu}`, remedy: null },
      {
        ...{ name: 'vm-sandbox', ok: setpriv !== null, detail: `QEMU runs in its sandbox, ${sandbox}` },
        remedy: setpriv === null ? 'install util-linux: it cannot be kept from gaining privileges' : null,
      },
      await kvmCapability(accelerators, signal),
    ];
  } catch (error) {
    const { message, suggestion } = toBerthError(error);
    return [{ name: 'qemu', ok: false, detail: message, remedy: suggestion }];
  }
}

async function kvmCapability(accelerators: Pick<Accelerators, 'explain'>, signal: AbortSignal): Promise<Capability> {
  try {
    const { accel, detail } = await accelerators.explain(signal);
    return { name: 'kvm', ok: accel === 'kvm', detail, remedy: accel === 'kvm' ? null : kvmRemedy };
  } catch (error) {
    const { message, suggestion } = toBerthError(error);
    return { name: 'kvm', ok: false, detail: message, remedy: suggestion };
  }
}
