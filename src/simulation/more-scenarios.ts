/** What users ask for: edits that follow on each other, edits that fail, programs that end. */
import { isBerthError } from '../core/errors.js';
import type { Change } from '../core/ports/registry.js';
import { editBySql } from '../registry/index.js';
import { demand, demandSame } from './demand.js';
import type { SimulatedHome } from './home.js';
import {
  done,
  everything,
  imageOfWorkload,
  open,
  pass,
  promptly,
  put,
  shop,
  takeBack,
  until,
  user,
  web,
} from './scenario-parts.js';
import type { Scenario } from './scenario.js';

const common = { untouched: ['shop-db', 'shop-worker'], running: everything };

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

function isTold(home: SimulatedHome, value: string): boolean {
  return home.host.engine.find('shop-web')?.spec.env['A'] === value;
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
    act: takeBack,
    ...common,
    check: (home) => {
      demandSame(imageOfWorkload(home, 'shop-web'), 'localhost/app:1', 'the image of web');
    },
  },
  {
    name: 'rollback of a removal, once the component is gone',
    prepare: async (home) => {
      await open(home);
      await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]);
      await home.converge();
    },
    act: takeBack,
    untouched: ['shop-db', 'shop-web'],
    running: everything,
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
      const both = [put('worker', { env: { A: 'refused' } }), put('web', { dependsOn: ['db'], ...port })];
      const moved = [put('db', {}), put('web', { dependsOn: ['db'], ...port })];
      await refused(home, both);
      // In one transaction of the disk: what is refused of the one must not come with the other.
      await home.byUser(async () => {
        const answers = await Promise.allSettled([home.registry.change(both, user), home.registry.change(moved, user)]);
        demandSame(
          answers.map(({ status }) => status),
          ['rejected', 'fulfilled'],
          'what became of two edits at once',
        );
      });
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
      await promptly(home, () => isTold(home, '1'));
    },
    ...common,
  },
  {
    name: 'an edit finds the disk full, and is made again',
    prepare: (home) => open(home),
    act: async (home) => {
      home.storage.plan('full', 1);
      await refused(home, [put('web', { dependsOn: ['db'], env: { A: 'refused' } })]);
      await home.put(shop({ web: { env: { A: '1' } } }));
    },
    ...common,
    check: (home) => {
      demand(isTold(home, '1'), 'web was not told what the second edit says');
    },
  },
  {
    name: 'an edit that cannot be read at once',
    prepare: (home) => open(home),
    act: async (home) => {
      home.storage.plan('unreadable', 1);
      await home.put(shop({ web: { env: { A: '1' } } }));
      await promptly(home, () => isTold(home, '1'));
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
    name: 'what is left of a job that is done is removed by hand',
    prepare: async (home) => {
      home.host.images.add('localhost/job:1', { program: { exitAfterMs: 5 } });
      await open(home);
      await home.put({ jobs: [{ name: 'once', image: 'localhost/job:1', restart: 'on-failure' }] });
      await home.converge();
    },
    act: async (home) => {
      home.host.hand.remove('jobs-once');
      await pass(home, 20);
    },
    untouched: everything,
    running: everything,
    check: (home) => {
      demandSame(done(home, 'start', 'jobs-once').length, 1, 'how often a job that is done was run');
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
      // An end and a start in one millisecond may be told apart too late; a start that is refused is a failure, too.
      const { failures } = (await home.record('jobs', 'loop')).status;
      demand(failures >= 4 && failures <= 6, `${String(failures)} failures are counted`);
    },
  },
];

export const moreScenarios: readonly Scenario[] = edits;
