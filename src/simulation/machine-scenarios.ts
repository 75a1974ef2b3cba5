/** Machines beside containers: their lives, and components that move between the two with their data. */
import { demand, demandSame } from './demand.js';
import type { Services, SimulatedHome } from './home.js';
import type { Scenario } from './scenario.js';

type Web = Partial<Services[string][number]>;

/** `web` as the scenario wants it, beside a container. The program writes a word to its volume each time it begins. */
function shop(web: Web): Services {
  return { shop: [{ name: 'db' }, { name: 'web', volumes: ['data:/data'], ...web }] };
}

async function settled(home: SimulatedHome, web: Web): Promise<void> {
  home.host.images.add('localhost/app:1');
  home.host.images.add('localhost/web:1', { program: { writes: '+' } });
  home.host.images.add('localhost/stuck:1', { program: { neverBoots: true } });
  home.host.images.add('localhost/spoils:1', { program: { writes: 'spoiled', exitAfterMs: 10, exitCode: 1 } });
  home.host.images.add('localhost/shaky:1', {
    program: ({ startNumber }) => ({ writes: '+', ...(startNumber === 1 ? { exitAfterMs: 10, exitCode: 1 } : {}) }),
  });
  home.host.images.add('localhost/none:1', { noBoot: 'it holds no program that a machine can run' });
  await home.put(shop({ image: 'localhost/web:1', ...web }));
  await home.start();
  await home.converge();
  const running = home.host.containers().find(({ name }) => name === 'shop-web');
  const hand = running?.spec.runtime === 'container' ? home.host.hand : home.host.machineHand;
  hand.write('shop-web', 'precious');
}

/** Each begin of the program that runs now has left its mark behind what was there, and no copy came over it. */
function demandData(home: SimulatedHome, realm: 'container' | 'vm', before: string): void {
  const web = home.host.containers().find(({ name }) => name === 'shop-web');
  const other = realm === 'vm' ? 'container' : 'vm';
  const data = home.volume('shop', 'data');
  demandSame(data[realm], `${before}${'+'.repeat(web?.starts ?? 0)}`, `the data with the ${realm}`);
  demandSame(data[other], undefined, `what is left with the ${other}`);
}

const both = ['shop-db', 'shop-web'];
const common = { untouched: ['shop-db'], running: both };
const isMachine = { ...common, machines: ['shop-web'] };

export const machineScenarios: readonly Scenario[] = [
  {
    name: 'first apply of a machine',
    prepare: async (home) => {
      home.host.images.add('localhost/app:1');
      await home.start();
    },
    act: (home) => home.put(shop({ runtime: 'microvm' })),
    ...isMachine,
    untouched: [],
  },
  {
    name: 'a changed environment of a machine',
    prepare: (home) => settled(home, { runtime: 'microvm' }),
    act: (home) => home.put(shop({ image: 'localhost/web:1', runtime: 'microvm', env: { A: '1' } })),
    ...isMachine,
    check: (home) => {
      demandData(home, 'vm', '+precious');
    },
  },
  {
    name: 'more memory for a machine',
    prepare: (home) => settled(home, { runtime: 'unikernel', volumes: [] }),
    act: (home) => home.put(shop({ image: 'localhost/web:1', runtime: 'unikernel', volumes: [], memoryMb: 512 })),
    ...isMachine,
  },
  {
    name: 'a machine is killed by hand',
    prepare: (home) => settled(home, { runtime: 'microvm' }),
    act: async (home) => {
      home.host.machineHand.kill('shop-web');
      await home.clock.advance(20);
    },
    ...isMachine,
  },
  {
    name: 'a container becomes a machine',
    prepare: (home) => settled(home, {}),
    act: (home) => home.put(shop({ image: 'localhost/web:1', runtime: 'microvm' })),
    ...isMachine,
    check: (home) => {
      demandData(home, 'vm', '+precious');
    },
  },
  {
    name: 'a container becomes a machine that ends once before it stays up',
    prepare: (home) => settled(home, {}),
    act: (home) => home.put(shop({ image: 'localhost/shaky:1', runtime: 'microvm' })),
    ...isMachine,
    check: (home) => {
      demand(home.host.starts('shop-web') > 1, 'it was started only once');
      demandData(home, 'vm', '+precious');
    },
  },
  {
    name: 'a machine becomes a container',
    prepare: (home) => settled(home, { runtime: 'microvm' }),
    act: (home) => home.put(shop({ image: 'localhost/web:1' })),
    ...common,
    check: (home) => {
      demandData(home, 'container', '+precious');
    },
  },
  {
    name: 'a machine that was a container becomes one again',
    prepare: async (home) => {
      await settled(home, {});
      await home.put(shop({ image: 'localhost/web:1', runtime: 'microvm' }));
      await home.converge();
      home.host.machineHand.write('shop-web', 'newer');
    },
    act: (home) => home.put(shop({ image: 'localhost/web:1' })),
    ...common,
    check: (home) => {
      demandData(home, 'container', '+precious+newer');
    },
  },
  {
    name: 'a machine whose program never begins is put back',
    putBack: 'localhost/web:1',
    prepare: (home) => settled(home, {}),
    act: (home) => home.put(shop({ image: 'localhost/stuck:1', runtime: 'microvm', readyTimeoutS: 5 })),
    ...common,
    check: (home) => {
      demandSame(home.volume('shop', 'data'), { container: '+precious+', vm: undefined }, 'the data');
    },
  },
  {
    name: 'a machine that spoils its data and ends is put back',
    putBack: 'localhost/web:1',
    prepare: (home) => settled(home, {}),
    act: (home) => home.put(shop({ image: 'localhost/spoils:1', runtime: 'microvm', readyTimeoutS: 5 })),
    ...common,
    check: (home) => {
      demandSame(home.volume('shop', 'data'), { container: '+precious+', vm: undefined }, 'the data');
    },
  },
  {
    name: 'an image of which no machine can be made is put back',
    putBack: 'localhost/web:1',
    prepare: (home) => settled(home, {}),
    act: (home) => home.put(shop({ image: 'localhost/none:1', runtime: 'microvm' })),
    ...common,
    untouched: both,
    check: (home) => {
      demandSame(home.volume('shop', 'data').container, '+precious', 'the data');
    },
  },
  {
    name: 'a component that became a machine is deleted',
    prepare: async (home) => {
      await settled(home, {});
      await home.put(shop({ image: 'localhost/web:1', runtime: 'microvm' }));
      await home.converge();
    },
    act: (home) => home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'web' } }]),
    untouched: ['shop-db'],
    running: ['shop-db'],
    check: (home) => {
      demandSame(home.volume('shop', 'data'), { container: undefined, vm: '+precious+' }, 'the data');
    },
  },
];
