/** What users ask for: edits that follow on each other, images that come and go, parts of a service that come and go. */
import { isBerthError } from '../core/errors.js';
import type { Change } from '../core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../core/spec.js';
import { editBySql } from '../registry/index.js';
import { demand, demandSame } from './demand.js';
import type { SimulatedHome } from './home.js';
import { done, everything, imageOfWorkload, open, pass, shop, told, until, web } from './scenario-parts.js';
import type { Scenario } from './scenario.js';

const common = { untouched: ['shop-db', 'shop-worker'], running: everything };

function put(name: string, patch: Partial<ComponentSpec>): Change {
  const spec = { ...componentDefaults, name, image: 'localhost/app:1', ...patch };
  return { kind: 'put-component', service: 'shop', spec, source: null };
}

/** What breaks a rule is refused, and nothing of it is kept. */
async function refused(home: SimulatedHome, changes: readonly Change[]): Promise<void> {
  try {
    await home.change(changes);
  } catch (error) {
    if (isBerthError(error, 'E_REGISTRY_IO')) throw error;
    return;
  }
  demand(false, 'what breaks a rule was not refused');
}

/** What Berth itself stopped was not started again for having ended. Of one stop the answer may have been lost. */
async function demandNoRestart(home: SimulatedHome): Promise<void> {
  const records = await home.registry.components();
  const restarts = records.reduce((sum, { status }) => sum + status.restarts, 0);
  demand(restarts <= 1, `${String(restarts)} are said to have been started again`);
}

