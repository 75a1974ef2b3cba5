/** What tests with real podman share: a driver in a home of its own, and podman's command line as a person uses it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  createNodeHost,
  createPodmanDriver,
  type ImageKeeper,
  type PodmanSettings,
} from '../../src/runtimes/podman/index.js';
import { probeHost } from '../../src/runtimes/podman/probe-host.js';
import { realChance, realClock } from './real-clock.js';

const commandDeadlineMs = 60_000;

/** Swallows what the driver logs; what matters is asserted. */
export const silentLog = Object.freeze({
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
});

export interface PodmanHome {
  readonly homeId: string;
  /** What the names of its workloads begin with. */
  readonly namePrefix: string;
  readonly stateDir: string;
  readonly driver: ImageKeeper;
  /** Another driver on the same home: a later agent, say. */
  again(settings?: Partial<PodmanSettings>): ImageKeeper;
  /**
   * A driver of the same home that lives at the same time, with a Podman service of its own: the agent's lock keeps two
   * agents from sharing one state folder.
   */
  beside(): ImageKeeper;
  /** Removes its containers, networks and volumes, closes its drivers and removes its folder. */
  dispose(): Promise<void>;
}

/** A home with a driver that talks to a service of its own; not opened yet. */
export async function makePodmanHome(settings: Partial<PodmanSettings> = {}): Promise<PodmanHome> {
  const homeId = randomUUID();
  const namePrefix = `t${randomBytes(3).toString('hex')}-`;
  const stateDir = await mkdtemp(join(tmpdir(), 'bp-'));
  const drivers: ImageKeeper[] = [];
  const make = (folder: string, more: Partial<PodmanSettings>): ImageKeeper => {
    const driver = createPodmanDriver({
      homeId,
      namePrefix,
      stateDir: folder,
      clock: realClock,
      chance: realChance,
      host: createNodeHost(),
      log: silentLog,
      settings: { useSystemSocket: false, ...settings, ...more },
    });
    drivers.push(driver);
    return driver;
  };
  const again = (more: Partial<PodmanSettings> = {}): ImageKeeper => make(stateDir, more);
  const beside = (): ImageKeeper => make(join(stateDir, `beside-${String(drivers.length)}`), {});
  const dispose = async (): Promise<void> => {
    try {
      await removeOwned(homeId);
    } finally {
      for (const driver of drivers) await driver.close();
      await rm(stateDir, { recursive: true, force: true, maxRetries: 3 });
    }
  };
  return { homeId, namePrefix, stateDir, driver: again(), again, beside, dispose };
}

/** Runs podman as a person would; fails when it fails. Answers what it printed. */
export async function podman(...argv: readonly string[]): Promise<string> {
  const { stdout } = await execa('podman', argv, { timeout: commandDeadlineMs, stdin: 'ignore' });
  return stdout.trim();
}

/** `podman run -d` with the flags that this host needs. Answers the id. */
export async function runByHand(name: string, image: string, ...argv: readonly string[]): Promise<string> {
  const { ociRuntime, ulimits } = await probeHost(createNodeHost());
  const runtime = ociRuntime === null ? [] : ['--runtime', ociRuntime];
  const limits = ulimits.flatMap(({ type, soft, hard }) => ['--ulimit', `${type.toLowerCase()}=${soft}:${hard}`]);
  return podman(...runtime, 'run', '--detach', '--network', 'none', '--name', name, ...limits, image, ...argv);
}

/** A TCP port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the port is not known');
  return address.port;
}

async function removeOwned(homeId: string): Promise<void> {
  const label = `label=berth.owner=${homeId}`;
  const ids = async (...argv: readonly string[]): Promise<readonly string[]> =>
    (await podman(...argv, '--quiet', '--filter', label)).split('\n').filter((id) => id !== '');
  for (const id of await ids('ps', '--all')) {
    // Podman 4.3 removes what is just being stopped without ending it.
    await podman('kill', id).catch(() => undefined);
    const remove = (): Promise<string> => podman('rm', '--force', '--volumes', '--time', '0', id);
    // Of a container whose conmon a test killed, the first try only learns that it is down.
    await remove().catch(remove);
  }
  for (const id of await ids('network', 'ls')) await podman('network', 'rm', '--force', id);
  for (const id of await ids('volume', 'ls')) await podman('volume', 'rm', '--force', id);
}
