/** Why QEMU did not start, from what it said itself. */
import { BerthError } from '../../../core/errors.js';
import { lockedExitCode } from './argv.js';

export interface FailedStart {
  /** The workload's name. */
  readonly name: string;
  /** null: ended by a signal, or it did not end at all. */
  readonly exitCode: number | null;
  /** What stands in qemu.log. */
  readonly words: string;
  /** The first port that everybody may bind; lower ones need a capability. */
  readonly firstFreePort: number;
  readonly isRoot: boolean;
}

const maxWords = 2_000;

function shortened(words: string): string {
  const lines = words
    .split('\n')
    .map((line) => line.replace(/^.*?qemu-system-x86_64: /, '').trim())
    .filter((line) => line !== '');
  return lines.join('; ').slice(-maxWords);
}

function portTaken(rule: string, failed: FailedStart): BerthError {
  // `tcp:127.0.0.1:8080-:80`: protocol, address, host port, guest address, guest port.
  const [protocol = '', address = '', rest = ''] = rule.split(':');
  const port = Number(rest.split('-')[0]);
  const where = `${address}:${port}/${protocol}`;
  const details = { hostIp: address, hostPort: port, protocol };
  if (port < failed.firstFreePort && !failed.isRoot) {
    const suggestion = `publish a port from ${failed.firstFreePort} on, or run the agent as root`;
    return new BerthError('E_PORT_TAKEN', `only root may bind the host port ${where}`, { suggestion, details });
  }
  const message = `the host port ${where} of ${failed.name} is in use, or is no address of this host`;
  return new BerthError('E_PORT_TAKEN', message, { details });
}

/** E_PORT_TAKEN, E_DISK_FULL, E_RUNTIME_UNAVAILABLE or E_VM_START, in QEMU's own words. */
export function refusalOf(failed: FailedStart): BerthError {
  const { name, exitCode, words } = failed;
  const rule = /Could not set up host forwarding rule '([^']+)'/.exec(words)?.[1];
  if (rule !== undefined) return portTaken(rule, failed);
  const said = shortened(words);
  if (words.includes('No space left on device')) {
    return new BerthError('E_DISK_FULL', `no space is left to start ${name}: ${said}`);
  }
  if (/setpriv: failed to execute|flock: failed to execute/.test(words)) {
    return new BerthError('E_RUNTIME_UNAVAILABLE', `QEMU cannot be executed: ${said}`);
  }
  if (exitCode === lockedExitCode && said === '') {
    return new BerthError('E_VM_START', `${name} runs already: another QEMU holds its folder`, {
      suggestion: 'nothing to do: it is looked at again at once',
    });
  }
  const how = exitCode === null ? 'QEMU was ended by a signal' : `QEMU ended with exit code ${exitCode}`;
  return new BerthError('E_VM_START', `${name} did not start: ${said === '' ? how : said}`, { details: { exitCode } });
}