const edits: readonly Scenario[] = [
  {
    name: 'rollback to an earlier revision',
    prepare: async (home) => {
      await open(home);
      await home.put(shop({ web: { image: 'localhost/app:2', env: { A: '1' } } }));
      await home.converge();
    },
    act: async (home) => {
      const [last] = await home.registry.history(web);
      const earlier = await home.registry.serviceAt('shop', (last?.revision ?? 0) - 1);
      await home.change((earlier?.components ?? []).map((spec) => put(spec.name, spec)));
    },
    ...common,
    check: (home) => {
      demandSame(imageOfWorkload(home, 'shop-web'), 'localhost/app:1', 'the image of web');
    },
  },
  {
    name: 'two edits in quick succession',
    prepare: (home) => open(home),
    act: async (home) => {
      await home.put(shop({ web: { env: { A: '1' } } }));
      await pass(home, 300);
      await home.put(shop({ web: { env: { A: '2' } } }));
    },
    ...common,
    check: (home) => {
      demandSame(home.host.engine.find('shop-web')?.spec.env['A'], '2', 'what web was told');
    },
  },
  {
    name: 'an edit while the workload takes its time to stop',
    prepare: async (home) => {
      home.host.images.add('localhost/slow:1', { program: { termDelayMs: 100 } });
      await open(home, { web: { image: 'localhost/slow:1' } });
    },
    act: async (home) => {
      await home.put(shop({ web: { image: 'localhost/slow:1', env: { A: '1' } } }));
      await home.clock.advance(50);
      await home.put(shop({ web: { image: 'localhost/slow:1', env: { A: '2' } } }));
      await pass(home, 200);
    },
    ...common,
    check: (home) => {
      demandSame(home.host.engine.find('shop-web')?.spec.env['A'], '2', 'what web was told');
    },
  },
  {
    name: 'an edit that does not stay up follows on one that has just begun',
    prepare: (home) => open(home),
    act: async (home) => {
      await home.put(shop({ web: { image: 'localhost/app:2' } }));
      await until(home, () => home.host.containers().some((item) => item.run && item.spec.imageRef.endsWith('app:2')));
      await home.put(shop({ web: { image: 'localhost/bad:1' } }));
    },
    ...common,
    putBack: 'localhost/app:2',
    check: (home) => {
      demandSame(imageOfWorkload(home, 'shop-web'), 'localhost/app:2', 'the image that web is put back to');
    },
  },
  {
    name: 'an edit is refused, another one kept',
    prepare: (home) => open(home, { db: { ports: ['127.0.0.1:8080:80'] } }),
    act: async (home) => {
      const port = { ports: ['127.0.0.1:8080:80'] };
      await refused(home, [put('worker', { env: { A: 'refused' } }), put('web', { dependsOn: ['db'], ...port })]);
      await home.change([put('db', {}), put('web', { dependsOn: ['db'], ...port })]);
    },
    untouched: ['shop-worker'],
    running: everything,
    check: async (home) => {
      demandSame((await home.record('shop', 'worker')).spec.env, {}, 'what a refused edit leaves');
      demandSame(home.host.engine.find('shop-web')?.spec.ports.length, 1, 'the ports of web');
    },
  },
  {
    name: 'an edit whose answer is lost',
    prepare: (home) => open(home),
    act: async (home) => {
      home.storage.plan('answer-lost', 1);
      try {
        await home.put(shop({ web: { env: { A: '1' } } }));
      } catch (error) {
        if (!isBerthError(error, 'E_REGISTRY_IO')) throw error;
      }
    },
    ...common,
  },
  {
    name: 'an edit that cannot be read at once',
    prepare: (home) => open(home),
    act: async (home) => {
      home.storage.plan('unreadable', 1);
      await home.put(shop({ web: { env: { A: '1' } } }));
      await home.clock.advance(100);
      home.storage.clear();
    },
    ...common,
  },
  {
    name: 'an edit by SQL',
    prepare: (home) => open(home),
    act: (home) =>
      home.byUser(() => {
        const set = `env = '{"A":"1"}', memory_mb = 64`;
        editBySql(home.registry, `update components set ${set} where service = 'shop' and name = 'web'`);
      }),
    ...common,
    check: async (home) => {
      const [last] = await home.registry.history(web);
      demandSame(last?.actor, 'sql', 'who is said to have edited by SQL');
      demandSame(home.host.engine.find('shop-web')?.memoryMb, 64, 'the memory of web');
    },
  },
  {
    name: 'a service is made inactive, and active again',
    prepare: (home) => open(home),
    act: async (home) => {
      await home.change([{ kind: 'put-service', name: 'shop', node: 'local', active: false }]);
      await until(home, () => home.host.containers().every(({ run }) => run === null));
      await pass(home, 100);
      await home.change([{ kind: 'put-service', name: 'shop', node: 'local', active: true }]);
    },
    untouched: [],
    running: everything,
    check: async (home) => {
      for (const name of everything) demandSame(done(home, 'create', name).length, 1, `how often ${name} was made`);
      await demandNoRestart(home);
    },
  },
  {
    name: 'a job that fails once, and is done',
    prepare: async (home) => {
      const program = ({ startNumber }: { readonly startNumber: number }) => ({
        exitAfterMs: 5,
        exitCode: startNumber === 1 ? 1 : 0,
      });
      home.host.images.add('localhost/job:1', { program });
      await open(home);
    },
    act: (home) => home.put({ jobs: [{ name: 'once', image: 'localhost/job:1', restart: 'on-failure' }] }),
    untouched: everything,
    running: everything,
    check: (home) => {
      demandSame(home.host.starts('jobs-once'), 2, 'the starts of a job that fails once');
    },
  },
  {
    name: 'a program that ends four times before it stays up',
    prepare: async (home) => {
      const program = ({ startNumber }: { readonly startNumber: number }) =>
        startNumber <= 4 ? { exitAfterMs: 5, exitCode: 1 } : {};
      home.host.images.add('localhost/loops:1', { program });
      await open(home);
    },
    act: (home) => home.put({ jobs: [{ name: 'loop', image: 'localhost/loops:1' }] }),
    untouched: everything,
    running: [...everything, 'jobs-loop'],
    check: async (home) => {
      const starts = done(home, 'start', 'jobs-loop').map(({ atMs }) => atMs);
      demandSame(starts.length, 5, 'the starts of a program that fails four times');
      const waits = starts.slice(2).map((atMs, index) => atMs - (starts[index + 1] ?? 0));
      const isLonger = waits.every((waitMs, index) => waitMs >= 900 * 2 ** index);
      demand(isLonger, `it was started again without waiting: after ${waits.join(', ')} ms`);
      // An end and a start in one millisecond may be told apart too late.
      const { failures } = (await home.record('jobs', 'loop')).status;
      demand(failures === 4 || failures === 5, `${String(failures)} failures are counted`);
    },
  },
];

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
      home.meanwhile = (what) => {
        if (what !== 'registry commit' || home.host.engine.find('shop-worker')) return;
        home.meanwhile = null;
        const user = { actor: 'cli:user', request: null, message: null } as const;
        // It may come to nothing when the agent dies in that same instant.
        home.registry.change([again], user).catch(() => undefined);
      };
      await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]);
      await until(home, () => home.meanwhile === null);
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

export const moreScenarios: readonly Scenario[] = [...edits, ...images, ...comings];
