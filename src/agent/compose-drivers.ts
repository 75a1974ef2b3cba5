/** The drivers of a home, made with what this machine is. Loaded only when a runtime is needed. */
import { join } from 'node:path';
import type { Driver } from '../core/ports/driver.js';
import type { Log } from '../core/ports/log.js';
import type { Registry } from '../core/ports/registry.js';
import { createFolders } from '../runtimes/host/folders.js';
import { createNodeHost } from '../runtimes/host/host.js';
import { createMachineHost } from '../runtimes/host/machine-host.js';
import { createPipes } from '../runtimes/host/pipes.js';
import { createImageSource, createPodmanDriver, type ImageKeeper } from '../runtimes/podman/index.js';
import { createGuestKit, createQemuDriver } from '../runtimes/qemu/index.js';
import { qemuSettings } from './qemu-settings.js';
import type { Settings } from './settings.js';
import { systemChance, systemClock } from './system.js';

export interface DriverFacts {
  readonly home: string;
  readonly registry: Registry;
  readonly settings: Settings;
  readonly log: Log;
  /** For a command: nothing is watched, and what must be started ends by itself. */
  readonly transient: boolean;
}

const silent = (): void => undefined;
/** For commands: what went wrong is in their answer. */
export const silentLog: Log = Object.freeze({ debug: silent, info: silent, warn: silent, error: silent });

/** Every driver that Berth has, whether this node can serve its runtimes or not. */
export function createDrivers(facts: DriverFacts): readonly Driver[] {
  const podman = podmanDriver(facts);
  return [podman, qemuDriver(facts, podman)];
}

/** Fetches the guest kernel into a home. `say` is told of each step. */
export async function setUpGuestKernel(
  home: string,
  settings: Settings,
  say: (step: string) => void,
  signal: AbortSignal,
): Promise<{ readonly version: string; readonly path: string }> {
  const kit = createGuestKit({
    host: createNodeHost(),
    folder: join(home, 'vm', 'kernel'),
    settings: qemuSettings(settings),
    clock: systemClock,
    chance: systemChance,
    log: silentLog,
  });
  const { version, image } = await kit.setUp(say, signal);
  return { version, path: image };
}

function podmanDriver({ home, registry, settings, log, transient }: DriverFacts): ImageKeeper {
  return createPodmanDriver({
    homeId: registry.homeId,
    namePrefix: registry.namePrefix,
    stateDir: home,
    clock: systemClock,
    chance: systemChance,
    host: createNodeHost(),
    log,
    transient,
    settings: {
      socket: settings.podman_socket ?? null,
      callDeadlineMs: settings.podman_call_timeout_s * 1_000,
      listDeadlineMs: settings.podman_list_timeout_s * 1_000,
      pullDeadlineMs: settings.podman_pull_timeout_s * 1_000,
      buildDeadlineMs: settings.podman_build_timeout_s * 1_000,
      replaceServiceAfterMs: settings.podman_replace_service_s * 1_000,
    },
  });
}

function qemuDriver({ home, registry, settings, log, transient }: DriverFacts, podman: ImageKeeper): Driver {
  return createQemuDriver({
    homeId: registry.homeId,
    namePrefix: registry.namePrefix,
    stateDir: home,
    clock: systemClock,
    chance: systemChance,
    host: createMachineHost(createNodeHost()),
    folders: createFolders(),
    pipes: createPipes(),
    log,
    transient,
    source: createImageSource(podman),
    settings: qemuSettings(settings),
  });
}
