/** What comes and goes: images and their tags, components, volumes, agents. */
import type { Change } from '../core/ports/registry.js';
import { demand, demandSame } from './demand.js';
import { done, everything, open, pass, put, shop, told, until, user } from './scenario-parts.js';
import type { Scenario } from './scenario.js';

const common = { untouched: ['shop-db', 'shop-worker'], running: everything };

const images: readonly Scenario[] = [
  {
    name: 'an image is pulled',
    prepare: async (home) => {
      home.host.images.publish('registry.example/app:1');
      await open(home);
    },
    act: (home) => home.put(shop({ web: { image: 'registry.example/app:1' } })),
    ...common,
  },
  {
    name: 'an image is built',
    prepare: async (home) => {
      home.host.images.setBuild('/src/web', {});
      await open(home);
    },
    act: (home) => home.put(shop({ web: { image: 'localhost/built:1', build: { context: '/src/web' } } })),
    ...common,
  },
  {
    name: 'a tag moves, and nobody applies',
    prepare: (home) => open(home, { web: { image: 'localhost/app:2' } }),
    act: async (home) => {
      home.host.hand.retag('localhost/app:2');
      home.host.hand.kill('shop-web');
      await pass(home, 20);
    },
    ...common,
    check: (home) => {
      demandSame(done(home, 'create', 'shop-web').length, 1, 'how often web was made');
    },
  },
  {
    name: 'a tag moves, and is applied',
    prepare: (home) => open(home, { web: { image: 'localhost/app:2' } }),
    act: async (home) => {
      home.host.hand.retag('localhost/app:2');
      const change = put('web', { image: 'localhost/app:2', dependsOn: ['db'] });
      await home.change([{ ...change, refreshImage: true } as Change]);
    },
    ...common,
    check: (home) => {
      const digest = home.host.engine.find('shop-web')?.spec.image.digest;
      demandSame(digest, home.host.images.resolve('localhost/app:2'), 'the image of web');
    },
  },
];

const comings: readonly Scenario[] = [
  {
    name: 'a component is deleted and made again at once',
    prepare: (home) => open(home),
    act: async (home) => {
      await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]);
      await home.change([put('worker', { env: { A: '1' } })]);
    },
    untouched: ['shop-db', 'shop-web'],
    running: everything,
  },
  {
    name: 'a component is made again in the instant in which it is gone',
    prepare: (home) => open(home),
    act: async (home) => {
      const again = put('worker', { env: { A: '1' } });
      let commits = 0;
      const kept: Change[] = [];
      home.meanwhile = (what) => {
        if (what !== 'registry commit' || home.host.engine.find('shop-worker')) return;
        // Its row of the ledger is gone, then it is said to be removed, then that it is gone: next is its own row.
        commits += 1;
        if (commits < 3) return;
        home.meanwhile = null;
        // It may come to nothing when the agent dies in that same instant.
        home.registry.change([again], user).then(
          () => kept.push(again),
          () => undefined,
        );
      };
      await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]);
      await until(home, () => home.meanwhile === null);
      await pass(home, 10);
      const found = await home.registry.component({ service: 'shop', component: 'worker' });
      demand(kept.length === 0 || found !== undefined, 'what was kept is gone');
      await home.change([again]);
    },
    untouched: ['shop-db', 'shop-web'],
    running: everything,
  },
  {
    name: 'a volume is deleted by name',
    prepare: async (home) => {
      await open(home, { worker: { image: 'localhost/keeps:1', volumes: ['data:/data'] } });
      await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]);
      await home.converge();
    },
    act: async (home) => {
      await home.change([{ kind: 'delete-volume', service: 'shop', volume: 'data' }]);
      await pass(home, 11_000);
    },
    untouched: ['shop-db', 'shop-web'],
    running: ['shop-db', 'shop-web'],
    check: (home) => {
      demandSame(home.volume('shop', 'data'), { container: undefined, vm: undefined }, 'the data');
    },
  },
  {
    name: 'a component leaves and its volume stays',
    prepare: (home) => open(home, { worker: { image: 'localhost/keeps:1', volumes: ['data:/data'] } }),
    act: (home) => home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]),
    untouched: ['shop-db', 'shop-web'],
    running: ['shop-db', 'shop-web'],
    check: (home) => {
      demandSame(home.volume('shop', 'data').container, '+', 'the data');
    },
  },
  {
    name: 'a container becomes a unikernel',
    prepare: (home) => open(home),
    act: (home) => home.put(shop({ web: { runtime: 'unikernel' } })),
    ...common,
    machines: ['shop-web'],
  },
  {
    name: 'the agent starts again and finds nothing to do',
    prepare: (home) => open(home),
    act: async (home) => {
      home.crash();
      await pass(home, 20);
    },
    untouched: everything,
    running: everything,
    check: async (home) => {
      demandSame(
        (await told(home)).filter((words) => words.startsWith('Drift')),
        [],
        'drift that is told',
      );
    },
  },
  {
    name: 'an agent of another version starts, and a component is edited',
    prepare: (home) => open(home),
    act: async (home) => {
      home.crash();
      for (const name of everything) {
        if (home.host.engine.find(name)) home.host.hand.relabel(name, { 'berth.spec-hash': 'of another version' });
      }
      await home.start();
      await home.put(shop({ worker: { env: { A: '1' } } }));
    },
    untouched: ['shop-db', 'shop-web'],
    running: everything,
  },
];

export const comingScenarios: readonly Scenario[] = [...images, ...comings];
