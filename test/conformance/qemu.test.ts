/** The real QEMU driver against the contract, with microVMs under TCG. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { halt } from '../support/halt.js';
import { freePort, podman } from '../support/podman-fixture.js';
import { ensureTestImage } from '../support/podman-image.js';
import { processesNamed } from '../support/processes.js';
import { byQmp, makeQemuHome, type QemuHome } from '../support/qemu-fixture.js';
import { commandOf, shell } from './commands.js';
import { canMachines, type Fixture, type Hangable } from './fixture.js';
import { makeBuildContext, SpareImages } from './spare-images.js';
import { describeDriverConformance } from './suite.js';

/** A QEMU that is stopped as a process takes what it is told and answers nothing. */
async function makeHangable(home: QemuHome): Promise<Hangable> {
  const driver = home.again({ callDeadlineMs: 500 });
  await driver.open(AbortSignal.timeout(20_000));
  const stopped: string[] = [];
  return {
    driver,
    hang: async (id) => {
      stopped.push(id);
      const pid = await home.pidOf(id);
      if (pid !== undefined) await halt(pid);
    },
    resume: async () => {
      for (const id of stopped) {
        const pid = await home.pidOf(id);
        if (pid !== undefined) process.kill(pid, 'SIGCONT');
      }
    },
  };
}

async function makeFixture(): Promise<Fixture> {
  const [home, other] = [await makeQemuHome(), await makeQemuHome()];
  const [image, secondImage] = [await ensureTestImage(), await ensureTestImage({ says: 'no' })];
  const tags: string[] = [];
  const spare = new SpareImages();
  const pidOf = async (id: string): Promise<number> => {
    const pid = await home.pidOf(id);
    if (pid === undefined) throw new Error(`${id} does not run`);
    return pid;
  };
  const isRunning = async (id: string): Promise<boolean> => (await home.pidOf(id)) !== undefined;
  const notHere = (): Promise<never> => Promise.reject(new Error('this runtime has nothing of the kind'));
  return {
    driver: home.driver,
    homeId: home.homeId,
    namePrefix: home.namePrefix,
    otherHome: other.driver,
    otherHomeId: other.homeId,
    image,
    secondImage,
    spec: { runtime: 'microvm', memoryMb: 96 },
    command: commandOf,
    exec: { echo: (word) => ['/bin/echo', word], exit: (code) => shell(`exit ${code}`) },
    byHand: {
      kill: async (id) => void process.kill(await pidOf(id), 'SIGKILL'),
      stop: async (id) => {
        // A guest that is still booting does not hear the button: a person would press it again.
        await eventually(
          async () => {
            if (await isRunning(id)) await byQmp(home.stateDir, id, 'system_powerdown').catch(() => undefined);
            return !(await isRunning(id));
          },
          { timeoutMs: 30_000, everyMs: 500, describe: 'it powers off' },
        );
      },
      pause: (id) => byQmp(home.stateDir, id, 'stop'),
      remove: async (id) => {
        if (await isRunning(id)) process.kill(await pidOf(id), 'SIGKILL');
        // The agent may just be writing down that it ended.
        await rm(join(home.stateDir, 'vm', 'run', id), { recursive: true, force: true, maxRetries: 10 });
      },
      updateMemory: notHere,
      runForeign: notHere,
      isRunning,
      tag: async (digest, reference) => {
        await podman('tag', digest.replace('sha256:', ''), reference);
        tags.push(reference);
      },
      removeImage: async (digest) => {
        await podman('rmi', '--force', digest.replace('sha256:', ''));
      },
    },
    hostFolder: home.stateDir,
    freePort,
    killedCode: null,
    again: async () => {
      const driver = home.again();
      await driver.open(AbortSignal.timeout(60_000));
      return driver;
    },
    hangable: () => makeHangable(home),
    cutEvents: notHere,
    restartDaemon: notHere,
    spareImage: () => spare.make(),
    buildContext: () => makeBuildContext(join(home.stateDir, 'context'), image.reference),
    storm: { workloads: 2, rounds: 3 },
    // The serial console takes about half a megabyte a second.
    floodMb: 1,
    listCalls: null,
    processesOf: processesNamed,
    cleanup: async () => {
      await home.dispose();
      await other.dispose();
      for (const reference of tags) await podman('untag', reference).catch(() => undefined);
      await image.remove();
      await secondImage.remove();
      await spare.remove();
    },
  };
}

describeDriverConformance('qemu', makeFixture, canMachines);
