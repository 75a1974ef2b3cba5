/** What the parts that run machines are given. */
import type { Clock } from '../../../core/ports/clock.js';
import type { MachineHost } from '../../host/machine-host.js';
import type { QemuSettings } from '../contracts.js';

export interface MachineDeps {
  readonly host: MachineHost;
  readonly clock: Clock;
  readonly settings: Pick<QemuSettings, 'qemu' | 'startDeadlineMs' | 'callDeadlineMs'>;
}
