/** The guest kernel of tests: the set-up has fetched it; a single test run without a set-up does it itself, once. */
import { join } from 'node:path';
import { testKernelHome } from '../../scripts/lib/paths.mjs';
import { createNodeHost } from '../../src/runtimes/host/host.js';
import { createMachineHost } from '../../src/runtimes/host/machine-host.js';
import { defaultQemuSettings } from '../../src/runtimes/qemu/contracts.js';
import { createGuestKit } from '../../src/runtimes/qemu/guest/index.js';
import { silentLog } from './podman-fixture.js';
import { realChance, realClock } from './real-clock.js';

const deadlineMs = 300_000;

export interface TestKernel {
  readonly kernel: string;
  readonly modules: string;
  /** Settings for homes of tests, as environment variables. */
  readonly env: Readonly<Record<string, string>>;
}

export async function ensureTestKernel(): Promise<TestKernel> {
  const kit = createGuestKit({
    host: createMachineHost(createNodeHost()),
    folder: join(testKernelHome, 'vm', 'kernel'),
    settings: defaultQemuSettings,
    clock: realClock,
    chance: realChance,
    log: silentLog,
  });
  const { image: kernel, modules } = await kit.setUp(() => undefined, AbortSignal.timeout(deadlineMs));
  return { kernel, modules, env: { BERTH_VM_KERNEL: kernel, BERTH_VM_KERNEL_MODULES: modules } };
}
