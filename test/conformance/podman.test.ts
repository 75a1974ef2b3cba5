/** The real podman driver against the contract. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { freePort, makePodmanHome, podman, runByHand, type PodmanHome } from '../support/podman-fixture.js';
import { ensureTestImage } from '../support/podman-image.js';
import { processesNamed } from '../support/processes.js';
import { commandOf, shell } from './commands.js';
import type { Fixture, Hangable } from './fixture.js';
import { openHangingSocket } from './hanging-socket.js';
import { makeBuildContext, SpareImages } from './spare-images.js';
import { describeDriverConformance } from './suite.js';

async function byHand(...argv: readonly string[]): Promise<void> {
  await podman(...argv);
}

/** The service that a home started. */
async function serviceOf(stateDir: string): Promise<{ readonly pid: number; readonly socket: string }> {
  const text = await readFile(join(stateDir, 'podman', 'podman-service.json'), 'utf8');
  return JSON.parse(text) as { pid: number; socket: string };
}

/** Ends it: its event stream breaks, and the driver replaces it. */
async function killService(stateDir: string): Promise<void> {
  process.kill((await serviceOf(stateDir)).pid, 'SIGKILL');
}

async function makeHangable(home: PodmanHome): Promise<Hangable> {
  const { socket } = await serviceOf(home.stateDir);
  const proxy = await openHangingSocket(join(home.stateDir, 'hanging.sock'), socket);
  const driver = home.again({
    ...{ socket: proxy.path, callDeadlineMs: 1_000, listDeadlineMs: 1_000, pingDeadlineMs: 500, pingEveryMs: 1_000 },
  });
  await driver.open(AbortSignal.timeout(20_000));
  return {
    driver,
    hang: async () => {
      proxy.hang();
    },
    resume: async () => {
      proxy.resume();
    },
  };
}

async function makeFixture(): Promise<Fixture> {
  const [home, other] = [await makePodmanHome(), await makePodmanHome()];
  const [image, secondImage] = [await ensureTestImage(), await ensureTestImage({ says: 'no' })];
  const opening = AbortSignal.timeout(60_000);
  await home.driver.open(opening);
  await other.driver.open(opening);
  const strangers: string[] = [];
  const tags: string[] = [];
  const spare = new SpareImages();
  return {
    driver: home.driver,
    homeId: home.homeId,
    namePrefix: home.namePrefix,
    otherHome: other.driver,
    otherHomeId: other.homeId,
    image,
    secondImage,
    spec: {},
    command: commandOf,
    exec: { echo: (word) => ['/bin/echo', word], exit: (code) => shell(`exit ${code}`) },
    byHand: {
      kill: (id) => byHand('kill', id),
      stop: (id) => byHand('stop', id),
      pause: (id) => byHand('pause', id),
      remove: (id) => byHand('rm', '--force', '--time', '0', id),
      updateMemory: (id, memoryMb) => byHand('update', '--memory', `${memoryMb}m`, id),
      runForeign: async (name) => {
        const id = await runByHand(name, image.reference);
        strangers.push(id);
        return id;
      },
      isRunning: async (id) => (await podman('inspect', '--format', '{{.State.Running}}', id)) === 'true',
      tag: async (digest, reference) => {
        await podman('tag', digest.replace('sha256:', ''), reference);
        tags.push(reference);
      },
      removeImage: (digest) => byHand('rmi', '--force', digest.replace('sha256:', '')),
    },
    hostFolder: home.stateDir,
    freePort,
    killedCode: 137,
    again: async () => {
      const driver = home.beside();
      await driver.open(AbortSignal.timeout(60_000));
      return driver;
    },
    hangable: () => makeHangable(home),
    restartDaemon: () => killService(home.stateDir),
    spareImage: () => spare.make(),
    buildContext: () => makeBuildContext(join(home.stateDir, 'context'), image.reference),
    storm: { workloads: 5, rounds: 5 },
    floodMb: 10,
    cutEvents: async () => {
      await killService(home.stateDir);
      await eventually(() => home.driver.list(AbortSignal.timeout(10_000)), { timeoutMs: 20_000, everyMs: 50 });
    },
    listCalls: null,
    processesOf: processesNamed,
    cleanup: async () => {
      for (const id of strangers) await podman('rm', '--force', '--ignore', '--time', '0', id);
      await home.dispose();
      await other.dispose();
      for (const reference of tags) await podman('untag', reference).catch(() => undefined);
      await image.remove();
      await secondImage.remove();
      await spare.remove();
    },
  };
}

describeDriverConformance('podman', makeFixture);
