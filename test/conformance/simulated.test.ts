/** The simulated driver against the contract, on the machine's own clock with short latencies. */
import {
  createSimulatedDriver,
  createSimulatedHost,
  type SimulatedDriver,
} from '../../src/runtimes/simulated/index.js';
import { realClock } from '../support/real-clock.js';
import { createSeededChance } from '../../src/simulation/seeded-chance.js';
import { canMachines, type Fixture } from './fixture.js';
import { programOf } from './simulated-programs.js';
import { describeDriverConformance } from './suite.js';

async function makeFixture(realm: 'container' | 'vm'): Promise<Fixture> {
  const hostFolder = '/srv/files';
  const latencies = {
    transport: [0, 1],
    create: 2,
    start: [2, 6],
    stop: 2,
    remove: 2,
    rename: 1,
    list: 1,
    build: 30,
  } as const;
  const host = createSimulatedHost({ clock: realClock, chance: createSeededChance(1), latencies, eventDelayMs: 1 });
  host.missingPaths.add(`${hostFolder}/not-there`);
  const definition = { command: ['serve'], env: { IMAGE_SAYS: 'yes' }, program: programOf };
  const makeImage = (reference: string): Fixture['image'] => ({
    reference,
    digest: host.images.add(reference, definition),
  });
  const homeId = '11111111-1111-4111-8111-111111111111';
  const otherHomeId = '22222222-2222-4222-8222-222222222222';
  host.bootMs = 5;
  const isVm = realm === 'vm';
  const hand = isVm ? host.machineHand : host.hand;
  const common = {
    host,
    clock: realClock,
    ...(isVm ? { name: 'simulated-vm', runtimes: ['microvm', 'unikernel'] as const, imagesOf: 'simulated' } : {}),
  };
  const context = '/srv/context';
  host.images.setBuild(context, definition);
  let port = 20_000;
  let spares = 0;
  const agent = (deadlineMs?: number): SimulatedDriver =>
    createSimulatedDriver({ ...common, homeId, namePrefix: 'one-', ...(deadlineMs ? { deadlineMs } : {}) });
  const driver = agent();
  return {
    driver,
    homeId,
    namePrefix: 'one-',
    otherHome: createSimulatedDriver({ ...common, homeId: otherHomeId, namePrefix: 'two-' }),
    otherHomeId,
    image: makeImage('localhost/conformance:1'),
    secondImage: makeImage('localhost/conformance:2'),
    spec: isVm ? { runtime: 'microvm', memoryMb: 64 } : {},
    command: (program) => [JSON.stringify(program)],
    exec: {
      echo: (word) => ['/bin/busybox', 'echo', word],
      exit: (code) => ['/bin/busybox', 'sh', '-c', `exit ${code}`],
    },
    byHand: {
      kill: async (id) => hand.kill(id),
      stop: (id) => hand.stop(id),
      pause: async (id) => hand.pause(id),
      remove: async (id) => hand.remove(id),
      updateMemory: async (id, memoryMb) => hand.updateLimits(id, memoryMb, null),
      runForeign: async (name) => hand.runForeign(name, { runtime: isVm ? 'microvm' : 'container' }),
      isRunning: async (id) => host.engineOf(realm).find(id)?.state === 'running',
      tag: async (digest, reference) => host.images.tag(reference, digest),
      removeImage: async (digest) => host.hand.removeImage(digest),
    },
    hostFolder,
    freePort: async () => (port += 1),
    killedCode: isVm ? null : 137,
    again: async () => agent(),
    hangable: async () => ({
      driver: agent(300),
      hang: async () => host.setOutage('hang'),
      resume: async () => host.setOutage(null),
    }),
    cutEvents: async () => host.events.cut(),
    restartDaemon: async () => {
      host.setOutage('refuse');
      realClock.after(50, () => host.setOutage(null));
    },
    spareImage: async () => makeImage(`localhost/spare:${(spares += 1)}`),
    buildContext: async () => context,
    storm: { workloads: 5, rounds: 5 },
    floodMb: 10,
    listCalls: () => host.faults.calls('list'),
    processesOf: async (ids) => ids.filter((id) => host.engineOf(realm).find(id)?.state === 'running'),
    cleanup: async () => {
      await driver.close();
    },
  };
}

describeDriverConformance('simulated', () => makeFixture('container'));

/** Of a simulated host one process answers for its machines, too: more can go wrong than with the real ones. */
describeDriverConformance('simulated-vm', () => makeFixture('vm'), { ...canMachines, cutEvents: true, daemon: true });
