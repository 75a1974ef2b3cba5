/** What tests with real machines share: a QEMU driver in a home of its own, over the images of a Podman of its own. */
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Driver } from '../../src/core/ports/driver.js';
import { createFolders } from '../../src/runtimes/host/folders.js';
import { createNodeHost } from '../../src/runtimes/host/host.js';
import { createMachineHost } from '../../src/runtimes/host/machine-host.js';
import { createPipes } from '../../src/runtimes/host/pipes.js';
import { createImageSource } from '../../src/runtimes/podman/index.js';
import { createQemuDriver, type QemuDriverOptions, type QemuSettings } from '../../src/runtimes/qemu/index.js';
import { machinesOf, killMachines } from './machines.js';
import { makePodmanHome, silentLog } from './podman-fixture.js';
import { realChance, realClock } from './real-clock.js';
import { ensureTestKernel } from './vm-kernel.js';

type Machine = Pick<QemuDriverOptions, 'host' | 'folders' | 'pipes'>;

export interface QemuHome {
  readonly homeId: string;
  readonly namePrefix: string;
  readonly stateDir: string;
  readonly driver: Driver;
  /** Another driver on the same home: a later agent, say, or one with a machine of its own. */
  again(settings?: Partial<QemuSettings>, machine?: Partial<Machine>): Driver;
  /** The process of a VM's QEMU; undefined while it does not run. */
  pidOf(nativeId: string): Promise<number | undefined>;
  /** Ends its machines, its Podman and its folder. */
  dispose(): Promise<void>;
}

/** A home whose driver is open. */
export async function makeQemuHome(settings: Partial<QemuSettings> = {}): Promise<QemuHome> {
  const [kernel, podman] = [await ensureTestKernel(), await makePodmanHome()];
  const { homeId, namePrefix, stateDir } = podman;
  await podman.driver.open(AbortSignal.timeout(60_000));
  const drivers: Driver[] = [];
  const again = (more: Partial<QemuSettings> = {}, machine: Partial<Machine> = {}): Driver => {
    const driver = createQemuDriver({
      ...{ homeId, namePrefix, stateDir, clock: realClock, chance: realChance, log: silentLog },
      host: createMachineHost(createNodeHost()),
      folders: createFolders(),
      pipes: createPipes(),
      ...machine,
      source: createImageSource(podman.driver),
      settings: { kernel: kernel.kernel, kernelModules: kernel.modules, accel: 'tcg', ...settings, ...more },
    });
    drivers.push(driver);
    return driver;
  };
  const driver = again();
  await driver.open(AbortSignal.timeout(60_000));
  return {
    ...{ homeId, namePrefix, stateDir, driver, again },
    pidOf: async (nativeId) =>
      (await machinesOf(stateDir)).find(({ folder }) => folder === join(stateDir, 'vm', 'run', nativeId))?.pid,
    dispose: async () => {
      for (const one of drivers) await one.close();
      await killMachines(stateDir);
      await podman.dispose();
      await rm(stateDir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** One QMP command to a machine by its socket for people. */
export async function byQmp(stateDir: string, nativeId: string, command: string): Promise<void> {
  const folder = await open(join(stateDir, 'vm', 'run', nativeId, 'm'), 'r');
  const socket = connect(`/proc/self/fd/${String(folder.fd)}/qmp-hand.sock`);
  try {
    await new Promise<void>((resolve, reject) => {
      let heard = '';
      socket.setTimeout(10_000, () => reject(new Error(`QMP does not answer: ${heard}`)));
      socket.on('error', reject);
      socket.once('close', () => reject(new Error(`QMP hung up: ${heard}`)));
      socket.on('data', (chunk) => {
        heard += String(chunk);
        if (heard.includes('"id": "done"')) resolve();
      });
      socket.write('{"execute":"qmp_capabilities"}\n');
      socket.write(`{"execute":"${command}","id":"done"}\n`);
    });
  } finally {
    socket.destroy();
    await folder.close();
  }
}
