/** The simulated driver against the contract, on the machine's own clock with short latencies. */
import {
  createSimulatedDriver,
  createSimulatedHost,
  type Behaviour,
  type RunFacts,
} from '../../src/runtimes/simulated/index.js';
import { realClock } from '../support/real-clock.js';
import { createSeededChance } from '../../src/simulation/seeded-chance.js';
import { canAll, type Fixture, type TestProgram } from './fixture.js';
import { describeDriverConformance } from './suite.js';

const tickEveryMs = 100;
const mostTicks = 1_000;

const sleeping: Behaviour = { termExitCode: 0 };

function behaviourOf(program: TestProgram): Behaviour {
  switch (program.does) {
    case 'sleep':
      return sleeping;
    case 'exit':
      return { exitAfterMs: 20, exitCode: program.code };
    case 'ignore-term':
      return { ignoresTerm: true };
    case 'print': {
      const { lines, errorLines = [], unfinished = '', then } = program;
      const output = [
        { afterMs: 1, text: lines.map((line) => `${line}\n`).join('') },
        { afterMs: 2, stream: 'stderr' as const, text: errorLines.map((line) => `${line}\n`).join('') },
        { afterMs: 3, text: unfinished },
      ];
      return then === 'exit' ? { output, exitAfterMs: 20 } : { ...sleeping, output };
    }
    case 'count': {
      const text = Array.from({ length: program.lines }, (_, index) => `line ${index + 1}\n`).join('');
      return { output: [{ afterMs: 1, text }], exitAfterMs: 20 };
    }
    case 'tick': {
      const ticks = Array.from({ length: mostTicks }, (_, index) => index + 1);
      return { ...sleeping, output: ticks.map((tick) => ({ afterMs: tick * tickEveryMs, text: `tick ${tick}\n` })) };
    }
  }
}

/** The command of a simulated workload is its program, as JSON; whatever else it is told, it sleeps. */
function programOf({ command }: RunFacts): Behaviour {
  const [text = ''] = command;
  return text.startsWith('{"does"') ? behaviourOf(JSON.parse(text) as TestProgram) : sleeping;
}

async function makeFixture(realm: 'container' | 'vm'): Promise<Fixture> {
  const hostFolder = '/srv/files';
  const latencies = { transport: [0, 1], create: 2, start: [2, 6], stop: 2, remove: 2, rename: 1, list: 1 } as const;
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
  const driver = createSimulatedDriver({ ...common, homeId, namePrefix: 'one-' });
  let port = 20_000;
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
    },
    hostFolder,
    freePort: async () => (port += 1),
    killedCode: isVm ? null : 137,
    cutEvents: async () => host.events.cut(),
    listCalls: () => host.faults.calls('list'),
    cleanup: async () => {
      await driver.close();
    },
  };
}

describeDriverConformance('simulated', () => makeFixture('container'));

/** Machines keep their limits, and nothing runs in them but their program; images come from the containers' store. */
describeDriverConformance('simulated-vm', () => makeFixture('vm'), {
  ...canAll,
  limits: false,
  exec: false,
  networks: false,
  images: false,
});
