/** The programs that start a machine. */
import { BerthError } from '../../../core/errors.js';
import type { Host } from '../../host/host.js';
import type { MachineTools } from './argv.js';

const qemuRemedy = 'install QEMU for x86_64 (Debian: qemu-system-x86), or name it in the settings';
const utilRemedy = 'install util-linux';

function missing(program: string, suggestion: string): BerthError {
  return new BerthError('E_RUNTIME_UNAVAILABLE', `${program} is not installed`, { suggestion });
}

/** E_RUNTIME_UNAVAILABLE names the program that is missing. `qemu` is the setting; null: found in PATH. */
export async function findTools(host: Host, qemu: string | null): Promise<MachineTools> {
  const found = qemu ?? (await host.findProgram('qemu-system-x86_64'));
  if (found === undefined) throw missing('qemu-system-x86_64', qemuRemedy);
  if (!(await host.exists(found))) throw missing(found, qemuRemedy);
  const [flock, setpriv] = await Promise.all([host.findProgram('flock'), host.findProgram('setpriv')]);
  if (flock === undefined) throw missing('flock', utilRemedy);
  if (setpriv === undefined && host.uid === 0) throw missing('setpriv', utilRemedy);
  return { qemu: found, flock, setpriv: setpriv ?? null };
}
