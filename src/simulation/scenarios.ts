/** What a home goes through in simulation: each has a beginning that is reached in peace, and an act. */
import type { SimulatedHome } from './home.js';
import { machineScenarios } from './machine-scenarios.js';
import { comingScenarios } from './coming-scenarios.js';
import { disturbedScenarios } from './disturbed-scenarios.js';
import { moreScenarios } from './more-scenarios.js';
import type { Scenario } from './scenario.js';

const shop = { shop: [{ name: 'db' }, { name: 'web', dependsOn: ['db'] }, { name: 'worker' }] };
const all = ['shop-db', 'shop-web', 'shop-worker'];

async function settled(home: SimulatedHome): Promise<void> {
  home.host.images.add('localhost/app:1');
  await home.put(shop);
  await home.start();
  await home.converge();
}

const containers: readonly Scenario[] = [
  {
    name: 'first apply',
    prepare: async (home) => {
      home.host.images.add('localhost/app:1');
      await home.start();
    },
    act: (home) => home.put(shop),
    untouched: [],
    running: all,
  },
  {
    name: 'a changed environment',
    prepare: settled,
    act: (home) =>
      home.put({ shop: [{ name: 'db' }, { name: 'web', dependsOn: ['db'], env: { A: '1' } }, { name: 'worker' }] }),
    untouched: ['shop-db', 'shop-worker'],
    running: all,
  },
  {
    name: 'limits in place',
    prepare: settled,
    act: (home) =>
      home.put({ shop: [{ name: 'db', memoryMb: 64 }, { name: 'web', dependsOn: ['db'] }, { name: 'worker' }] }),
    untouched: all,
    running: all,
  },
  {
    name: 'another image',
    prepare: async (home) => {
      await settled(home);
      home.host.images.add('localhost/app:2');
    },
    act: (home) =>
      home.put({
        shop: [{ name: 'db' }, { name: 'web', dependsOn: ['db'], image: 'localhost/app:2' }, { name: 'worker' }],
      }),
    untouched: ['shop-db', 'shop-worker'],
    running: all,
  },
  {
    name: 'an image that does not stay up is put back',
    putBack: 'localhost/app:1',
    prepare: async (home) => {
      await settled(home);
      home.host.images.add('localhost/app:2', { program: { exitAfterMs: 10, exitCode: 1 } });
    },
    act: (home) =>
      home.put({
        shop: [{ name: 'db' }, { name: 'web', dependsOn: ['db'], image: 'localhost/app:2' }, { name: 'worker' }],
      }),
    untouched: ['shop-db', 'shop-worker'],
    running: all,
  },
  {
    name: 'a component is deleted',
    prepare: settled,
    act: (home) => home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]),
    untouched: ['shop-db', 'shop-web'],
    running: ['shop-db', 'shop-web'],
  },
  {
    name: 'a service is deleted',
    prepare: settled,
    act: (home) => home.change([{ kind: 'delete-service', name: 'shop' }]),
    untouched: [],
    running: [],
  },
  {
    name: 'stop',
    prepare: settled,
    act: (home) =>
      home.change(
        ['db', 'web', 'worker'].map((component) => ({
          kind: 'set-desired' as const,
          key: { service: 'shop', component },
          desired: 'stopped' as const,
        })),
      ),
    untouched: [],
    running: [],
  },
  {
    name: 'restart',
    prepare: settled,
    act: (home) => home.change([{ kind: 'request-restart', key: { service: 'shop', component: 'web' } }]),
    untouched: ['shop-db', 'shop-worker'],
    running: all,
  },
  {
    name: 'a workload is removed by hand',
    prepare: settled,
    act: async (home) => {
      home.host.hand.remove('shop-db');
      await home.clock.advance(20);
    },
    untouched: ['shop-web', 'shop-worker'],
    running: all,
  },
  {
    name: 'a workload is killed by hand',
    prepare: settled,
    act: async (home) => {
      home.host.hand.kill('shop-worker');
      await home.clock.advance(20);
    },
    untouched: ['shop-db', 'shop-web'],
    running: all,
  },
  {
    name: 'the host reboots',
    prepare: async (home) => {
      home.host.images.add('localhost/job:1', { program: { exitAfterMs: 5, exitCode: 0 } });
      await settled(home);
      await home.put({ jobs: [{ name: 'once', image: 'localhost/job:1', restart: 'on-failure' }] });
      await home.converge();
    },
    act: async (home) => {
      home.crash();
      home.host.reboot();
      await home.start();
      await home.clock.advance(20);
    },
    untouched: ['jobs-once'],
    running: all,
  },
];

/** Those whose end depends on nothing but what is wanted, not on when it is done nor on who else does something. */
export const plainScenarios: readonly Scenario[] = [...containers, ...machineScenarios];

export const scenarios: readonly Scenario[] = [
  ...plainScenarios,
  ...moreScenarios,
  ...comingScenarios,
  ...disturbedScenarios,
];
